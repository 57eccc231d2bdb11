"""Whom a message reaches: clients of this process, of others, and those in a room."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from atila.bus import LocalBus
from atila.http.duplex import Outgoing
from atila.websocket.design import SocketSpec
from atila.websocket.socket import Socket
from atila.websocket.switchboard import Switchboard


class Sink:
    """What is sent to one client."""

    offered = ()
    status = 101
    behind = 0

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, message: Any) -> None:
        self.sent.append(message.message if isinstance(message, Outgoing) else message)


def member(board: Switchboard, room: str | None = None, encoding: str = "text") -> tuple[Socket, list[Any]]:
    sink: Any = Sink()
    socket = Socket(board.new_id(), sink, SocketSpec(encoding=encoding))
    socket.room = room
    board.join(socket)
    socket.open()
    return socket, sink.sent


def in_loop(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def test_two_processes_and_one_room() -> None:
    async def story() -> None:
        bus = LocalBus()
        here, there = Switchboard(lambda: "app", lambda: bus), Switchboard(lambda: "app", lambda: bus)
        (ann, to_ann), (_, to_bob) = member(here, "1"), member(there, "1")
        _, to_cid = member(here, "2")
        here.tell("1", "hello")
        assert (to_ann, to_bob, to_cid) == (["hello"], ["hello"], [])
        here.leave(ann)
        there.tell("1", b"gone")
        assert (to_ann, to_bob) == (["hello"], ["hello", b"gone"])

    in_loop(story)


def test_the_bus_knows_rooms_and_clients_while_there_are_any() -> None:
    async def story() -> None:
        bus = LocalBus()
        board = Switchboard(lambda: "app", lambda: bus)
        one, _ = member(board, "1")
        two, _ = member(board, "1")
        assert "websocket:app:1" in bus.subscriptions
        assert "websocket:app" in bus.subscriptions
        board.leave(one)
        assert "websocket:app:1" in bus.subscriptions
        board.leave(two)
        board.leave(two)
        assert "websocket:app:1" not in bus.subscriptions
        assert "websocket:app" not in bus.subscriptions
        assert len(board) == 0

    in_loop(story)


def test_a_message_to_a_client_is_encoded_where_the_client_is() -> None:
    class OtherProcesses(LocalBus):
        def publish(self, topic: str, message: Any, *, here: bool = True) -> None:
            super().publish(topic, message)  # here stands for there

    async def story() -> None:
        bus = OtherProcesses()
        here, there = Switchboard(lambda: "app", lambda: bus), Switchboard(lambda: "app", lambda: bus)
        client, sent = member(there, encoding="json")
        here.send(client.client_id, {"a": [1]})
        there.send(client.client_id, "x")
        here.send(1, "nobody")
        assert sent == ['{"a":[1]}', '"x"']

    in_loop(story)


def test_ids_are_not_given_twice() -> None:
    board = Switchboard(lambda: "app", LocalBus)
    ids = [board.new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert max(ids) < 2**53


def test_an_id_that_is_taken_is_not_given_again() -> None:
    async def story() -> None:
        board = Switchboard(lambda: "app", LocalBus)
        (ann, _), (bob, _) = member(board), member(board)
        board._serial = iter([ann.client_id % 1024, bob.client_id % 1024, 1023])  # type: ignore[assignment]  # it began anew
        assert board.new_id() not in (ann.client_id, bob.client_id)

    in_loop(story)


def test_what_is_sent_before_a_connection_is_open_waits() -> None:
    async def story() -> None:
        sink: Any = Sink()
        socket = Socket(1, sink, SocketSpec(encoding="text"))
        socket.send("one")
        await asyncio.to_thread(socket.push, "two")
        await asyncio.sleep(0)
        assert sink.sent == []
        socket.open()
        socket.push("three")
        assert sink.sent == ["one", "two", "three"]

    in_loop(story)


def test_a_thread_waits_for_a_client_that_is_behind_but_not_for_a_loop_that_has_ended() -> None:
    sink: Any = Sink()
    drained: list[str] = []

    async def drain() -> None:
        drained.append("drained")

    sink.drain, sink.behind = drain, 100

    async def story() -> Socket:
        socket = Socket(1, sink, SocketSpec(encoding="text"), patience=10)
        socket.open()
        await asyncio.to_thread(socket.send, "hello")
        return socket

    made: list[Socket] = []
    in_loop(lambda: _kept(story(), made))
    assert (sink.sent, drained) == (["hello"], ["drained"])
    thread = threading.Thread(target=made[0].send, args=("nobody hears it",))
    thread.start()
    thread.join(5)
    assert (sink.sent, drained) == (["hello"], ["drained"])


async def _kept(story: Coroutine[Any, Any, Socket], made: list[Socket]) -> None:
    made.append(await story)
