"""What a server says beside its answer reaches nobody."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from atila.alias import PROTO_HTTP
from atila.config import default_config
from atila.http.headers import Headers
from atila.http.request import Request, Told
from atila.platform import LocalPlatform
from atila.upstream.calls import Calls
from atila.upstream.proxy import Proxy
from atila.upstream.verbs import Verb

POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
ENDS = [
    b"Content-Length: 3\r\n\r\nabc",
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"Content-Length: 0\r\n\r\n",
]


class Liar:
    """A server whose first answer has another one behind it; those after it say "ok". Lives as long as a test."""

    def __init__(self) -> None:
        self.first = b""
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while connection.recv(65536):
                said, self.first = self.first or b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b""
                connection.sendall(said)


@pytest.fixture
def liar() -> Iterator[Liar]:
    server = Liar()
    yield server
    server.close()


@pytest.fixture
def platform(liar: Liar) -> Iterator[LocalPlatform]:
    platform = LocalPlatform("tests")
    platform.alias("@liar", PROTO_HTTP, f"127.0.0.1:{liar.port}")
    yield platform
    platform.close()


@pytest.mark.parametrize("end", ENDS)
def test_a_call_gets_its_own_answer(liar: Liar, platform: LocalPlatform, end: bytes) -> None:
    get = Verb(Calls.of(platform, default_config()), "GET")
    liar.first = b"HTTP/1.1 200 OK\r\n" + end + POISON
    get("@liar/a").dispatch()
    assert [get("@liar/b").dispatch().data, get("@liar/c").dispatch().data] == [b"ok", b"ok"]
    assert liar.connections == 2  # the third call took the second's


@pytest.mark.parametrize("end", [*ENDS, b"Content-Length: 70000\r\n\r\n" + b"a" * 70_000])
def test_a_request_that_is_passed_on_gets_its_own_answer(liar: Liar, platform: LocalPlatform, end: bytes) -> None:
    liar.first = b"HTTP/1.1 200 OK\r\n" + end + POISON

    async def ask(proxy: Proxy) -> bytes:
        response = await proxy.pass_on(Request("GET", "/a", "", Headers([("host", "a")]), Told()), "/a")
        if isinstance(response.body, bytes):
            return response.body
        body = b"".join([piece async for piece in response.body.chunks])
        await response.body.aclose()
        return body

    async def ask_three_times() -> list[bytes]:
        proxy = Proxy(platform.find_alias("@liar"))
        try:
            return [await ask(proxy) for _ in range(3)]
        finally:
            await proxy.aclose()

    assert asyncio.run(ask_three_times())[1:] == [b"ok", b"ok"]
    assert liar.connections == 2
