"""Attack the sample's API with sqlmap, and a server with a known hole beside it, which shows that it would find one.

`--database postgresql://…` names an empty database; without it the sample runs on a fresh SQLite file.
"""

from __future__ import annotations

import argparse
import http.server
import json
import re
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import toolchain
from production import serving
from workspace import BACKEND, Stop, main, require, say

FOUND = "identified the following injection point"  # after it has ruled out that it was wrong
CLEAN = "do not appear to be injectable"
PICTURE = bytes.fromhex(  # one grey pixel
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c6368000000820081dd436af40000000049454e44ae426082"
)


class Target(NamedTuple):
    """A request, and which of its parameters are attacked: those named, or the places marked by a star."""

    name: str
    url: str
    parameters: str = ""
    body: str = ""
    method: str = "GET"


class Verdict(NamedTuple):
    """What sqlmap says of a target, in how many seconds and requests."""

    injectable: bool
    clean: bool
    seconds: float
    requests: int


def attack() -> int:
    """Attack everything; 1 when something was found in the sample, or nothing in the hole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="", help="the URL of an empty PostgreSQL database")
    parser.add_argument("--level", type=int, default=2, help="how many payloads sqlmap tries: 1 to 5")
    parser.add_argument("--risk", type=int, default=2, help="how daring they are: 1 to 3")
    given = parser.parse_args()
    if shutil.which("sqlmap") is None:
        raise Stop("sqlmap is not installed: apt-get install sqlmap, or pip install sqlmap.")
    python = toolchain.python()
    options = [f"--level={given.level}", f"--risk={given.risk}"]
    settings = {"APP_ENV": "test", "LOG_LEVEL": "error", "ACCESS_TOKEN_SECONDS": "86400"}
    if given.database:
        settings["DATABASE_URL"] = given.database
    with tempfile.TemporaryDirectory() as folder, serving(python, Path(folder) / "log", **settings) as env:
        require([python, "-m", "app.manage", "seed"], "the administrator was not made.", cwd=BACKEND, env=env)
        token = prepare(env)
        verdicts = {target.name: run(target, token, options, folder) for target in targets(env["PUBLIC_URL"])}
        with hole() as url:
            control = run(Target("hole", f"{url}/?id=1", "id"), "", options, folder)
    return report(verdicts, control)


def targets(base: str) -> list[Target]:
    """The requests of the sample that carry values to the database."""
    photos = f"{base}/api/v1/users/me/photos"
    changes = json.dumps({"title": "sea", "description": "calm"})
    credentials = json.dumps({"email": "admin@example.com", "password": "wrong password"})
    return [
        Target("list", f"{photos}?page=1&size=5&sort=title&q=sea", "page,size,sort,q"),
        Target("path of one", f"{photos}/1*"),
        Target("user in the path", f"{base}/api/v1/users/1*/photos"),
        Target("change", f"{photos}/1", "title,description", changes, "PATCH"),
        Target("sign in", f"{base}/api/v1/auth/sign-in", "email,password", credentials, "POST"),
    ]


def prepare(env: dict[str, str]) -> str:
    """Sign in and store a picture; returns the access token."""
    base = f"{env['PUBLIC_URL']}/api/v1"
    credentials = {"email": env["ADMIN_EMAIL"], "password": env["ADMIN_PASSWORD"]}
    session = send(f"{base}/auth/sign-in", json.dumps(credentials).encode(), {"content-type": "application/json"})
    boundary = "picture"
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="sea.png"\r\n\r\n'.encode()
    headers = {
        "content-type": f"multipart/form-data; boundary={boundary}",
        "authorization": f"Bearer {session['access_token']}",
    }
    send(f"{base}/users/me/photos", head + PICTURE + f"\r\n--{boundary}--\r\n".encode(), headers)
    return str(session["access_token"])


def send(url: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """POST, and read the answer's JSON."""
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:  # noqa: S310 - ours
        found: dict[str, Any] = json.loads(answer.read())
        return found


def run(target: Target, token: str, options: list[str], folder: str) -> Verdict:
    """Let sqlmap attack one target."""
    say(f"Attacking {target.name} …")
    # Its answers to a wrong value are 4xx and 429: no reason to stop.
    words = ["sqlmap", "-u", target.url, "--batch", "--flush-session", "--disable-coloring", "--output-dir", folder]
    words += ["--ignore-code=400,401,403,404,409,422,429", "--timeout=20", "--retries=0", *options]
    if token:
        words += ["-H", f"Authorization: Bearer {token}"]
    if target.body:
        words += [f"--data={target.body}", f"--method={target.method}", "-H", "Content-Type: application/json"]
    if target.parameters:
        words += ["-p", target.parameters]
    started = time.monotonic()
    output = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL).stdout
    count = re.search(r"total of (\d+) HTTP", output)
    codes = sum(int(times) for times in re.findall(r"- (\d+) times", output))
    verdict = Verdict(FOUND in output, CLEAN in output, time.monotonic() - started, codes)
    if not (verdict.injectable or verdict.clean):
        say(output[-2000:])
    return verdict._replace(requests=max(verdict.requests, int(count[1]) if count else 0))


@contextmanager
def hole() -> Iterator[str]:
    """Serve a page that pastes its parameter into SQL."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("id", ["0"])[0]
            connection = sqlite3.connect(":memory:")
            connection.executescript("CREATE TABLE photo (id INTEGER, title TEXT); INSERT INTO photo VALUES (1, 'sea')")
            try:
                rows = connection.execute(f"SELECT title FROM photo WHERE id = {key}").fetchall()  # noqa: S608 - the hole
                answer = str(rows).encode()
            except sqlite3.Error as error:
                answer = str(error).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def report(verdicts: dict[str, Verdict], control: Verdict) -> int:
    """Print what was found; the exit code."""
    for name, verdict in {**verdicts, "the hole": control}.items():
        says = "injectable" if verdict.injectable else "nothing found" if verdict.clean else "not attacked to the end"
        say(f"{name:<18} {says:<24} {verdict.requests:>6} answers 4xx or 5xx {verdict.seconds:>7.0f} s")
    right = control.injectable and all(verdict.clean and not verdict.injectable for verdict in verdicts.values())
    return 0 if right else 1


if __name__ == "__main__":
    main(attack)
