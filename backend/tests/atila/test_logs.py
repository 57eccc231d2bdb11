"""Which request a line in the log is for."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from atila import Atila, Was
from atila.logs import current_request


def deep() -> str:
    found = current_request()
    return found.path if found is not None else "none"


@pytest.mark.parametrize("log_tasks", [True, False])
def test_a_task_of_an_async_handler_knows_its_request_when_that_is_wanted(log_tasks: bool) -> None:
    app = Atila("tests")
    app.config.log_tasks = log_tasks

    @app.route("/page")
    async def page(was: Was) -> str:
        async def work() -> str:
            await asyncio.sleep(0)
            return deep()

        return f"{deep()} {await asyncio.create_task(work())}"

    app.route("/plain")(lambda was: deep())

    def ask() -> None:
        with app.test_client() as client:
            assert client.get("/page").text == ("/page /page" if log_tasks else "/page none")
            assert client.get("/plain").text == "/plain"

    contextvars.copy_context().run(ask)
    assert deep() == "none"


def test_names_of_the_apps_own_are_no_requests() -> None:
    def helper(request: str, was: object) -> str:
        return deep()

    assert helper("a form", None) == "none"
