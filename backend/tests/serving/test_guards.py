"""What the port refuses, seen with raw sockets: nothing odd reaches a handler, nothing half-sent counts as whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .engine_process import EngineProcess, read_all, status_of, wait_until

APP = """
app.config.max_post_body_size = 1000
app.config.max_multipart_body_size = 5000

@app.route("/seen", methods=["GET", "POST", "PUT"])
def seen(was, **fields):
    print("HANDLER", was.request.method, len(was.request.body or b""), flush=True)
    return was.API(size=len(was.request.body or b""))

@app.route("/<path:rest>", methods=["GET", "POST"])
def rest(was, rest):
    print("HANDLER rest", repr(rest), flush=True)
    return was.API(rest=rest)

skitai.mount("/", app)
"""
HOST = b"Host: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    running = EngineProcess(tmp_path_factory.mktemp("guards"), APP).ready()
    yield running
    running.end()


@pytest.fixture
def calls(engine: EngineProcess) -> Callable[[], int]:
    """How many handlers were called since the test began."""
    before = engine.output.count("HANDLER")
    return lambda: engine.output.count("HANDLER") - before


def request(line: bytes, *headers: bytes, host: bytes = HOST, body: bytes = b"") -> bytes:
    return line + b"\r\n" + host + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


def test_a_plain_request_passes(engine: EngineProcess, calls: Callable[[], int]) -> None:
    assert status_of(engine.send(request(b"GET /seen HTTP/1.1"))) == 200
    assert calls() == 1


@pytest.mark.parametrize(
    ("line", "host", "status"),
    [
        (b"GET /seen HTTP/1.1", b"", 400),
        (b"GET /seen HTTP/1.1", b"Host: a.example\r\nHost: b.example\r\n", 400),
        (b"GET /seen HTTP/1.1", b"Host: a.example\r\nHost: a.example\r\n", 400),
        (b"GET /seen HTTP/1.1", b"Host: a b\r\n", 400),
        (b"GET /seen HTTP/1.1", b"Host: a.example/evil\r\n", 400),
        (b"GET /seen HTTP/1.1", b"Host: user@a.example\r\n", 400),
        (b"GET /seen HTTP/1.1", b"Host: \r\n", 400),
        (b"GET /seen HTTP/1.1", b"Host: [::1\r\n", 400),
        (b"GET /seen HTTP/1.1", b"Host: a.example:8080\r\n", 200),
        (b"GET /seen HTTP/1.1", b"Host: [::1]:8080\r\n", 200),
        (b"GET /seen HTTP/1.0", b"", 200),
    ],
)
def test_a_missing_double_or_odd_host_is_refused(
    engine: EngineProcess, calls: Callable[[], int], line: bytes, host: bytes, status: int
) -> None:
    answer = engine.send(request(line, host=host))
    assert status_of(answer) == status, answer
    assert calls() == (1 if status == 200 else 0)


@pytest.mark.parametrize(
    "line", [b"TRACE /seen", b"CONNECT a.example:443", b"get /seen", b"G\x00T /seen", b"BREW /seen"]
)
def test_methods_that_no_handler_may_see(engine: EngineProcess, calls: Callable[[], int], line: bytes) -> None:
    status = status_of(engine.send(request(line + b" HTTP/1.1")))
    assert status in (400, 405, 501), status
    assert calls() == 0


@pytest.mark.parametrize(
    "target",
    [
        b"/a%00b", b"/../etc/passwd", b"/a/../../x", b"/a/%2e%2e/x", b"/a/%2E%2e/x", b"/./x", b"/a/.", b"/a/..",
        b"/%2e%2e%2fetc/passwd", b"*",
    ],
)  # fmt: skip
def test_nul_and_dot_segments_are_refused(engine: EngineProcess, calls: Callable[[], int], target: bytes) -> None:
    answer = engine.send(request(b"GET " + target + b" HTTP/1.1"))
    assert status_of(answer) in (400, 404), answer
    assert calls() == 0


def test_dots_that_are_no_segments_are_part_of_a_name(engine: EngineProcess, calls: Callable[[], int]) -> None:
    assert status_of(engine.send(request(b"GET /a..b/.../x.y HTTP/1.1"))) == 200
    assert calls() == 1


def test_a_body_over_the_limit_is_413_and_its_rest_is_not_read(engine: EngineProcess, calls: Callable[[], int]) -> None:
    with engine.connect() as connection:
        connection.sendall(request(b"POST /seen HTTP/1.1", b"Content-Length: 100000000"))
        answer = read_all(connection)
        assert status_of(answer) == 413, answer
        assert b'"code":41300' in answer
        connection.settimeout(5)
        assert _closes(connection), "the connection stays open for the rest of the body"
    assert calls() == 0


def test_a_body_at_the_limit_passes_and_one_byte_more_does_not(engine: EngineProcess, calls: Callable[[], int]) -> None:
    assert httpx.post(f"{engine.url}/seen", content=b"x" * 1000).json() == {"size": 1000}
    assert httpx.post(f"{engine.url}/seen", content=b"x" * 1001).status_code == 413
    form = {"content-type": "multipart/form-data; boundary=b"}
    assert httpx.post(f"{engine.url}/seen", content=b"x" * 5001, headers=form).status_code == 413
    assert calls() == 1


def test_a_body_that_was_cut_off_reaches_no_handler(engine: EngineProcess, calls: Callable[[], int]) -> None:
    with engine.connect() as connection:
        connection.sendall(request(b"POST /seen HTTP/1.1", b"Content-Length: 500", body=b"x" * 100))
        time.sleep(0.2)
    assert status_of(engine.send(request(b"GET /seen HTTP/1.1"))) == 200  # by now the engine saw the end of the other
    assert calls() == 1


@pytest.mark.parametrize(
    "body",
    [b"5\r\nabcde\r\n", b"zz\r\nabc\r\n0\r\n\r\n", b"5\r\nabc\r\n0\r\n\r\n", b"-1\r\nabc\r\n0\r\n\r\n",
     b"5\nabcde\n0\n\n", b"fffffffffffffffff\r\nabc"],
)  # fmt: skip
def test_a_chunked_body_that_is_cut_off_or_malformed_reaches_no_handler(
    engine: EngineProcess, calls: Callable[[], int], body: bytes
) -> None:
    with engine.connect() as connection:
        connection.sendall(request(b"POST /seen HTTP/1.1", b"Transfer-Encoding: chunked", body=body))
        answer = read_all(connection)
    time.sleep(0.1)
    assert status_of(answer) in (0, 400, 411), answer
    assert calls() == 0


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Length: 3", b"Content-Length: 5"), (b"Content-Length: +3",), (b"Content-Length: -1",),
        (b"Content-Length: 3, 3",), (b"Content-Length: 0x3",), (b"Content-Length: 3", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 3"), (b"Transfer-Encoding: identity, chunked, x",),
        (b"Transfer-Encoding : chunked",), (b" folded: x",), (b"Content-Length: 18446744073709551619",),
    ],
)  # fmt: skip
def test_ambiguous_framing_reaches_no_handler(
    engine: EngineProcess, calls: Callable[[], int], headers: tuple[bytes, ...]
) -> None:
    answer = engine.send(request(b"POST /seen HTTP/1.1", *headers, body=b"abcde"))
    assert status_of(answer) in (0, 400, 411, 413), answer
    assert b"200 OK" not in answer
    assert calls() == 0


def test_what_follows_an_unread_body_is_no_second_request(engine: EngineProcess, calls: Callable[[], int]) -> None:
    smuggled = request(b"GET /seen HTTP/1.1")
    answer = engine.send(request(b"POST /nowhere-%2e HTTP/1.1", b"Content-Length: 2000", body=smuggled + b"x" * 100))
    assert b"200 OK" not in answer
    assert calls() == 0


def test_pipelined_requests_are_answered_in_their_order(engine: EngineProcess) -> None:
    first = request(b"POST /seen HTTP/1.1", b"Content-Length: 3", body=b"abc")
    answer = engine.send(first + request(b"GET /first HTTP/1.1") + request(b"GET /second HTTP/1.1"))
    places = [answer.index(text) for text in (b'{"size":3}', b'"first"', b'"second"')]
    assert places == sorted(places)


def test_a_head_that_is_too_large_is_refused(engine: EngineProcess, calls: Callable[[], int]) -> None:
    answer = engine.send(request(b"GET /seen HTTP/1.1", b"X-Big: " + b"x" * 300_000))
    assert status_of(answer) in (0, 400, 431)
    assert calls() == 0


def test_one_slow_client_holds_up_nobody(engine: EngineProcess) -> None:
    slow = [engine.connect() for _ in range(50)]
    try:
        for number, connection in enumerate(slow):
            half = request(b"POST /seen HTTP/1.1", b"Content-Length: 900", body=b"x" * 10) if number % 2 else b"GET /se"
            connection.sendall(half)
        began = time.monotonic()
        with httpx.Client() as client:
            for _ in range(20):
                assert client.get(f"{engine.url}/seen").status_code == 200
        assert time.monotonic() - began < 10
    finally:
        for connection in slow:
            connection.close()


def test_a_head_that_never_ends_is_given_up(tmp_path: Path) -> None:
    running = EngineProcess(tmp_path, APP, header_timeout=1.0)
    try:
        running.ready()
        with running.connect(8) as connection:
            connection.sendall(b"GET /seen HTTP/1.1\r\nHost: a\r\nX-Slow: ")
            began = time.monotonic()
            read_all(connection, quiet=6)
            assert time.monotonic() - began < 5
    finally:
        running.end()


def test_nobody_writes_lines_into_the_log(engine: EngineProcess) -> None:
    engine.send(request(b"GET /x%0aFORGED%20line HTTP/1.1", b"User-Agent: a\tb"))
    httpx.get(f"{engine.url}/y%0d%0aFORGED")
    wait_until(lambda: "/y" in engine.output, 3)
    assert not any(line.startswith("FORGED") for line in engine.output.splitlines())


def _closes(connection: object) -> bool:
    """Send on and see whether the other side has closed."""
    try:
        for _ in range(50):
            connection.sendall(b"x" * 65536)  # type: ignore[attr-defined]  # a socket
            time.sleep(0.02)
    except OSError:
        return True
    return False
