"""A WebSocket to a script that runs as a process of its own: what a client in process has, over the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from atila.http.duplex import Closed, Message
from atila.http.headers import Pairs
from atila.testing.answer import Answer
from atila.testing.sockets import RefusedError, SocketEnd


class SpawnedSocket(SocketEnd):
    """An end whose messages go over the network."""

    def __init__(self, url: str, subprotocols: Sequence[str], headers: Mapping[str, str]) -> None:
        names = [Subprotocol(name) for name in subprotocols]
        try:
            made: Any = connect(url, subprotocols=names or None, additional_headers=headers, max_size=None)
            self._connection: ClientConnection = made.__enter__()
        except InvalidStatus as error:
            raise RefusedError(_answer(error.response)) from error
        self.answer = _answer(self._connection.response)

    @property
    def subprotocol(self) -> str | None:
        return self._connection.subprotocol

    def send(self, message: Message) -> None:
        self._connection.send(message)

    def receive(self, timeout: float = 5.0) -> Message:
        try:
            return self._connection.recv(timeout)
        except ConnectionClosed as error:
            told = error.rcvd
            raise (Closed(1006) if told is None else Closed(told.code, told.reason)) from error

    def close(self, code: int = 1000, reason: str = "") -> None:
        self._connection.close(code, reason)


def _answer(response: Any) -> Answer:
    headers: Pairs = [(name.lower(), value) for name, value in response.headers.raw_items()]
    return Answer(response.status_code, headers, bytes(response.body or b""))
