"""WebSockets passed on, with a client in memory and servers of somebody else's."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpcore2
import pytest
from websockets.sync.server import serve

from atila.alias import PROTO_WS, Alias
from atila.errors import HTTPError
from atila.http.duplex import Closed, Limits, Message
from atila.http.headers import Headers, Pairs
from atila.http.request import Request, Told
from atila.http.response import Response
from atila.upstream.proxy import Proxy
from atila.upstream.tunnel import Tunnel
from tests.serving.test_tunnel import answer, reply, wait_for

LIMITS = Limits(message=100_000)
PATIENCE = 20.0  # seconds until a test gives up
End = tuple[int, str]


class Browser:
    """A client's end: `says` is what comes from it, `hears` what it was sent, the end of the connection last."""

    offered: Sequence[str] = ("chat",)
    behind = 0

    def __init__(self, *says: Message | Closed) -> None:
        self.status = 0
        self.hears: asyncio.Queue[Message | End] = asyncio.Queue()
        self._says: asyncio.Queue[Message | Closed] = asyncio.Queue()
        for message in says:
            self._says.put_nowait(message)
        self.body: object = None

    async def accept(self, subprotocol: str | None, headers: Pairs, limits: Limits) -> None:
        self.status = 101

    async def refuse(self, response: Response) -> None:
        self.status, self.body = response.status, response.body

    async def receive(self) -> Message:
        said = await self._says.get()
        if isinstance(said, Closed):
            raise said
        return said

    def send(self, message: Any) -> None:
        self.hears.put_nowait(message)

    async def drain(self) -> None:
        """Wait for nothing: memory takes all."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.hears.put_nowait((code, reason))

    def heard(self) -> list[Message | End]:
        return [self.hears.get_nowait() for _ in range(self.hears.qsize())]


class Away(Browser):
    """A client that left during the handshake."""

    async def accept(self, subprotocol: str | None, headers: Pairs, limits: Limits) -> None:
        raise Closed(1006)


class Satisfied(Browser):
    """A client that leaves when it has heard enough."""

    def __init__(self, enough: int) -> None:
        super().__init__()
        self._enough = enough

    async def drain(self) -> None:
        if self.hears.qsize() == self._enough:
            self._says.put_nowait(Closed(1000))


@pytest.fixture
def seen() -> list[str]:
    """What the server saw."""
    return []


@pytest.fixture
def there(seen: list[str]) -> Iterator[int]:
    """The port of a server that does what a path says."""
    with serve(lambda connection: answer(seen, connection), "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


def converse(port: int, path: str, browser: Browser) -> Browser:
    """Pass a WebSocket on to a port, until its end."""

    async def run() -> None:
        proxy = Proxy(Alias.parse("@there", PROTO_WS, f"127.0.0.1:{port}"))
        request = Request("GET", path, "", Headers([("host", "shop.example")]), Told())
        try:
            await asyncio.wait_for(proxy.converse(request, path, browser, LIMITS), PATIENCE)
        finally:
            await proxy.aclose()

    asyncio.run(run())
    return browser


@pytest.mark.parametrize(
    ("path", "heard"),
    [
        ("/pieces", ["one two three", b"\x00\x01"]),
        ("/ping", ["the pong came"]),
        ("/big", [(1009, "a message is too big")]),
        ("/code", [(3456, "as agreed")]),
        ("/abort", [(1011, "the upstream is gone")]),
    ],
)
def test_what_the_server_says_and_how_it_ends(there: int, path: str, heard: list[Message | End]) -> None:
    assert converse(there, path, Satisfied(len(heard))).heard()[: len(heard)] == heard


@pytest.mark.parametrize(("code", "told"), [(4321, "closed 4321 "), (1006, "closed 1001 ")])
def test_what_the_client_says_and_how_it_ends(there: int, seen: list[str], code: int, told: str) -> None:
    browser = Browser("grüß", b"\x00", Closed(code))
    assert converse(there, "/x", browser).status == 101
    wait_for(seen, told)
    assert seen == ["/x", told]


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", 401, b"no"),
        (b"HTTP/1.1 200 OK\r\n\r\nendless", 200, b""),
    ],
)
def test_a_server_that_refuses(said: bytes, status: int, body: bytes) -> None:
    browser = Browser()
    answered(said, lambda port: converse(port, "/x", browser))
    assert (browser.status, browser.body) == (status, body)


def test_a_server_that_shakes_hands_with_somebody_else() -> None:
    said = b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n"
    with pytest.raises(HTTPError, match="gave no proper answer"):
        answered(said, lambda port: converse(port, "/x", Browser()))


def test_a_client_that_leaves_during_the_handshake(there: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "atila.proxy"):
        converse(there, "/x", Away())
    assert "the client went away" in caplog.text


def answered(said: bytes, ask: Callable[[int], object]) -> None:
    """Have something asked of a server that answers in these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=reply, args=(server, said))
        thread.start()
        try:
            ask(server.getsockname()[1])
        finally:
            thread.join()


class Cable:
    """A connection that is cut in one direction."""

    def __init__(self, reads: bool) -> None:
        self._reads = reads

    async def read(self, size: int) -> bytes:
        if not self._reads:
            raise httpcore2.ReadError("cut")
        await asyncio.Event().wait()
        return b""

    async def write(self, data: bytes) -> None:
        raise httpcore2.WriteError("cut")

    async def aclose(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(("reads", "reason"), [(True, "the upstream is gone"), (False, "the upstream broke off")])
def test_a_connection_that_is_cut(reads: bool, reason: str) -> None:
    browser = Browser("hello") if reads else Browser()

    async def run() -> None:
        cable: Any = Cable(reads)
        await asyncio.wait_for(Tunnel(browser, cable, LIMITS).run(), PATIENCE)

    asyncio.run(run())
    assert browser.heard() == [(1011, reason)]
