"""The request as handlers see it: what was sent, and the parameters by where they came from."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Callable, Iterable
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol, cast
from urllib.parse import quote

from ..errors import HTTPError
from ..tracing import Trace
from .body import Fields, FormLimits, parse_json, parse_multipart, parse_query
from .call import Call
from .headers import Headers, parse_content_type
from .uploads import Upload

Wire = Literal["http", "xmlrpc", "jsonrpc", "grpc", "websocket"]
Record = dict[str, Any]

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


class HeaderSource(Protocol):
    """Where the header fields come from: the server's own object, or Headers. Names are asked in lower case."""

    def get(self, name: str, /) -> Any: ...
    def items(self) -> Iterable[tuple[str, str]]: ...
    def __contains__(self, name: object, /) -> bool: ...


class Connection(Protocol):
    """What a server knows of a connection, under RSGI's names; asked for only when somebody wants it."""

    @property
    def http_version(self) -> str: ...
    @property
    def scheme(self) -> str: ...
    @property
    def client(self) -> str:
        """The address and port that connected to us: "10.0.0.9:5100", "[::1]:5100"."""


class Told(NamedTuple):
    """A Connection of which everything is known already."""

    http_version: str = "1.1"
    scheme: str = "http"
    client: str = "127.0.0.1:0"


class Request:
    """One request. Made by an adapter, completed by the app that answers it; lives as long as the call.

    It is made and forgotten at every call: what most requests have stands in the class.
    """

    message: Any = None  # the decoded message of a gRPC call
    root = ""  # where the app is mounted: "" or "/sub"
    app: Any = None
    route: Any = None
    path_args: Record = cast(Record, MappingProxyType({}))
    id = ""
    user: Any = None  # who was authenticated
    limits: FormLimits | None = None
    claims_of: Callable[[str | None], Record] | None = None
    call: Call  # its deadline and metadata; is there only over gRPC
    socket: Any = None  # the open WebSocket that this is a message of
    incoming: AsyncIterator[bytes] | None = None  # a body that comes in pieces, for jobs that asked for it
    hint: Callable[[str], None]  # sends a Link before the answer; is there only where the server can
    _headers: Headers | None = None
    _query: Fields | None = None
    _args: Fields | None = None
    _body_fields: Fields | None = None
    _claims: Record | None = None
    _content_type: tuple[str, dict[str, str]] | None = None
    _trace: Trace | None = None

    def __init__(
        self,
        method: str,
        path: str,
        query_string: str = "",
        source: HeaderSource | None = None,
        connection: Connection | None = None,
        *,
        version: str = "1.1",
        scheme: str = "http",
        peer: str = "127.0.0.1",
        forwarded: bool = False,
        body: bytes | None = None,
        wire: Wire = "http",
    ) -> None:
        self.method = method
        self.path = path  # percent-decoded, with the mount point
        self.query_string = query_string
        self.source: HeaderSource = Headers() if source is None else source
        self.connection = Told(version, scheme, f"{peer}:0") if connection is None else connection
        self.forwarded = forwarded  # the peer is a proxy whose X-Forwarded-* we believe
        self.body = body
        self.wire: Wire = wire
        self.inner = path  # the path below the mount point

    # what was sent

    @property
    def version(self) -> str:
        """The version of HTTP: "1.0", "1.1", "2"."""
        version = self.connection.http_version
        return "1.0" if version == "1" else version  # Granian calls HTTP/1.0 "1"

    @property
    def server_scheme(self) -> str:
        """The scheme that the client, or the proxy before us, spoke."""
        return self.connection.scheme

    @property
    def peer(self) -> str:
        """The address that connected to us."""
        return self.connection.client.rpartition(":")[0].strip("[]")

    @property
    def command(self) -> str:
        return self.method.lower()

    @property
    def uri(self) -> str:
        """The path, percent-encoded, with its query: '/echo/7?tag=a'."""
        path = quote(self.path, safe="/:@!$&'()*+,;=-._~")
        return f"{path}?{self.query_string}" if self.query_string else path

    @property
    def headers(self) -> Headers:
        if self._headers is None:
            self._headers = self.source if isinstance(self.source, Headers) else Headers(self.source.items())
        return self._headers

    @property
    def scheme(self) -> str:
        """'http' or 'https'; a trusted proxy's X-Forwarded-Proto counts."""
        if self.forwarded and self.source.get("x-forwarded-proto") in ("http", "https"):
            return str(self.source.get("x-forwarded-proto"))
        return self.server_scheme

    @property
    def host(self) -> str:
        return self.get_header("host") or ""

    def get_header(self, name: str, default: str | None = None) -> str | None:
        """Return the first header field of a name, in any case, or the default."""
        value = self.source.get(name.lower())
        return default if value is None else str(value)

    def get_headers(self) -> list[tuple[str, str]]:
        return list(self.headers.pairs)

    def get_body(self) -> bytes | None:
        return self.body

    def get_scheme(self) -> str:
        return self.scheme

    def get_remote_addr(self) -> str:
        """Return the client's address: the last of X-Forwarded-For when a trusted proxy sent it, else the peer's."""
        if self.forwarded:
            lines = self.headers.get_all("x-forwarded-for")  # a proxy may add a line of its own after the client's
            if lines and (last := lines[-1].rpartition(",")[2].strip()):
                return last
        return self.peer

    get_real_ip = get_remote_addr

    def is_private_ip(self) -> bool:
        try:
            return ipaddress.ip_address(self.get_remote_addr()).is_private
        except ValueError:
            return False

    def get_user_agent(self) -> str | None:
        return self.get_header("user-agent")

    def get_content_type(self) -> str | None:
        """Return the body's media type without parameters, in lower case, or None."""
        return self._media_type()[0] or None

    @property
    def is_json(self) -> bool:
        """The body is said to be JSON: application/json, or another type whose name ends in +json (RFC 6839)."""
        kind = self._media_type()[0]
        return kind == "application/json" or kind.endswith("+json")

    def get_main_type(self) -> str | None:
        return (self.get_content_type() or "").partition("/")[0] or None

    def get_sub_type(self) -> str | None:
        return (self.get_content_type() or "").partition("/")[2] or None

    def split_uri(self) -> tuple[str, str | None, str | None, str | None]:
        """Return (path, parameters, query with its '?', fragment); absent parts are None."""
        path, _, parameters = self.path.partition(";")
        query = f"?{self.query_string}" if self.query_string else None
        return path, f";{parameters}" if parameters else None, query, None

    def _media_type(self) -> tuple[str, dict[str, str]]:
        if self._content_type is None:
            text = self.source.get("content-type") or ""
            self._content_type = parse_content_type(text) if ";" in text else (text.strip().lower(), {})
        return self._content_type

    @property
    def trace(self) -> Trace:
        """Where the request stands in its trace (W3C Trace Context): the caller's goes on, else one begins here."""
        if self._trace is None:
            several = isinstance(self.source, Headers) and len(self.source.get_all("traceparent")) > 1
            self._trace = Trace() if several else Trace.of(self.source.get("traceparent"), self._trace_state())
        return self._trace

    @property
    def known_trace(self) -> Trace | None:
        """The trace, when the caller sent one or somebody has begun one."""
        return self.trace if self._trace is not None or "traceparent" in self.source else None

    def _trace_state(self) -> str | None:
        if isinstance(self.source, Headers):
            return ",".join(self.source.get_all("tracestate"))  # RFC 9110 5.3: several lines are one list
        return self.get_header("tracestate")

    # the route

    @property
    def routed(self) -> Callable[..., Any] | None:
        return self.route.handler if self.route else None

    routed_function = routed

    @property
    def routable(self) -> Record:
        """What the route takes: methods, content types, arguments; empty when there is none."""
        return self.route.describe() if self.route else {}

    # parameters, by where they came from

    @property
    def PARAMS(self) -> Record:  # noqa: N802 - the documented name
        return Fields(self.path_args)

    @property
    def URL(self) -> Fields:  # noqa: N802
        """The parameters of the query. Raises HTTPError 400 for a malformed one and one of too many fields."""
        if self._query is None:
            self._query = parse_query(self.query_string, (self.limits or FormLimits()).fields)
        return self._query

    @property
    def DEFAULT(self) -> Fields:  # noqa: N802
        return Fields(self.route.defaults if self.route else {})

    @property
    def FORM(self) -> Fields | None:  # noqa: N802
        """The form's fields, or None when the body is no form. Raises HTTPError 400 for a malformed one."""
        return self.form()

    @property
    def JSON(self) -> Any:  # noqa: N802
        """The decoded JSON body, or None when it is not JSON. Raises HTTPError 400 when it is malformed."""
        return self.json()

    @property
    def DATA(self) -> Fields:  # noqa: N802
        """The body's fields, of a form or of a JSON object. Raises HTTPError 400 for a JSON body that is no object."""
        return self.dict()

    @property
    def ARGS(self) -> Fields:  # noqa: N802
        """All parameters. Defaults give way to the query, the query to the body, everything to the path."""
        if self._args is None:
            self._args = Fields({**self.DEFAULT, **self.URL, **self.dict(), **self.path_args})
        return self._args

    args = ARGS

    def find(self, name: str) -> Any:
        """Return a parameter from the path, the body or the query, in this order; None when nobody sent it."""
        if name in self.path_args:
            return self.path_args[name]
        data = self.dict() if self.body or self.wire != "http" else {}
        return data[name] if name in data else self.URL.get(name)

    def set_data(self, fields: Record) -> None:
        """Give the request the parameters of another protocol's message in place of a parsed body."""
        self._body_fields = Fields(fields)
        self._args = None

    def forget_caller(self) -> None:
        """Let the next message of a WebSocket be authenticated anew: a token may have expired meanwhile."""
        self._claims = None
        self.user = None

    def form(self) -> Fields | None:
        """Return the form's fields, or None when the body is no form. Raises HTTPError 400 for a malformed one."""
        kind, parameters = self._media_type()
        if kind not in (_FORM, _MULTIPART):
            return None
        if self._body_fields is None:
            limits = self.limits or FormLimits()
            if kind == _FORM:
                self._body_fields = self._parse_urlencoded(limits)
            else:
                self._body_fields = parse_multipart(self.body or b"", parameters.get("boundary"), limits)
        return self._body_fields

    def json(self) -> Any:
        """Return the decoded JSON body, or None when it is not JSON. Raises HTTPError 400 when it is malformed."""
        if not self.body or not self.is_json:
            return None
        return parse_json(self.body, (self.limits or FormLimits()).depth)

    def dict(self) -> Fields:
        """Return the body's fields, of a form or a JSON object. Raises HTTPError 400 for other JSON."""
        if self._body_fields is None:
            fields = self.form()
            if fields is None:
                value = self.json() if self.wire != "grpc" else _fields_of(self.message)
                if value is not None and not isinstance(value, dict):
                    raise HTTPError(400, f"the JSON body is {_json_kind(value)}; an object is expected")
                fields = Fields(value or {})
            self._body_fields = fields
        return self._body_fields

    def _parse_urlencoded(self, limits: FormLimits) -> Fields:
        try:
            return parse_query((self.body or b"").decode(), limits.fields)
        except UnicodeDecodeError as error:
            raise HTTPError(400, "the form is not UTF-8") from error

    def close(self) -> None:
        """Let go of what uploads hold."""
        if not self._body_fields or self.wire != "http" or self._media_type()[0] != _MULTIPART:
            return
        for value in self._body_fields.values():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Upload):
                    item.close()

    # who is asking

    @property
    def JWT(self) -> Record:  # noqa: N802
        """The verified claims of the bearer token, or {"err": reason}."""
        if self._claims is None:
            self._claims = self.claims_of(self.bearer_token) if self.claims_of else {"err": "no bearer token"}
        return self._claims

    @property
    def claims_read(self) -> Record | None:
        """The claims of the bearer token if somebody asked for them already, else None."""
        return self._claims

    @property
    def bearer_token(self) -> str | None:
        """The token of `Authorization: Bearer …` (RFC 6750 2.1), or None."""
        value = self.source.get("authorization")
        if value is None or value[:7].lower() != "bearer ":
            return None
        return str(value[7:].strip())

    @property
    def env(self) -> Record:
        """The request as a WSGI environ (PEP 3333), without the process's environment variables."""
        host, _, port = self.host.partition(":")
        environ: Record = {
            "REQUEST_METHOD": self.method, "SCRIPT_NAME": self.root, "PATH_INFO": self.inner,
            "QUERY_STRING": self.query_string, "SERVER_PROTOCOL": f"HTTP/{self.version}", "SERVER_NAME": host,
            "SERVER_PORT": port or ("443" if self.scheme == "https" else "80"), "REMOTE_ADDR": self.get_remote_addr(),
            "wsgi.url_scheme": self.scheme, "CONTENT_TYPE": self.get_header("content-type") or "",
            "CONTENT_LENGTH": self.get_header("content-length") or "",
        }  # fmt: skip
        for name, value in self.headers.items():
            if name not in ("content-type", "content-length"):
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ


def _fields_of(message: Any) -> Record:
    """Return the fields of a protobuf message that are set, so that guards and checks find them by name."""
    return {field.name: value for field, value in message.ListFields()} if hasattr(message, "ListFields") else {}


def _json_kind(value: object) -> str:
    kinds: dict[type, str] = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")
