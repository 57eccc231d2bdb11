"""Commands and the background: start, stop, restart, reload, status, as a person types them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .engine_process import BACKEND, free_ports, wait_until

SCRIPT = """
import logging, os, sys, time
import skitai
from atila import Atila

app = Atila(__name__)
PORT = int(os.environ["PORT"])

@app.route("/pid")
def pid(was):
    print("printed by", os.getpid(), flush=True)
    logging.getLogger("shop").info("asked")
    return was.API(pid=os.getpid(), main=os.getppid(), debug=app.debug)

@app.route("/slow")
def slow(was):
    time.sleep(0.7)
    return "done"

app.debug = True
skitai.mount("/", app)
if __name__ == "__main__":
    if os.environ.get("BROKEN"):
        skitai.mount("/x", "nowhere.py")
    skitai.run("127.0.0.1", PORT, name="shop", varpath=os.environ["VAR"], **OPTIONS)
"""


class Shop:
    """A script in a folder of its own, and what a person does with it. Lives as long as a test."""

    def __init__(self, folder: Path, options: str = "dict()") -> None:
        self.folder = folder
        self.port = free_ports()
        self.options = options
        (folder / "serve.py").write_text(SCRIPT.replace("**OPTIONS", f"**{options}"))
        self.environment = {
            **os.environ, "PORT": str(self.port), "VAR": str(folder / "var"), "PYTHONPATH": str(BACKEND)
        }  # fmt: skip

    @property
    def state(self) -> Path:
        return self.folder / "var" / f"shop-{self.port}"

    def say(self, *words: str, timeout: float = 30, **environment: str) -> tuple[int, str]:
        """Run a command; return its exit code and what it wrote."""
        done = subprocess.run(
            [sys.executable, "serve.py", *words], cwd=self.folder, env=self.environment | environment,
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def get(self, path: str = "/pid") -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)

    def log(self, name: str) -> str:
        return (self.state / "logs" / name).read_text()

    def main_process(self) -> int:
        return int(json.loads((self.state / "pid").read_bytes())["pid"])

    def end(self) -> None:
        if (self.state / "pid").exists():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.main_process(), signal.SIGKILL)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.end()


@pytest.mark.row("1.11", "1.20")
def test_a_day_of_an_engine_in_the_background(shop: Shop) -> None:
    assert shop.say("status") == (3, "shop is not running\n")
    assert shop.say("reload")[0] == 3
    assert shop.say("stop") == (0, "shop is not running\n")
    code, told = shop.say("-d", "---production")
    main = shop.main_process()
    assert (code, told) == (0, f"shop is running: process {main}, serving http://127.0.0.1:{shop.port}\n")
    answer = shop.get().json()
    assert (answer["main"], answer["debug"]) == (main, False)
    assert os.getsid(main) == main  # no terminal takes it along when it closes
    code, told = shop.say("status")
    assert code == 0
    assert told.startswith(f"shop is running: process {main}, 1 worker, since 20")
    assert shop.say("start", "-d") == (1, f"shop is running already: process {main}\n")
    assert shop.say("reload") == (0, "shop replaces its workers\n")
    wait_until(lambda: shop.get().json()["pid"] != answer["pid"], 15)
    assert shop.say("restart")[0] == 0
    assert shop.main_process() != main
    assert shop.get().json()["debug"] is True  # it was not asked for production this time
    assert shop.say("stop") == (0, "shop has stopped\n")
    assert not (shop.state / "pid").exists()
    with pytest.raises(httpx.ConnectError):
        shop.get()


def test_in_the_background_everything_is_in_files(shop: Shop) -> None:
    assert shop.say("-d")[0] == 0
    pid = shop.get().json()["pid"]
    wait_until(lambda: "GET /pid 200" in shop.log("request.log"), 5)
    assert f"printed by {pid}" in shop.log("console.log")
    assert "INFO skitai serving at" in shop.log("server.log")
    (line,) = [line for line in shop.log("app.log").splitlines() if line.endswith(" asked")]
    assert line.split()[3] == shop.log("request.log").split()[1]  # the request's id
    (shop.state / "logs" / "console.log").rename(shop.folder / "rotated.log")
    wait_until(lambda: (shop.state / "logs" / "console.log").exists(), 5)
    time.sleep(1.2)  # every process looks once a second
    shop.get()
    assert f"printed by {pid}" in shop.log("console.log")
    assert shop.say("stop")[0] == 0


def test_what_cannot_start_shows_why_and_leaves_nothing(shop: Shop) -> None:
    code, told = shop.say("-d", BROKEN="1")
    assert code == 1
    assert "shop could not start" in told
    assert "nowhere.py" in told
    assert "a worker could not start: see the error above" in told
    assert shop.say("status")[0] == 3


def test_stop_waits_for_running_requests(shop: Shop) -> None:
    assert shop.say("-d")[0] == 0
    with subprocess.Popen(
        [sys.executable, "-c", f"import httpx; print(httpx.get('http://127.0.0.1:{shop.port}/slow').text)"],
        stdout=subprocess.PIPE, text=True,
    ) as asking:  # fmt: skip
        wait_until(lambda: shop.get().status_code == 200)
        time.sleep(0.4)
        assert shop.say("stop")[0] == 0
        assert asking.communicate(timeout=10)[0] == "done\n"


def test_one_in_the_foreground_is_found_stopped_and_not_restarted(shop: Shop) -> None:
    with subprocess.Popen(
        [sys.executable, "serve.py"], cwd=shop.folder, env=shop.environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        while "serving at" not in process.stderr.readline():
            assert process.poll() is None
        assert shop.main_process() == process.pid
        assert shop.say("status")[0] == 0
        code, told = shop.say("restart")
        assert code == 1
        assert f"runs in the foreground (process {process.pid})" in told
        assert shop.say("stop")[0] == 0
        assert process.wait(15) == 0


def test_a_killed_engine_is_not_running_and_starts_again(shop: Shop) -> None:
    assert shop.say("-d")[0] == 0
    main, worker = shop.main_process(), shop.get().json()["pid"]
    os.kill(main, signal.SIGKILL)
    assert shop.say("status")[0] == 3
    assert (shop.state / "pid").exists()
    wait_until(lambda: not Path(f"/proc/{worker}").exists(), 10)  # it sees that it is alone
    assert shop.say("-d")[0] == 0
    assert shop.main_process() != main
    assert shop.say("stop")[0] == 0


def test_without_a_folder_for_its_files_the_engine_serves_nevertheless(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "var").write_text("a file stands where the folder would")
    with subprocess.Popen(
        [sys.executable, "serve.py"], cwd=shop.folder, env=shop.environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        written = ""
        while "serving at" not in written:
            written += process.stderr.readline()
            assert process.poll() is None
        assert "stop, restart and status will not find this engine" in written
        assert shop.get().status_code == 200
        process.terminate()
        assert process.wait(15) == 0


def test_a_prepared_folder_makes_no_command_signal_anybody(shop: Shop) -> None:
    shop.state.mkdir(parents=True)
    shop.state.chmod(0o777)
    (shop.state / "pid").write_text('{"pid": 1, "started": 1.0}')
    for command in ("stop", "reload", "status", "restart"):
        code, told = shop.say(command)
        assert code == 1
        assert "no folder that only this user writes to" in told
    assert shop.say("-d")[0] == 1
    shop.state.chmod(0o700)
    (shop.state / "pid").unlink()
