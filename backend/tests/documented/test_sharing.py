"""Sharing, as one process shows it; over several workers and hosts it is in tests/serving/test_sharing.py."""

from __future__ import annotations

from typing import Any

import pytest

from atila import Atila, Was

from .conftest import ClientOf


@pytest.mark.row("8.15")
def test_numbers_are_added_to(app: Atila, client_of: ClientOf) -> None:
    told: list[object] = []
    app.defgs("visits")
    app.on_broadcast("visits")(lambda was, *rest: told.append(rest))
    app.route("/add")(lambda was, n: was.API(total=was.addgs("visits", n if n == "x" else int(n), "why")))
    cli = client_of(app)
    assert [cli.get(f"/add?n={n}").data for n in (1, 5, -2)] == [{"total": 1}, {"total": 6}, {"total": 4}]
    assert told == [("why",)] * 3
    assert cli.get("/add?n=x").status_code == 500


def test_what_cannot_travel_is_not_broadcast(app: Atila, client_of: ClientOf) -> None:
    told: list[object] = []
    failures: list[str] = []

    @app.failed_request
    def failed(was: Was, exc_info: Any) -> str:
        failures.append(str(exc_info[1]))
        return "failed"

    app.on_broadcast("event")(lambda was, *rest: told.append(rest))
    app.route("/")(lambda was: was.broadcast("event", object()))
    assert client_of(app).get("/").text == "failed"
    assert told == []
    assert "cannot be sent" in failures[0]


def test_a_limit_says_when_to_come_back(app: Atila, client_of: ClientOf) -> None:
    app.route("/")(lambda was, key="a": was.API(left=was.rate_limit(key, 2, 30)))
    cli = client_of(app)
    assert [cli.get("/").data["left"] for _ in range(2)] == [1, 0]
    refused = cli.get("/")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert refused.data["more_info"] == "try again in 30 s"
    assert cli.get("/?key=b").data == {"left": 1}


def test_broadcasts_of_other_processes_run_in_order_on_a_thread(app: Atila, client_of: ClientOf) -> None:
    told: list[object] = []
    app.on_broadcast("event")(lambda was, *rest, **more: told.append((type(was).__name__, *rest, more)))
    app.route("/")(lambda was: was.API(told=told))
    cli = client_of(app)
    cli.get("/")
    for number in range(3):
        app.platform.bus.publish("atila:broadcast", ("event", (number,), {"by": "another"}))
    app.platform.bus.publish("atila:broadcast", ("nobody's", (), {}))
    while len(told) < 3:
        cli.get("/")
    assert told == [("Background", number, {"by": "another"}) for number in range(3)]
