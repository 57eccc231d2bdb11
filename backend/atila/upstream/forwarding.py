"""Header fields of a message that is passed on: what ends here, what is added, where redirections lead (RFC 9110)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from atila.alias import Alias, Kind, Member
from atila.errors import HTTPError
from atila.http.headers import Pairs
from atila.http.request import Request

PSEUDONYM = "atila"  # our name in Via
RawPairs = list[tuple[bytes, bytes]]

# RFC 9110 7.6.1: these speak of one connection and end with it.
HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
# A client does not say these of itself: they are written anew.
_OURS = frozenset({"content-length", "expect", "forwarded", "host", "via", "x-real-ip", "x-request-id"})
_SECURE = (Kind.HTTPS, Kind.WSS)
_USUAL = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where a member is: scheme, host and port (RFC 6454 4)."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """As in a URL and in Host: the port only when it is not the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _USUAL[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def origin_of(alias: Alias, member: Member) -> Origin:
    """Return where a member of an alias is; `ssl=True` makes an alias of plain HTTP speak TLS, on 443 by default."""
    if alias.kind in _SECURE or not alias.ssl:
        return Origin("https" if alias.kind in _SECURE else "http", member.host, member.port)
    return Origin("https", member.host, 443 if member.port == _USUAL["http"] else member.port)


def base_of(member: Member) -> str:
    """Return the path that everything of a member lies below: "" or "/shop"."""
    path = member.database.strip("/")
    return f"/{path}" if path else ""


def target_of(member: Member, path: str, query: str) -> str:
    """Return the request target at a member: its own path, the decoded `path`, the query as it came.

    Raises HTTPError 400 for a path that would lead out of the member's own.
    """
    if "\\" in path or not path.isprintable() or has_dots(path):
        raise HTTPError(400, "the path has dot segments, backslashes or bytes that no path may have")
    base = base_of(member)
    inner = "" if base and not path else "/" + quote(path.removeprefix("/"), safe="/:@!$&'()*+,;=-._~")
    return f"{base}{inner}?{query}" if query else f"{base}{inner}"


def has_dots(path: str) -> bool:
    """Say whether a path has dot segments, also those with parameters: some servers take "..;x" for ".."."""
    return any(part.partition(";")[0] in (".", "..") for part in path.split("/"))


def request_fields(request: Request, host: str, member: Member) -> RawPairs:
    """Return the header fields to send: the client's, without those of its connection, and who and where it was.

    What the client says of itself in X-Forwarded-* counts only when it is a proxy that we trust.
    """
    fields = [("host", host)]
    fields += (pair for pair in _passed_on(request.headers.pairs) if not _is_ours(pair[0]))
    fields += _forwarded(request)
    if member.user:
        fields = [pair for pair in fields if pair[0] != "authorization"]
        fields.append(("authorization", f"Basic {b64encode(f'{member.user}:{member.password}'.encode()).decode()}"))
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in fields]


def response_fields(raw: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """Return the header fields of an answer, names in lower case, without what its connection and we say."""
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]
    return [pair for pair in _passed_on(pairs) if pair[0] not in ("content-length", "x-request-id")]


def rewritten(location: str, origin: Origin, base: str, prefix: str) -> str:
    """Return where a redirection of a member leads for our client: below `prefix`, when it led below the member."""
    try:
        parts = urlsplit(location)
    except ValueError:  # no URL: it is the client's to judge
        return location
    inside = f"{parts.scheme}://{parts.netloc}" == str(origin) if parts.netloc else location.startswith("/")
    if not inside or (not parts.netloc and prefix and _below(parts.path, prefix)):
        return location  # elsewhere, relative, or the member knows of X-Forwarded-Prefix
    if base and not _below(parts.path, base):
        return location
    path = prefix + (parts.path[len(base) :] or "/")
    return parts._replace(scheme="", netloc="", path=path).geturl() if not path.startswith("//") else location


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def _is_ours(name: str) -> bool:
    # Servers that make CGI names of header names cannot tell X_Real_IP from X-Real-IP: such names end here.
    return name in _OURS or name.startswith("x-forwarded-") or "_" in name


def _passed_on(pairs: Pairs) -> Iterator[tuple[str, str]]:
    named = {
        word.strip().lower() for name, value in pairs if name == "connection" for word in value.split(",")
    }  # RFC 9110 7.6.1: Connection names further fields of its hop
    return ((name, value) for name, value in pairs if name not in HOP_BY_HOP and name not in named)


def _forwarded(request: Request) -> Pairs:
    trusted = request.headers if request.forwarded else None
    chain = [value for value in trusted.get_all("x-forwarded-for") if value] if trusted else []
    host = (trusted.get("x-forwarded-host") if trusted else None) or request.host
    prefix = (trusted.get("x-forwarded-prefix", "").rstrip("/") if trusted else "") + request.root
    fields = [
        ("via", ", ".join([*request.headers.get_all("via"), f"{request.version} {PSEUDONYM}"])),  # RFC 9110 7.6.3
        ("x-forwarded-for", ", ".join([*chain, request.peer])),
        ("x-forwarded-proto", request.scheme),
        ("x-forwarded-host", host),
        ("x-real-ip", request.get_remote_addr()),
        ("x-request-id", request.id),
    ]
    if prefix:
        fields.append(("x-forwarded-prefix", prefix))
    return [pair for pair in fields if pair[1]]
