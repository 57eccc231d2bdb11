"""The endpoints of the benchmark on our own stack: `python -m bench.app --port 8080`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import skitai
from atila import Atila

app = Atila(__name__)
app.securekey = "s" * 32


@app.route("/")
async def hello(was: Any) -> Any:
    return was.API(message="hello")


@app.route("/items/<int:id>")
async def item(was: Any, id: int, q: str | None = None) -> Any:
    return was.API(id=id, q=q)


@app.route("/echo", methods=["POST"])
async def echo(was: Any, **fields: Any) -> Any:
    return was.API(fields)


@app.route("/jwt")
async def who(was: Any) -> Any:
    return was.API(sub=was.request.JWT["sub"])


@app.route("/sync")
def hello_plain(was: Any) -> Any:
    return was.API(message="hello")


@app.route("/add")
def add(was: Any, a: int, b: int) -> int:
    return a + b


@app.route("/add_async")
async def add_async(was: Any, a: int, b: int) -> int:
    return a + b


@app.route("/ws/async")
@app.websocket()
async def socket_async(was: Any, message: str) -> str:
    return message


@app.route("/ws/fast")
@app.websocket(skitai.WS_SIMPLE | skitai.WS_NQ)
def socket_fast(was: Any, message: str) -> str:
    return message


@app.route("/ws/plain")
@app.websocket(skitai.WS_SIMPLE)
def socket_plain(was: Any, message: str) -> str:
    return message


def main() -> None:
    home = Path(os.environ.get("BENCH_HOME", Path.home() / ".cache" / "atila-bench"))
    parser = argparse.ArgumentParser(prog="python -m bench.app")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--threads", type=int, default=4, help="for plain handlers")
    parser.add_argument(
        "--files", default=os.environ.get("BENCH_FILES", str(home / "static")), help="served at /static"
    )
    arguments = parser.parse_args()
    skitai.mount("/", app)
    skitai.mount("/static", arguments.files)
    skitai.run("127.0.0.1", arguments.port, threads=arguments.threads, access_log=False, log_level="WARNING")


if __name__ == "__main__":
    main()
