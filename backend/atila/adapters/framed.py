"""A WebSocket on a connection of our own: frames (by websockets), pings, limits, the closing handshake."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections import deque
from typing import Any

from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode, apply_mask  # type: ignore[attr-defined]  # the compiled one, or the other
from websockets.protocol import SERVER, Protocol, State

from ..http.duplex import Closed, Limits, Message, Outgoing

MESSAGES_AHEAD = 16  # that a client may send before the first of them is handled
SLICE = 8 * 1024  # bytes that are read before others get their turn, when they are many small frames
MANY = 256  # frames in a slice
ABNORMAL, FAILED = 1006, 1011  # RFC 6455 7.4.1

SHORT_TEXT, SHORT_BINARY = 0x81, 0x82  # the first byte of a message in one frame

_quiet = logging.getLogger("atila.websocket.frames")
_quiet.setLevel(logging.WARNING)


class Frames(Protocol):
    """What websockets knows of the frames of a connection, the messages in them, and a short way for most of them."""

    between = True  # the next byte begins a frame

    def __init__(self, limit: int) -> None:
        super().__init__(SERVER, max_size=limit, logger=_quiet)
        self.limit = limit
        self.messages: list[Message] = []  # that came whole before either side began to close
        self._pieces = bytearray()  # of a message that comes in several frames
        self._text = False  # they are text

    def short_message(self, data: bytes) -> Message | None:
        """Return the message when data is one short, whole one; None for anything else, which is not read."""
        size = len(data) - 6  # two bytes of head, four of the mask (RFC 6455 5.2)
        if not 0 <= size < 126 or data[1] != 0x80 | size or data[0] not in (SHORT_TEXT, SHORT_BINARY):
            return None
        if not self.between or self.current_size is not None or size > self.limit or self.state is not State.OPEN:
            return None
        content: bytes = apply_mask(data[6:], data[2:6])
        try:
            return str(content, "utf-8") if data[0] == SHORT_TEXT else content
        except UnicodeDecodeError:
            return None

    def receive_data(self, data: bytes | bytearray) -> None:
        self.between = False
        super().receive_data(data)

    def recv_frame(self, frame: Frame) -> None:
        self.between = not self.reader.buffer
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None  # closing in the middle of a message is allowed (RFC 6455 5.5.1), an error for it
        super().recv_frame(frame)
        if self.state is State.OPEN:  # or nobody handles it any more
            self._gather(frame)

    def _gather(self, frame: Frame) -> None:
        """Keep what a frame brings of a message. Raises UnicodeDecodeError, which the parser closes with 1007."""
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            self._text = opcode is Opcode.TEXT
            if frame.fin:
                self._keep(frame.data)
            else:
                self._pieces += frame.data
        elif opcode is Opcode.CONT:
            self._pieces += frame.data
            if frame.fin:
                whole, self._pieces = self._pieces, bytearray()
                self._keep(whole)

    def _keep(self, data: Any) -> None:
        self.messages.append(str(data, "utf-8") if self._text else bytes(data))


class Framed(asyncio.Protocol):
    """The open connection of one client. Used on the event loop only; lives as long as the connection."""

    def __init__(self, limits: Limits, beat: Beat) -> None:
        self.limits = limits
        self.beat = beat
        self.silent = 0.0  # seconds since anything came
        self.frames = Frames(limits.message)
        self.transport: Any = None
        self.over: Closed | None = None
        self._inbox: deque[Message] = deque()
        self._waiter: asyncio.Future[Message] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._clogged = self._paused = self._held = False
        self._unread = bytearray()  # that came, and waits for its turn
        self._waiting = 0  # bytes for a slow client, when it was last looked at
        self._deadline: asyncio.TimerHandle | None = None

    # what a Duplex offers

    async def receive(self) -> Message:
        """Return the next message. Raises Closed at the end of the connection, after all messages."""
        if self._inbox:
            message = self._inbox.popleft()
            if self._paused and not self._inbox:
                self._paused = False
                self._hold()
            return message
        if self.over is not None:
            raise self.over
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            return await self._waiter
        finally:
            self._waiter = None

    def send(self, message: Message | Outgoing) -> None:
        """Send a message; a client that is too far behind is let go."""
        if self.frames.state is not State.OPEN:
            return
        if self._clogged and self.transport.get_write_buffer_size() > self.limits.behind:
            self.drop(Closed(ABNORMAL, "the client does not read"))
            return
        if type(message) is Outgoing:
            if message.frame is None:
                message.frame = framed(message.message)
            self.transport.write(message.frame)
        else:
            self.transport.write(framed(message))  # type: ignore[arg-type]  # no Outgoing

    @property
    def behind(self) -> int:
        """How many bytes wait for the client."""
        return self.transport.get_write_buffer_size() if self._clogged else 0

    async def drain(self) -> None:
        """Wait until what waits for the client is little."""
        if self._clogged and self.over is None:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake; a client that does not answer is dropped in time."""
        try:
            self.frames.send_close(code, reason)
        except InvalidState:  # it was begun
            return
        self._write()

    # what the transport calls

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.beat.add(self)

    def data_received(self, data: bytes) -> None:
        self.silent = 0.0
        if self._unread:
            self._unread += data
        elif (message := self.frames.short_message(data)) is not None:
            self._deliver(message)
        elif len(data) <= SLICE:
            self._read(data)
        else:
            self._unread += data
            self._read_on()

    def eof_received(self) -> bool:
        self.frames.receive_eof()
        return False

    def pause_writing(self) -> None:
        self._clogged = True

    def resume_writing(self) -> None:
        self._clogged = False
        self._wake_drained()

    def connection_lost(self, error: Exception | None) -> None:
        self.frames.receive_eof()
        self._finish(Closed(ABNORMAL))

    # inside

    def _read(self, data: bytes) -> int:
        """Do what the frames say; return how many they were."""
        frames = self.frames
        frames.receive_data(data)
        if frames.messages:
            messages, frames.messages = frames.messages, []
            for message in messages:
                self._deliver(message)
        if frames.writes:
            self._write()
        return len(frames.events_received())

    def _read_on(self) -> None:
        """Read what came slice by slice: forty thousand empty frames would keep everybody else waiting."""
        count = 0
        while self._unread and self.over is None and count < MANY:
            data = bytes(self._unread[:SLICE])
            del self._unread[:SLICE]
            count = self._read(data)
        if self.over is not None:
            return
        self._hold()
        if self._unread:
            asyncio.get_running_loop().call_soon(self._read_on)

    def _hold(self) -> None:
        """Take what the client sends, or let it wait in the connection."""
        wanted = self._paused or bool(self._unread)
        if wanted != self._held:
            self._held = wanted
            (self.transport.pause_reading if wanted else self.transport.resume_reading)()

    def ping(self) -> None:
        """Ask the client whether it is there."""
        if self.frames.state is State.OPEN:
            self.frames.send_ping(b"")
            self._write()

    def takes(self) -> bool:
        """Say whether the client has taken something of what waited at the last look: then it is there, only slow."""
        before, self._waiting = self._waiting, self.behind
        return self._waiting < before

    def give_up(self) -> None:
        """Close the connection of a client that answers no ping."""
        self.close(FAILED, "no answer to a ping")
        self.drop(Closed(ABNORMAL, "no answer to a ping"))

    def _deliver(self, message: Message) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(message)
            return
        self._inbox.append(message)
        if len(self._inbox) >= MESSAGES_AHEAD and not self._paused:
            self._paused = True
            self._hold()

    def _write(self) -> None:
        frames, transport = self.frames, self.transport
        if self._clogged and transport.get_write_buffer_size() > self.limits.behind:  # it pings, and reads no answer
            self.drop(Closed(ABNORMAL, "the client does not read"))
            return
        for data in frames.data_to_send():
            if data:
                transport.write(data)
            else:
                transport.write_eof()
        if frames.close_expected() and self._deadline is None:
            if self._paused:  # or the client's part of the handshake would never be read
                self._paused = False
                self._hold()
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self.limits.closing, self.drop, Closed(ABNORMAL, "no closing handshake"))

    def drop(self, why: Closed) -> None:
        """End the connection at once; no other descriptor of it sends anything more."""
        if self.over is not None:
            return
        shut(self.transport.get_extra_info("socket").fileno())
        self.transport.abort()
        self._finish(why)

    def _finish(self, why: Closed) -> None:
        """Let everybody know that it is over: with the code the client gave, if it did (RFC 6455 7.1.5)."""
        if self._deadline is not None:
            self._deadline.cancel()
        self.beat.remove(self)
        if self.over is None:
            given = self.frames.close_rcvd
            self.over = why if given is None else Closed(given.code, given.reason)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self.over)
        self._wake_drained()

    def _wake_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)


class Beat:
    """One look at all connections now and then: pings the silent, gives up those that do not answer."""

    def __init__(self) -> None:
        self._members: set[Framed] = set()
        self._period = 1.0  # seconds
        self._handle: asyncio.TimerHandle | None = None

    def add(self, member: Framed) -> None:
        self._members.add(member)
        self._period = max(0.02, min(self._period, member.limits.ping / 4))
        if self._handle is None:
            self._later()

    def remove(self, member: Framed) -> None:
        self._members.discard(member)
        if not self._members and self._handle is not None:
            self._handle.cancel()
            self._handle, self._period = None, 1.0

    def _later(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(self._period, self._look)

    def _look(self) -> None:
        period = self._period
        for member in list(self._members):
            before, member.silent = member.silent, 0.0 if member.takes() else member.silent + period
            limits = member.limits
            if limits.timeout and member.silent >= limits.timeout:
                member.give_up()
            elif before // limits.ping < member.silent // limits.ping:
                member.ping()
        if self._members:
            self._later()


def framed(message: Message) -> bytes:
    """Return a message as one frame of a server (RFC 6455 5.2): final, without a mask."""
    if isinstance(message, str):
        kind, data = b"\x81", message.encode()
    else:
        kind, data = b"\x82", message
    size = len(data)
    if size < 126:
        return b"%b%c%b" % (kind, size, data)
    if size < 65536:
        return b"%b\x7e%b%b" % (kind, size.to_bytes(2, "big"), data)
    return b"%b\x7f%b%b" % (kind, size.to_bytes(8, "big"), data)


def shut(descriptor: int) -> None:
    """Shut a connection down for all who hold a descriptor of it."""
    with socket.socket(fileno=os.dup(descriptor)) as held, contextlib.suppress(OSError):  # the client may have done it
        held.shutdown(socket.SHUT_RDWR)
