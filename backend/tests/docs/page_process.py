"""The files of a page, as a running server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.docs.pages import blocks
from tests.docs.test_examples import write
from tests.serving.engine_process import BACKEND, free_ports, wait_until


@contextmanager
def served(page: Path, folder: Path, **environment: str) -> Iterator[httpx.Client]:
    """Give a client of the page's serve.py, which runs in `folder` until the block ends."""
    for block in blocks(page):
        if block.file is not None:
            write(folder / block.file, block)
    port, log = free_ports(), folder / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "serve.py"],
            cwd=folder,
            env={**os.environ, "PORT": str(port), "PYTHONPATH": str(BACKEND), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: "serving at" in log.read_text() or process.poll() is not None, 30, log.read_text)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()
