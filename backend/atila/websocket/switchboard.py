"""How messages find their clients: by client id and by room, in this process and over the bus in all others."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import count
from typing import Any

from ..bus import Bus
from ..http.duplex import Message, Outgoing
from .socket import Socket

_SERIAL = 20  # bits of a client id that count the clients of a process; 32 random ones go before: 2**53 in JSON


class Switchboard:
    """The open sockets of an app. `send` is safe for threads, the rest is for the event loop. Lives as long as the app.

    Client ids are numbers that no other process of the engine gives. A room is known to the bus while it has members.
    """

    def __init__(self, name: Callable[[], str], bus: Callable[[], Bus]) -> None:
        self._name = name  # the same in every process, and no other app's
        self.open: dict[int, Socket] = {}
        self._bus = bus
        self._rooms: dict[str, Room] = {}
        self._first = secrets.randbits(32) << _SERIAL
        self._serial = count(1)
        self._end: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self.open)

    def new_id(self) -> int:
        """Return a client id that is not taken."""
        while (found := self._first | next(self._serial) % (1 << _SERIAL)) in self.open:
            pass
        return found

    def send(self, client_id: int, message: Any) -> None:
        """Send a message to a client of any process; a client that is gone gets nothing.

        It is encoded as the client's route says. Raises TypeError for one that has no form there, or for the bus.
        """
        here = self.open.get(client_id)
        if here is not None:
            here.push(message)
        else:
            self._bus().publish(self._topic, [client_id, message], here=False)

    def join(self, socket: Socket) -> None:
        """Make a socket known, and take it into its room."""
        if not self.open:
            self._end = self._bus().subscribe(self._topic, self._receive)
        self.open[socket.client_id] = socket
        if socket.room is not None:
            room = self._rooms.get(socket.room)
            if room is None:
                room = self._rooms[socket.room] = Room(self._bus(), self._topic_of(socket.room))
            room.members.add(socket)

    def leave(self, socket: Socket) -> None:
        """Forget a socket; a room without members goes too."""
        self.open.pop(socket.client_id, None)
        room = self._rooms.get(socket.room) if socket.room is not None else None
        if room is not None:
            room.members.discard(socket)
            if not room.members:
                room.end()
                del self._rooms[socket.room or ""]
        if not self.open and self._end is not None:
            self._end()
            self._end = None

    def tell(self, room: str, message: Message) -> None:
        """Send an encoded message to everybody in a room, in all processes."""
        self._bus().publish(self._topic_of(room), message)

    @property
    def _topic(self) -> str:
        return f"websocket:{self._name()}"

    def _topic_of(self, room: str) -> str:
        return f"{self._topic}:{room}"

    def _receive(self, message: Any) -> None:
        client_id, content = message
        socket = self.open.get(client_id)
        if socket is not None:
            socket.push(content)


class Room:
    """Those in a room that this process serves. Lives as long as it has members."""

    def __init__(self, bus: Bus, topic: str) -> None:
        self.members: set[Socket] = set()
        self.end = bus.subscribe(topic, self._receive)

    def _receive(self, message: Message) -> None:
        outgoing = Outgoing(message)
        for socket in self.members:
            socket.put(outgoing)
