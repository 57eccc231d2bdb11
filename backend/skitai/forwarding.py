"""A second port that sends everybody to the right one: from http to https, or to another host (RFC 9110 15.4.9)."""

from __future__ import annotations

import asyncio
import logging
import re
from http import HTTPStatus
from urllib.parse import quote

LONGEST = 16 * 1024  # bytes of a request's head
PATIENCE = 10.0  # seconds a client may take to send it

_LINE = re.compile(rb"[A-Z]+ (/[\x21-\x7e]*|http://[\x21-\x7e]+) HTTP/1\.[01]\Z")
_HOST = re.compile(rb"(?im)^host:[ \t]*([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?[ \t]*\r?$")
_log = logging.getLogger("skitai")


class Forwarding:
    """Answers each request on a port with a redirection, and closes. Lives as long as the worker.

    `to` is a port of the same host, "443", or an origin, "https://shop.example".
    """

    def __init__(self, address: str, port: int, to: str, *, secure: bool) -> None:
        self.address, self.port, self.to = address, port, to
        self.scheme = "https" if secure else "http"
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Open the port, which all workers share. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, self.address, self.port, reuse_port=True, limit=LONGEST)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(self.answer(await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            _log.debug("forwarding: a client that sends no request")
        finally:
            writer.close()

    def answer(self, head: bytes) -> bytes:
        """Return the answer to a request's head; 308 keeps method and body where the client goes."""
        line, _, fields = head.partition(b"\r\n")
        match = _LINE.match(line)
        host = _HOST.search(fields)
        if match is None or (host is None and self.to.isdigit()):
            return _message(400)
        target = match[1] if match[1].startswith(b"/") else b"/" + match[1][7:].partition(b"/")[2]
        return _message(308, f"{self._origin(host)}{quote(target.decode('ascii'), safe=_SAFE)}")

    def _origin(self, host: re.Match[bytes] | None) -> str:
        if not self.to.isdigit() or host is None:
            return self.to.rstrip("/")
        usual = {"http": "80", "https": "443"}[self.scheme]
        return f"{self.scheme}://{host[1].decode('ascii')}{'' if self.to == usual else ':' + self.to}"


_SAFE = "/?#[]@!$&'()*+,;=-._~:%"


def _message(status: int, location: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "content-length: 0", "connection: close"]
    if location:
        lines.append(f"location: {location}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")
