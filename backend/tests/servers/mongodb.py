"""What speaks MongoDB's wire protocol as far as pymongo needs to insert and find: no server of it is packaged."""

from __future__ import annotations

import socketserver
import struct
import threading
from typing import Any

import bson

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
_HEADER = struct.Struct("<iiii")  # length, id, what it answers, kind


class MongoServer(socketserver.ThreadingTCPServer):
    """Collections in memory. Lives as long as a test."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.documents: dict[str, list[dict[str, Any]]] = {}
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def stop(self) -> None:
        """Close the port."""
        self.shutdown()
        self.server_close()

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        """Run a command (https://www.mongodb.com/docs/manual/reference/command/)."""
        name = next(iter(command))
        if name.lower() in ("hello", "ismaster"):
            sizes = {"maxBsonObjectSize": 2**24, "maxMessageSizeBytes": 2**25, "maxWriteBatchSize": 1000}
            return {
                "ok": 1,
                "isWritablePrimary": True,
                "ismaster": True,
                "minWireVersion": 0,
                "maxWireVersion": 21,
            } | sizes
        if name == "insert":
            self.documents.setdefault(command["insert"], []).extend(command["documents"])
            return {"ok": 1, "n": len(command["documents"])}
        if name == "find":
            wanted = command.get("filter", {})
            kept = self.documents.get(command["find"], [])
            found = [each for each in kept if all(each.get(key) == value for key, value in wanted.items())]
            place = f"{command['$db']}.{command['find']}"
            return {"ok": 1, "cursor": {"id": 0, "ns": place, "firstBatch": found[: command.get("limit") or None]}}
        if name == "endSessions":
            return {"ok": 1}
        return {"ok": 0, "code": 59, "codeName": "CommandNotFound", "errmsg": f"no such command: '{name}'"}


class _Conversation(socketserver.StreamRequestHandler):
    server: MongoServer

    def handle(self) -> None:
        while head := self.rfile.read(16):
            length, number, _, kind = _HEADER.unpack(head)
            body = self.rfile.read(length - 16)
            said = bson.encode(self.server.answer(_command_in(kind, body)))
            if kind == OP_QUERY:
                answer, kind = struct.pack("<iqii", 8, 0, 0, 1) + said, OP_REPLY
            else:
                answer = struct.pack("<iB", 0, 0) + said
            self.wfile.write(_HEADER.pack(16 + len(answer), 1, number, kind) + answer)


def _command_in(kind: int, body: bytes) -> dict[str, Any]:
    if kind == OP_QUERY:
        return bson.decode(body[body.index(b"\0", 4) + 9 :])
    command: dict[str, Any] = {}
    at = 4
    while at < len(body):
        section, at = body[at], at + 1
        size = struct.unpack_from("<i", body, at)[0]
        if section == 0:
            command = {**bson.decode(body[at : at + size]), **command}
        else:  # a sequence of documents: its name, then they
            end = body.index(b"\0", at + 4)
            command[body[at + 4 : end].decode()] = bson.decode_all(body[end + 1 : at + size])
        at += size
    return command
