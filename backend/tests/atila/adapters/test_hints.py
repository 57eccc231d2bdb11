"""103 Early Hints where the ASGI server offers them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from atila import Atila, Was
from atila.adapters.asgi import ASGI, Message
from atila.adapters.hints import EXTENSION
from atila.adapters.settings import AdapterSettings
from atila.concurrency import WorkerThreads


async def exchange(app: Atila, *, offered: bool) -> list[Message]:
    """Ask for "/"; return everything that the adapter sent."""
    sent: list[Message] = []
    threads = WorkerThreads(1, "test")
    adapter = ASGI(app, AdapterSettings(threads=threads))

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("the client stays")

    async def send(message: Message) -> None:
        await asyncio.sleep(0.01)  # a server that takes its time
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": "/", "query_string": b"",
        "headers": [(b"host", b"testserver")], "extensions": {EXTENSION: {}} if offered else {},
    }  # fmt: skip
    try:
        await adapter(scope, receive, send)
    finally:
        await app.stop()
        threads.stop()
    return sent


@pytest.mark.row("4.9")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_promises_come_before_the_answer(asynchronous: bool) -> None:
    app = Atila("tests")

    def page(was: Was) -> str:
        was.push("/style.css")
        was.push("/script.js")
        return "x"

    async def page_later(was: Was) -> str:
        was.push("/style.css")
        await asyncio.sleep(0.05)
        was.push("/script.js")
        return "x"

    app.route("/")(page_later if asynchronous else page)
    sent = asyncio.run(exchange(app, offered=True))
    kinds = [message["type"] for message in sent]
    hints = [message for message in sent if message["type"] == EXTENSION]
    assert kinds == [EXTENSION] * len(hints) + ["http.response.start", "http.response.body"]
    assert [link for message in hints for link in message["links"]] == [
        b"</style.css>; rel=preload", b"</script.js>; rel=preload"
    ]  # fmt: skip
    assert len(hints) == 2 or not asynchronous  # the first is not kept back until the answer
    assert [value for name, value in sent[-2]["headers"] if name == b"link"] == [
        b"</style.css>; rel=preload", b"</script.js>; rel=preload"
    ]  # fmt: skip


@pytest.mark.row("4.9")
def test_without_the_extension_there_are_links_only() -> None:
    app = Atila("tests")
    app.route("/")(lambda was: was.push("/style.css") or "x")
    sent = asyncio.run(exchange(app, offered=False))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
