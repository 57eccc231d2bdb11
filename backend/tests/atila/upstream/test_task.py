"""Tasks and their replies."""

from __future__ import annotations

import asyncio
import gc
import logging
from concurrent.futures import Future

import pytest

from atila.errors import HTTPError
from atila.upstream.task import STA_NETERR, STA_NORMAL, STA_TIMEOUT, Reply, Task


def failed(error: Exception) -> Reply[list[str]]:
    return Reply(status_code=500, reason="Database Error", error=error)


@pytest.mark.row("11.3")
@pytest.mark.row("11.11")
def test_dispatch_under_all_its_names() -> None:
    reply = Reply(["a"])
    task = Task(reply)
    assert task.dispatch() is task.getwait(2) is task.getswait() is task.dispatch_or_throw(1) is reply
    assert (reply.status, reply.status_code, reply.reason, task.data) == (STA_NORMAL, 200, "OK", ["a"])
    assert task.wait() is task.commit() is task.wait_or_throw("500 Server Error") is task


@pytest.mark.row("11.7")
@pytest.mark.row("11.8")
def test_a_failure_is_raised_when_asked_for() -> None:
    task = Task(failed(LookupError("gone")))
    assert task.dispatch().data is None
    assert task.wait() is task
    for method in (task.fetch, task.one, task.value, task.commit, task.wait_or_throw, task.dispatch_or_throw):
        with pytest.raises(LookupError, match="gone"):
            method()
    with pytest.raises(LookupError, match="gone"):
        task.dispatch(reraise=True)


@pytest.mark.row("11.12")
@pytest.mark.parametrize("arguments", [("503 Later",), (2, "503 Later"), (None, 503)])
def test_a_status_for_failures_is_taken_first_or_second(arguments: tuple[object, ...]) -> None:
    task = Task(failed(LookupError("secret detail")))
    for method in (task.wait_or_throw, task.dispatch_or_throw, task.getwait_or_throw):
        with pytest.raises(HTTPError, match="503") as caught:
            method(*arguments)  # type: ignore[arg-type]  # the documentation's three ways
        assert "secret" not in str(caught.value)


@pytest.mark.row("11.8")
def test_an_upstreams_status_becomes_ours_or_a_bad_gateway() -> None:
    for code, ours in ((404, 404), (409, 409), (500, 502), (302, 502)):
        with pytest.raises(HTTPError) as caught:
            Task(Reply[str](status_code=code, reason="x")).fetch()
        assert caught.value.status.code == ours


@pytest.mark.row("11.5")
def test_a_call_that_takes_too_long_is_a_timeout() -> None:
    future: Future[Reply[str]] = Future()
    task = Task(future)
    assert task.dispatch(0.01).status == STA_TIMEOUT
    future.set_result(Reply("late"))
    assert task.fetch() == "late"
    assert Reply[str].failed(STA_NETERR).status_code == 701


def test_an_exception_in_the_call_itself_is_raised() -> None:
    future: Future[Reply[str]] = Future()
    future.set_exception(TimeoutError("inside"))
    with pytest.raises(TimeoutError, match="inside"):
        Task(future).dispatch(1)


def test_one_of_what_is_no_list_is_it() -> None:
    assert Task(Reply({"id": 1})).one() == {"id": 1}


async def await_twice(task: Task[str]) -> tuple[str, str]:
    return await task, await task


def test_a_task_is_awaited_as_often_as_you_like() -> None:
    assert asyncio.run(await_twice(Task(Reply("done")))) == ("done", "done")
    future: Future[Reply[str]] = Future()
    future.set_result(Reply("done"))
    assert asyncio.run(await_twice(Task(future))) == ("done", "done")


def test_blocking_the_loop_is_warned_about() -> None:
    async def block() -> None:
        Task(Future[Reply[str]]()).dispatch(0.01)

    with pytest.warns(RuntimeWarning, match="await the task"):
        asyncio.run(block())


def test_a_failure_that_nobody_looks_at_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "atila.upstream"):
        Task(failed(LookupError("gone")))
        gc.collect()
        assert "nobody looked" in caplog.text
        assert "gone" in caplog.text
        caplog.clear()
        Task(failed(LookupError("gone"))).wait()
        gc.collect()
        assert caplog.text == ""


def test_a_call_that_ended_without_a_reply_and_without_anybody_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    cancelled, raised = Future[Reply[str]](), Future[Reply[str]]()
    cancelled.cancel()
    raised.set_exception(OSError("gone"))
    for future in (cancelled, raised):
        Task(future)
    running = Future[Reply[str]]()
    Task(running)
    gc.collect()
    running.set_result(Reply("late"))
    assert caplog.text == ""
