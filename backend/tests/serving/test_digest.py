"""Digest authentication against curl's own client, through the engine."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.engine_process import EngineProcess

BODY = f"""
app.realm = "Curl's"
app.users = {{
    "plain": ("1234", False, "info"), "old": ({hashlib.md5(b"old:Curl's:1234").hexdigest()!r}, True),
    "new": ({hashlib.sha256(b"new:Curl's:1234").hexdigest()!r}, True),
}}

@app.route("/", methods=["GET", "POST"], authenticate="digest")
def page(was, **form):
    return was.request.method + " " + was.request.user.name

@app.route("/basic/<path:rest>", authenticate="basic")
def basic(was, rest, q=""):
    return was.request.user.name

@app.route("/deep/<path:rest>", authenticate="digest")
def deep(was, rest, q=""):
    return rest + " " + q

skitai.mount("/", app)
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    engine = EngineProcess(tmp_path_factory.mktemp("digest"), BODY)
    try:
        yield engine.ready()
    finally:
        engine.end()


def curl(*arguments: str) -> tuple[str, str]:
    """Run curl; return the last status and the body."""
    command = ["curl", "-s", "-g", "--max-time", "10", "-w", "\n%{http_code}", *arguments]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    body, _, status = output.rpartition("\n")
    return status, body


@pytest.mark.row("10.20")
@pytest.mark.parametrize("name", ["plain", "old", "new"])
def test_curl_signs_in_by_digest(engine: EngineProcess, name: str) -> None:
    assert curl("--digest", "-u", f"{name}:1234", f"{engine.url}/") == ("200", f"GET {name}")


@pytest.mark.row("10.20")
def test_curl_is_refused_with_a_wrong_password(engine: EngineProcess) -> None:
    assert curl("--digest", "-u", "plain:wrong", f"{engine.url}/")[0] == "401"
    assert curl("--digest", "-u", "nobody:1234", f"{engine.url}/")[0] == "401"
    assert curl(f"{engine.url}/")[0] == "401"


@pytest.mark.row("10.20")
def test_curl_posts_and_asks_twice_on_one_connection(engine: EngineProcess, tmp_path: Path) -> None:
    assert curl("--digest", "-u", "plain:1234", "-d", "a=1", f"{engine.url}/") == ("200", "POST plain")
    twice = curl("--digest", "-u", "plain:1234", f"{engine.url}/", f"{engine.url}/")
    assert twice == ("200", "GET plain\n200GET plain")


@pytest.mark.row("10.20")
@pytest.mark.parametrize("target", ["/deep/a%20b/c?q=1%2B2", "/deep/%C3%A9?q=%26", "/deep/a%2Fb", "/deep/plain"])
def test_curl_signs_the_target_as_it_sends_it(engine: EngineProcess, target: str) -> None:
    assert curl("--digest", "-u", "plain:1234", engine.url + target)[0] == "200"


@pytest.mark.row("10.12")
def test_curl_signs_in_by_whatever_is_offered(engine: EngineProcess) -> None:
    assert curl("--anyauth", "-u", "plain:1234", f"{engine.url}/basic/x") == ("200", "plain")
    assert curl("--anyauth", "-u", "plain:1234", f"{engine.url}/") == ("200", "GET plain")


@pytest.mark.row("4.37")
def test_the_server_names_itself_once_and_without_a_version(engine: EngineProcess) -> None:
    """Chapter 4: who answers; a version would only tell an attacker what to try."""
    answer = engine.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").decode().lower()
    names = [line for line in answer.split("\r\n") if line.startswith("server:")]
    assert len(names) == 1
    assert not any(character.isdigit() for character in names[0])
