"""Sessions and message boxes: one of each name in a request."""

from __future__ import annotations

from atila import Atila, Was
from atila.http.results import API


def test_a_kept_token_is_dropped_once() -> None:
    app = Atila("tests")
    app.securekey = "k" * 32

    @app.route("/")
    def drop(was: Was) -> API[object]:
        was.session.keep("reset", "x")
        return was.API(kept=was.session.kept("reset"), dropped=[was.session.drop("reset"), was.session.drop("reset")])

    with app.test_client() as client:
        assert client.get("/").data == {"kept": "x", "dropped": [True, False]}


def test_turning_back_to_a_box_finds_its_messages() -> None:
    app = Atila("tests")
    app.securekey = "k" * 32

    @app.route("/")
    def turn(was: Was) -> API[object]:
        was.mbox.send("here", "notice")
        was.mbox.mount("other")
        there = len(was.mbox.get())
        was.mbox.mount()
        return was.API(there=there, here=[message.msg for message in was.mbox.get()])

    with app.test_client() as client:
        assert client.get("/").data == {"there": 0, "here": ["here"]}
