"""Replies that are kept."""

from __future__ import annotations

import time

from atila.upstream.cache import Cache, Place
from atila.upstream.task import Reply


def test_a_reply_is_found_until_its_time_is_over() -> None:
    cache = Cache()
    cache.keep("a", Reply("data"), 4, seconds=60, limit=100)
    cache.keep("b", Reply("data"), 4, seconds=0.01, limit=100)
    time.sleep(0.02)
    assert cache.find("a", True) is not None
    assert cache.find("b", True) is None
    assert cache.find("c", True) is None
    assert cache.size == 4


def test_a_time_says_how_old_a_reply_may_be() -> None:
    cache = Cache()
    cache.keep("a", Reply("data"), 4, seconds=60, limit=100)
    assert cache.find("a", time.time() - 10) is not None
    assert cache.find("a", time.time() + 10) is None
    assert cache.find("a", False) is None


def test_what_was_used_longest_ago_gives_way() -> None:
    cache = Cache()
    for key in "abc":
        cache.keep(key, Reply(key), 40, seconds=60, limit=100)
        cache.find("a", True)
    assert [key for key in "abc" if cache.find(key, True)] == ["a", "c"]
    assert cache.size == 80


def test_what_is_too_large_or_not_to_be_kept_is_not() -> None:
    cache = Cache()
    cache.keep("a", Reply("data"), 101, seconds=60, limit=100)
    cache.keep("b", Reply("data"), 1, seconds=0, limit=100)
    assert cache.size == 0


def test_a_key_is_kept_once() -> None:
    cache = Cache()
    place = Place(cache, "a", 1000)
    place.keep(Reply([1, 2]), 60)
    place.keep(Reply([3]), 60)
    found = cache.find("a", True)
    assert found is not None
    assert (found.data, cache.size) == ([3], 3)
    cache.clear()
    assert (cache.find("a", True), cache.size) == (None, 0)


def test_the_callers_of_a_kept_reply_do_not_share_its_data() -> None:
    reply = Reply([{"id": 1}], rowcount=1)
    copy = reply.again()
    assert copy.data is not None
    copy.data[0]["id"] = 2
    assert (reply.data, copy.rowcount) == ([{"id": 1}], 1)
