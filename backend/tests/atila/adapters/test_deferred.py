"""Plain handlers whose answers come later: both adapters take such a request up again on a worker thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest

from atila import Atila, HTTPError, Was
from atila.concurrency import Deferred, Waiting
from atila.testing.answer import Answer
from tests.atila.adapters.exchange import HOST, answer_of, over_asgi, over_rsgi


class Later(Deferred, Waiting):
    """An answer that waits twice, and is woken by another thread. Lives as long as a request."""

    def __init__(self, answer: Callable[[], str]) -> None:
        self.answer = answer
        self.parked = 0
        self.threads = {threading.current_thread().name}

    def __await__(self) -> Generator[Any, Any, str]:
        for _ in range(2):
            yield self
            self.threads.add(threading.current_thread().name)
        return self.answer()

    def park(self, wake: Callable[[], object]) -> None:
        self.parked += 1
        threading.Timer(0.01, wake).start()

    def block(self) -> None:
        raise AssertionError("a worker thread is given to others, not kept")


def rsgi(app: Atila) -> Answer:
    return asyncio.run(over_rsgi(app, [HOST], method="GET")).answer()


def asgi(app: Atila) -> Answer:
    return answer_of(asyncio.run(over_asgi(app, [HOST], method="GET")))


def missing() -> str:
    raise HTTPError(404, "no such report")


@pytest.mark.parametrize("ask", [rsgi, asgi])
@pytest.mark.parametrize(
    ("answer", "status", "said"), [(lambda: "late", 200, "late"), (missing, 404, "no such report")]
)
def test_an_answer_that_comes_later(
    ask: Callable[[Atila], Answer], answer: Callable[[], str], status: int, said: str
) -> None:
    app, made = Atila("tests"), []

    @app.route("/")
    def page(was: Was) -> object:
        made.append(Later(answer))
        return made[0]

    found = ask(app)
    assert found.status_code == status
    assert said in found.text
    assert (made[0].parked, made[0].threads) == (2, {"test-0"})
