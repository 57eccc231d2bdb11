"""An engine with apps of other frameworks and upstreams mounted, and the server behind it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from ..engine_process import BACKEND, EngineProcess, free_ports, wait_until

SCRIPT = """
from tests.serving.mounted.foreign_apps import checked, stars, unchecked

skitai.alias("@up", skitai.PROTO_HTTP, "127.0.0.1:{up}")
skitai.alias("@pair", skitai.PROTO_HTTP, ["127.0.0.1:{closed}", "127.0.0.1:{up}"])
skitai.alias("@below", skitai.PROTO_HTTP, "reader:secret@127.0.0.1:{up}/echo/base")
skitai.alias("@closed", skitai.PROTO_HTTP, "127.0.0.1:{closed}")
skitai.alias("@silent", skitai.PROTO_HTTP, "127.0.0.1:{silent}")
skitai.alias("@rude", skitai.PROTO_HTTP, "127.0.0.1:{rude}")

app.openapi_url = None

@app.route("/asked/<path:path>")
def asked(was, path, **query):
    return was.proxypass("@up", path)

@app.route("/plain")
def plain(was):
    return "at once"

skitai.mount("/", app)
skitai.mount("/wsgi", checked)
skitai.mount("/raw", unchecked)
skitai.mount("/stars", stars)
for name in ("up", "pair", "below", "closed", "rude"):
    skitai.mount("/" + name, "@" + name)
with skitai.preference() as impatient:
    impatient.timeout = 0.5
    skitai.mount("/silent", "@silent", pref=impatient)
skitai.alias("@narrow", skitai.PROTO_HTTP, "127.0.0.1:{up}", max_conns=1)
with skitai.preference() as hurried:
    hurried.connect_timeout = 0.3
    skitai.mount("/narrow", "@narrow", pref=hurried)
with skitai.preference() as small:
    small.max_client_body_size = 100_000
    small.preserve_host = True
    skitai.mount("/small", "@up", pref=small)
skitai.mount("/", unchecked, host="wsgi.example")
"""


class Served(NamedTuple):
    """An engine, and the server of somebody else behind it."""

    engine: EngineProcess
    client: httpx.Client
    upstream_log: Path


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("mounted")
    up, log = free_ports(), folder / "upstream.log"
    with log.open("wb") as output, _listening() as silent, _listening() as rude, contextlib.ExitStack() as stack:
        upstream = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "granian",
                "--interface",
                "asgi",
                "--port",
                str(up),
                "tests.serving.mounted.foreign_apps:stars",
            ],
            cwd=BACKEND,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        stack.callback(upstream.wait, 10)
        stack.callback(upstream.terminate)
        ports = {"silent": silent.getsockname()[1], "rude": rude.getsockname()[1]}
        rude.close()  # now nobody listens; a test opens it again
        engine = EngineProcess(folder, SCRIPT.format(up=up, closed=free_ports(), **ports))
        stack.callback(engine.end)
        engine.ready()
        engine.rude_port = ports["rude"]  # type: ignore[attr-defined]  # only here
        client = stack.enter_context(httpx.Client(base_url=engine.url, timeout=20))
        wait_until(lambda: client.get("/up/echo").status_code == 200, 20)
        yield Served(engine, client, log)
        assert engine.stop() == 0


def _listening() -> socket.socket:
    """Return a socket that takes connections and says nothing."""
    return socket.create_server(("127.0.0.1", 0))
