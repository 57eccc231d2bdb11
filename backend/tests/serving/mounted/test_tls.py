"""Upstreams behind TLS: their certificate counts, over HTTP and WebSocket."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.deploy.web_server import make_certificate

from ..conftest import Start
from ..engine_process import BACKEND, free_ports, wait_until

SCRIPT = """
skitai.alias("@secure", skitai.PROTO_HTTPS, "localhost:{port}")
skitai.alias("@flagged", skitai.PROTO_HTTP, "localhost:{port}", ssl=True)
skitai.alias("@other", skitai.PROTO_HTTPS, "127.0.0.1:{port}")
for name in ("secure", "flagged", "other"):
    skitai.mount("/" + name, "@" + name)

@app.route("/asked")
def asked(was):
    return was.proxypass("@secure", "echo")

skitai.mount("/", app)
"""


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port of a server of somebody else's that speaks TLS, and its certificate."""
    folder, port = tmp_path_factory.mktemp("tls"), free_ports()
    certificate = make_certificate(folder)
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "--host", "127.0.0.1"]
    files = ["--ssl-certificate", str(certificate), "--ssl-keyfile", str(folder / "key.pem")]
    with (folder / "upstream.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *files, "tests.serving.mounted.foreign_apps:stars"],
            cwd=BACKEND,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    wait_until(lambda: "Started worker" in (folder / "upstream.log").read_text(), 20)
    yield port, certificate
    process.terminate()
    process.wait(10)


def test_a_certificate_that_is_known(start: Start, upstream: tuple[int, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    port, certificate = upstream
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    engine = start(SCRIPT.format(port=port))
    with httpx.Client(base_url=engine.url, timeout=20) as client:
        for point in ("/secure", "/flagged"):
            said = client.put(f"{point}/echo", content=b"x" * 300_000).json()
            assert said["body"] == 300_000
            assert dict(said["headers"])["host"] == f"localhost:{port}"
            assert len(client.get(f"{point}/pieces?count=40").content) == 40 * 65536
        assert client.get("/asked").json()["path"] == "/echo"
        other = client.get("/other/echo")  # the certificate names localhost only
        assert (other.status_code, other.json()["more_info"]) == (502, "the upstream @other cannot be reached")
    with connect(f"ws://127.0.0.1:{engine.port}/secure/talk") as talk:
        talk.send("hello")
        assert talk.recv(10) == "hello"


def test_a_certificate_that_is_not(start: Start, upstream: tuple[int, Path]) -> None:
    engine = start(SCRIPT.format(port=upstream[0]))
    answer = httpx.get(f"{engine.url}/secure/echo", timeout=20)
    assert (answer.status_code, answer.json()["more_info"]) == (502, "the upstream @secure cannot be reached")
    assert "CERTIFICATE_VERIFY_FAILED" in engine.output
