"""A real PostgreSQL: started once for all workers of a test run, in a folder and on a port of its own."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.machine import need

PATIENCE = 60.0  # seconds to wait for the server, or for another worker that starts it
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200")
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The URL of a running server, without a database's name. The first worker starts it, the last one stops it."""
    initdb = need("initdb")
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "postgresql.json"
    with _locked(shared) as state:
        if not state.get("users"):
            state.update(_start(initdb.resolve().parent), users=0)
        state["users"] += 1
    try:
        yield f"postgresql://tester:{state['password']}@127.0.0.1:{state['port']}"
    finally:
        with _locked(shared) as state:
            state["users"] -= 1
            if not state["users"]:
                _stop(state)


@pytest.fixture
def postgresql_url(postgresql_server: str, worker_id: str) -> Iterator[str]:
    """The URL of an empty database that only this test uses."""
    name = f"test_{worker_id}_{next(_numbers)}"
    _administer(postgresql_server, f"CREATE DATABASE {name}")
    yield f"{postgresql_server}/{name}"
    _administer(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once for SQLite and once for PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


def _administer(server: str, command: str) -> None:
    connection = psycopg2.connect(f"{server}/postgres")
    try:
        connection.autocommit = True
        connection.cursor().execute(command)
    finally:
        connection.close()


@contextmanager
def _locked(path: Path) -> Iterator[dict[str, Any]]:
    """What all workers of this run know about the server; only one of them reads or changes it at a time."""
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        state = json.loads(file.read() or "{}")
        yield state
        file.seek(0)
        file.truncate()
        json.dump(state, file)


def _start(programs: Path) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))  # not pytest's: another user must be able to enter it
    password = secrets.token_hex(16)
    words = folder / "password"
    words.write_text(password)
    owner = _choose_owner()
    for path in (folder, words):
        os.chown(path, *owner)
    as_owner: dict[str, Any] = {"user": owner[0], "group": owner[1], "extra_groups": []} if os.getuid() == 0 else {}
    data = folder / "data"
    wishes = ["-U", "tester", "-A", "scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    initdb = [str(programs / "initdb"), "-D", str(data), f"--pwfile={words}", *wishes]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/", **as_owner)
    port = _find_port()
    settings = [*FAST, f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories="]
    options = [word for setting in settings for word in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        # Its own session: Ctrl-C reaches the tests, which then stop the server in order.
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *options],
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            **as_owner,
        )
    state = {"folder": str(folder), "port": port, "password": password, "process": server.pid}
    _await_server(server, state)
    return state


def _choose_owner() -> tuple[int, int]:
    # PostgreSQL refuses to run as root.
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    owner = known.get("postgres") or known["nobody"]
    return owner.pw_uid, owner.pw_gid


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _await_server(server: subprocess.Popen[bytes], state: dict[str, Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg2.connect(f"postgresql://tester:{state['password']}@127.0.0.1:{state['port']}/postgres").close()
        except psycopg2.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                log = Path(state["folder"], "log").read_text()
                raise RuntimeError(f"PostgreSQL did not start: {log[-2000:]}") from error
            time.sleep(0.05)
        else:
            server.returncode = 0  # another worker may stop it: this one is not to wait for it at its end
            return


def _stop(state: dict[str, Any]) -> None:
    os.kill(state["process"], signal.SIGQUIT)  # at once: nobody needs its data any more
    deadline = time.monotonic() + PATIENCE
    while _runs(state["process"]) and time.monotonic() < deadline:
        time.sleep(0.02)
    shutil.rmtree(state["folder"], ignore_errors=True)


def _runs(process: int) -> bool:
    """Say whether a process runs; one that ended and was our child is buried on the way."""
    try:
        if os.waitpid(process, os.WNOHANG)[0]:
            return False
    except ChildProcessError:
        pass  # another worker started it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # A zombie whose parent still runs other tests has ended as well.
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
