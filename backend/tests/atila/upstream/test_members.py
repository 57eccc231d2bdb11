"""The order in which servers of an alias are asked."""

from __future__ import annotations

from collections import Counter

import pytest

from atila.alias import PROTO_HTTP, Alias
from atila.upstream.members import Members


def members(*addresses: str, rest: float = 60) -> Members:
    return Members(Alias.parse("@farm", PROTO_HTTP, addresses), rest)


def firsts(farm: Members, count: int) -> list[int]:
    return [next(iter(farm.order()))[0] for _ in range(count)]


def test_one_server_is_always_the_one() -> None:
    assert [number for number, _ in members("a").order()] == [0]


@pytest.mark.row("11.27")
def test_weights_are_kept_and_spread() -> None:
    turns = firsts(members("a 5", "b 1", "c 1"), 14)
    assert Counter(turns) == {0: 10, 1: 2, 2: 2}
    assert turns[:7] == [0, 0, 1, 0, 2, 0, 0]


@pytest.mark.row("11.27")
def test_a_server_that_is_down_is_asked_last() -> None:
    farm = members("a 9", "b", "c")
    farm.down(0)
    assert Counter(firsts(farm, 10)) == {1: 5, 2: 5}
    assert [number for number, _ in farm.order()][-1] == 0
    farm.up(0)
    assert 0 in firsts(farm, 5)


def test_a_server_rests_for_a_while_only() -> None:
    farm = members("a", "b", rest=0)
    farm.down(0)
    assert Counter(firsts(farm, 4)) == {0: 2, 1: 2}


def test_when_all_are_down_all_are_tried() -> None:
    farm = members("a", "b")
    farm.down(0)
    farm.down(1)
    assert sorted(number for number, _ in farm.order()) == [0, 1]
    assert len(farm) == 2


def test_the_log_says_once_that_a_server_is_down(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "atila.upstream")
    farm = members("a:81", "b:82")
    for _ in range(3):
        farm.down(1)
    farm.up(1)
    farm.up(1)
    assert caplog.messages == ["@farm: b port 82 cannot be reached", "@farm: b port 82 answers again"]
