"""Engines that share: one worker, four workers, or two hosts joined by a real Redis; each process can be asked."""

from __future__ import annotations

import contextlib
import http.client
import json
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.machine import need
from tests.servers.redis import RedisServer

from .engine_process import EngineProcess, wait_until

KINDS = ("one worker", "four workers", "two hosts")
WORKERS = {"one worker": (1,), "four workers": (4,), "two hosts": (2, 2)}  # of each engine

APP = """
    heard, received, noticed, reads = [], [], [], []
    skitai.deflu("news", "other")
    skitai.defgs("nodes")
    app.deflu("news", "mine")
    app.defgs("hits", "seats", "kept", "away", "left")

    @app.mounted
    def mounted(was):
        was.app.platform.bus.subscribe("chat", received.append)

    @app.on_broadcast("added", "model-changed:mine", "seats")
    def added(was, *args, **kwargs):
        heard.append([*args, kwargs])

    @app.on_broadcast("added")
    async def added_too(was, *args, **kwargs):
        await asyncio.sleep(0)
        noticed.append(len(args))

    def state(was):
        return was.API(
            pid=os.getpid(), heard=heard, received=received, noticed=noticed, health=was.app.platform.bus.health(),
            newest=was.getlu("news", "other", "mine"),
            stamps={key: was.getlu(key) for key in ("news", "other", "mine")},
            numbers={key: was.getgs(key) for key in ("nodes", "hits", "seats", "kept", "away", "left")},
        )

    @app.route("/fresh")
    @app.if_updated("mine", lambda was, key: reads.append(key), interval=0)
    def fresh(was):
        return was.API(reads=len(reads))

    @app.route("/state")
    async def ask_state(was):
        return state(was)

    @app.route("/tell")
    def tell(was, by: str, number: int):
        was.broadcast("added", by, number, deep={"a": [1, None]})
        return state(was)

    @app.route("/stamp")
    def stamp(was, key: str):
        was.setlu(key, key, again=True)
        return state(was)

    @app.route("/set")
    def set_number(was, key: str, value: int):
        was.setgs(key, value, value)
        return state(was)

    @app.route("/add")
    def add(was, key: str, value: int = 1):
        return was.API(total=was.addgs(key, value))

    @app.route("/use")
    def use(was, key: str, limit: int = 10, seconds: float = 60):
        return was.API(left=was.rate_limit(key, limit, seconds))

    @app.route("/say")
    def say(was, by: str, count: int):
        for number in range(count):
            was.app.platform.bus.publish("chat", [by, number, b"\\xff".hex()])
        return was.API(said=count)

    @app.route("/too-long")
    def too_long(was):
        was.app.platform.bus.publish("chat", b"x" * 2_000_000)

    @app.route("/chat")
    @app.websocket(skitai.WS_GROUPCHAT, 60, lambda was: was.websocket.send(f"{os.getpid()} {was.wsclient()}"))
    def chat(was, message, room_id):
        return message

    @app.route("/push")
    def push(was, client_id: int, text: str):
        app.websocket_send(client_id, text)
        return was.API()

    skitai.mount("/", app)
"""


class Peer:
    """One worker process, over a connection that stays open."""

    def __init__(self, engine: EngineProcess) -> None:
        self.engine = engine
        self.connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=10)
        self.pid: int = self.state()["pid"]

    def ask(self, path: str, **query: object) -> tuple[int, Any]:
        """Return the status and the JSON of an answer."""
        self.connection.request("GET", f"{path}?{urlencode(query)}")
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def get(self, path: str, **query: object) -> Any:
        """Return the JSON of an answer that must be good."""
        status, body = self.ask(path, **query)
        assert status == 200, (status, body)
        return body

    def state(self) -> Any:
        return self.get("/state")


class Cluster:
    """Engines that share. Lives as long as the tests of a module."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.redis = RedisServer(need("redis-server"), folder) if kind == "two hosts" else None
        self.engines: list[EngineProcess] = []
        self.peers: list[Peer] = []  # one for each process that `start` started
        self._connected: list[Peer] = []

    def start(self) -> None:
        if self.redis is not None:
            self.redis.start()
        for workers in WORKERS[self.kind]:
            self.add_engine(workers, wait=False)
        for engine in self.engines:
            self.peers += self.ask(engine.ready(), WORKERS[self.kind][0])

    def add_engine(self, workers: int, *, wait: bool = True, before: str = "") -> EngineProcess:
        """Start one more engine; `before` is what its script begins with."""
        folder = self.folder / f"host{len(self.engines)}"
        folder.mkdir()
        options: dict[str, object] = {"workers": workers, "access_log": False}
        if self.redis is not None:
            options["bus"] = self.redis.url
        engine = EngineProcess(folder, before + textwrap.dedent(APP), **options)  # type: ignore[arg-type]  # none of them is the port
        self.engines.append(engine)
        return engine.ready() if wait else engine

    def ask(self, engine: EngineProcess, count: int) -> list[Peer]:
        """Return a connection to each of an engine's workers."""
        found: dict[int, Peer] = {}
        end = time.monotonic() + 20
        while len(found) < count:
            assert time.monotonic() < end, f"only {len(found)} of {count} workers answer\n{engine.output}"
            with contextlib.suppress(OSError, http.client.HTTPException):
                peer = Peer(engine)
                self._connected.append(peer)
                found.setdefault(peer.pid, peer)
        return list(found.values())

    def end(self) -> None:
        for peer in self._connected:
            peer.connection.close()
        for engine in self.engines:
            engine.end()
        if self.redis is not None:
            self.redis.stop()

    def everywhere(self, holds: Callable[[Any], object], timeout: float = 10.0) -> None:
        """Wait until something holds in every process."""
        for peer in self.peers:
            wait_until(lambda: holds(peer.state()), timeout, lambda: f"{peer.pid}: {peer.state()}")  # noqa: B023

    def all_at_once(self, path: str, **query: object) -> list[Any]:
        """Ask every process at the same time."""
        with ThreadPoolExecutor(len(self.peers)) as threads:
            return list(threads.map(lambda peer: peer.get(path, **{"by": peer.pid, **query}), self.peers))


def clusters(kind: str, folder: Path) -> Iterator[Cluster]:
    """Start a cluster, and end it afterwards."""
    cluster = Cluster(kind, folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()
