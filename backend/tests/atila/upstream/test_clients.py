"""What the calls of one process share."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from atila.platform import LocalPlatform
from atila.upstream.clients import Clients


def test_threads_that_come_at_once_share_a_client() -> None:
    clients = Clients(LocalPlatform("tests"))
    made: list[object] = []

    def make() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: clients.client("key", make), range(4))) == set(made)
    assert len(made) == 1
    assert clients.client("another", make) is made[1]
    clients.close()


def test_a_process_that_was_forked_makes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = Clients(LocalPlatform("tests"))
    first = clients.client("key", object)
    assert clients.client("key", object) is first
    monkeypatch.setattr(os, "getpid", lambda: 1)  # as in a fork
    assert clients.client("key", object) is not first
    assert clients.usage() == {}
    clients.close()
