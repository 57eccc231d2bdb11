"""The upstream that stands in for another service."""

from __future__ import annotations

import httpx

from atila.testing.upstream import Echo


def test_it_answers_as_told_and_else_with_what_it_was_asked() -> None:
    with Echo({"/stock": {"n": 3}, "/gone": 410}) as shop:
        assert httpx.get(f"{shop.url}/stock?id=1").json() == {"n": 3}
        assert httpx.get(f"{shop.url}/gone").status_code == 410
        asked = httpx.post(f"http://{shop.address}/order", json={"a": 1}, headers={"X-Mine": "yes"}).json()
        assert (asked["method"], asked["path"], asked["body"]) == ("POST", "/order", '{"a":1}')
        assert asked["headers"]["x-mine"] == "yes"
        assert [seen.path for seen in shop.seen] == ["/stock?id=1", "/gone", "/order"]


def test_its_answers_can_change() -> None:
    with Echo() as shop:
        shop.answers["/a"] = [1]
        assert httpx.get(f"{shop.url}/a").json() == [1]
