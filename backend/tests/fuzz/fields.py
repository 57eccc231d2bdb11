"""Header fields: media types, conditions, origins, cookies, and what adapters check first."""

from __future__ import annotations

from email.utils import formatdate

from atila.http.conditional import Validators, precondition
from atila.http.cookies import SetCookie, parse_cookies
from atila.http.cors import Sharing, is_own, is_preflight
from atila.http.guards import Hosts, check_target, clean_request_id, content_length
from atila.http.headers import Headers, accepts, check_field, parse_content_type
from atila.http.request import Request
from atila.http.response import Response
from atila.tracing import Trace
from tests.fuzz.outcome import REFUSED, outcome, written

_SHARINGS = [Sharing.of(origins, 60) for origins in (["https://a.example"], ["*"], ["*", "https://a.example"], [])]


def lines(data: bytes, count: int) -> list[str]:
    """Return the first `count` lines as text, "" for missing ones."""
    found = data.decode("latin-1").split("\n", count - 1)
    return found + [""] * (count - len(found))


def media_type(data: bytes) -> None:
    """A media type's parameters, written with quotes, read the same."""
    text = data.decode("latin-1")
    kind, parameters = parse_content_type(text)
    quoted = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in parameters.items()}
    again = "; ".join([kind, *(f'{name}="{value}"' for name, value in quoted.items())])
    assert parse_content_type(again) == (kind, parameters)
    for name in ("text/html", "application/json"):
        assert accepts(text, name) in (True, False)


def field(data: bytes) -> None:
    """A response's field that passes breaks no message; names are found in any case."""
    name, value = lines(data, 2)
    try:
        check_field(name, value)
    except ValueError:
        return
    assert not {"\r", "\n", "\0"} & set(name + value)
    assert ":" not in name
    f"{name}: {value}".encode("latin-1")
    headers = Headers([(name, value), (name, "second")])
    assert (headers[name.upper()], headers.get_all(name.lower())) == (value, [value, "second"])


def conditions(data: bytes) -> None:
    """Conditions end with 304, 412 or nothing; those that name the version itself are met."""
    names = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
    sent = [(name, text) for name, text in zip(names, lines(data, 4), strict=True) if text]
    known = Validators('"v1"', 1_000_000_000)
    for method in ("GET", "PUT"):
        assert precondition(Request(method, "/", source=Headers(sent)), known) in (None, 304, 412)
    try:
        own = Validators.tagged(lines(data, 1)[0])
    except ValueError:
        return
    assert own.etag is not None
    check_field("etag", own.etag)
    asked = [("if-none-match", f'"other", {own.etag}'), ("if-modified-since", formatdate(0, usegmt=True))]
    assert precondition(Request("GET", "/", source=Headers(asked)), own) == 304
    assert precondition(Request("PUT", "/", source=Headers([("if-match", own.etag)])), own) is None


def sharing(data: bytes) -> None:
    """Only origins that were named may call with credentials; what a preflight is told can stand in a header."""
    names = ("origin", "host", "access-control-request-method", "access-control-request-headers")
    sent = [(name, text) for name, text in zip(names, lines(data, 4), strict=True) if text]
    request = Request("OPTIONS", "/", source=Headers(sent), scheme="https")
    origin = request.get_header("origin") or "null"
    assert is_own(request, origin) in (True, False)
    for rules in _SHARINGS:
        response = Response()
        if is_preflight(request):
            outcome(rules.answer_preflight, request, response, ["GET", "POST"])
        else:
            outcome(rules.admit, request, response, origin)
        for name, value in response.headers:
            check_field(name, value)
        if response.get_header("access-control-allow-credentials"):
            assert response.get_header("access-control-allow-origin") == origin
            assert origin.lower() == "https://a.example"


def cookies(data: bytes) -> None:
    """Cookies that were read, set and sent back are the same."""
    for name, value in parse_cookies(data.decode("latin-1")).items():
        written(value)
        try:
            line = SetCookie(name, value, secure=True).render()
        except ValueError:
            assert len(value) > 1000
            continue
        check_field("set-cookie", line)
        assert parse_cookies(line.partition(";")[0]) == {name: value}


def guarded(data: bytes) -> None:
    """What adapters let pass is safe to route, to log and to send back."""
    method, path, host, request_id, length, forwarded = lines(data, 6)
    if outcome(check_target, method, path) is not REFUSED:
        assert path[0] == "/" or (method, path) == ("OPTIONS", "*")
        assert not {"\r", "\n", "\0", "\\"} & set(path)
        assert ".." not in path.split("/")
    if outcome(Hosts().check, host, "1.1") is not REFUSED:
        assert not set(host) & set("/@?# \t\r\n")
    if (known := clean_request_id(request_id)) is not None:
        check_field("x-request-id", known)
        assert known.isascii()
    size = outcome(content_length, length)
    assert size is REFUSED or size >= 0
    sent = [("host", host), ("x-forwarded-for", forwarded), ("x-forwarded-proto", forwarded), ("user-agent", method)]
    _look(Request("GET", path, length, Headers(sent), forwarded=True, peer="10.0.0.1"))


def _look(request: Request) -> None:
    """Read everything that a request says of itself."""
    assert request.scheme in ("http", "https")
    assert request.uri.partition("?")[0].isascii()
    assert request.is_private_ip() in (True, False)
    for value in (request.env, request.split_uri(), request.get_remote_addr(), request.host, request.get_headers()):
        written(value)


def trace(data: bytes) -> None:
    """A trace that was sent along is continued, anything else starts one; what is sent on is read as it was meant."""
    parent, state = lines(data, 2)
    known = Trace.of(parent, state)
    sent = dict(known.headers())
    for name, value in sent.items():
        check_field(name, value)
        assert value.isascii()
    again = Trace.of(sent["traceparent"], sent.get("tracestate"))
    assert (again.id, again.parent, again.sampled, again.state) == (known.id, known.span, known.sampled, known.state)
    if known.parent:
        assert f"-{known.id}-{known.parent}-" in parent
    else:
        assert (known.id in parent, known.sampled, known.state) == (False, False, "")
