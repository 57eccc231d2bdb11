"""Schemes: what a verified token says of who is asking."""

from __future__ import annotations

from atila import Atila, Was
from atila.http.results import API


def test_a_token_without_a_name_makes_no_user() -> None:
    app = Atila("tests")
    app.securekey = "k" * 32

    @app.route("/", authenticate="bearer")
    def who(was: Was) -> API[object]:
        return was.API(user=None if was.request.user is None else was.request.user.name, uid=was.request.JWT["uid"])

    with app.test_client() as client:
        for claims, user in (({"uid": 7}, None), ({"uid": 7, "username": "ann"}, "ann")):
            token = app.tokens.encode(claims)
            assert client.get("/", headers={"Authorization": f"Bearer {token}"}).data == {"user": user, "uid": 7}
