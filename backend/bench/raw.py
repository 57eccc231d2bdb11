"""The floor: each endpoint written straight against the server, without any framework."""

from __future__ import annotations

import asyncio
import os
import re
import xmlrpc.client
from typing import Any

import jwt
import msgspec

KEY = "s" * 32
FILES = os.environ.get("BENCH_FILES", ".")
XML = [("content-type", "text/xml")]
ADD = re.compile(rb"<methodName>add</methodName>.*<int>(\d+)</int>.*<int>(\d+)</int>")
SUM = b"<methodResponse><params><param><value><int>%d</int></value></param></params></methodResponse>"
JSON = [("content-type", "application/json")]
encode, decode = msgspec.json.encode, msgspec.json.decode


def hello() -> bytes:
    return encode({"message": "hello"})


async def rsgi(scope: Any, protocol: Any) -> None:
    path: str = scope.path
    if path == "/":
        protocol.response_bytes(200, JSON, hello())
    elif path.startswith("/items/"):
        query = dict(pair.split("=", 1) for pair in scope.query_string.split("&") if pair)
        protocol.response_bytes(200, JSON, encode({"id": int(path[7:]), "q": query.get("q")}))
    elif path == "/echo":
        protocol.response_bytes(200, JSON, encode(decode(await protocol())))
    elif path == "/posted":
        await protocol()
        protocol.response_bytes(200, JSON, b"5")
    elif path == "/read":
        given: Any = xmlrpc.client.loads(await protocol())[0]
        answer = xmlrpc.client.dumps((sum(given),), methodresponse=True)
        protocol.response_bytes(200, XML, answer.encode())
    elif path == "/least":
        found: Any = ADD.search(await protocol())
        protocol.response_bytes(200, XML, SUM % (int(found[1]) + int(found[2])))
    elif path == "/jwt":
        claims = jwt.decode(scope.headers.get("authorization")[7:], KEY, algorithms=["HS256"])
        protocol.response_bytes(200, JSON, encode({"sub": claims["sub"]}))
    elif path == "/sync":
        body = await asyncio.get_running_loop().run_in_executor(None, hello)
        protocol.response_bytes(200, JSON, body)
    elif path.startswith("/static/"):
        protocol.response_file(200, [("content-type", "application/octet-stream")], f"{FILES}/{path[8:]}")
    else:
        protocol.response_empty(404, [])


async def echo_socket(scope: Any, protocol: Any) -> None:
    """Send every message of a WebSocket back."""
    if scope.proto == "http":
        protocol.response_bytes(200, JSON, hello())
        return
    transport = await protocol.accept()
    while (message := await transport.receive()).kind:
        if message.kind == 1:
            await transport.send_bytes(message.data)
        else:
            await transport.send_str(message.data)
