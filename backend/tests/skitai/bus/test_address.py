"""The URL of the Redis that joins hosts: what is taken, and what is shown of it."""

from __future__ import annotations

import pytest

from atila.errors import SettingError
from skitai.bus.address import read_address
from skitai.options import Options


@pytest.mark.parametrize(
    ("url", "shown", "password"),
    [
        ("redis://:secret@10.0.0.5:6380/2", "10.0.0.5:6380/2", "secret"),
        ("rediss://me:secret@redis.example", "redis.example:6379", "secret"),
        ("redis://[::1]:7000", "::1:7000", None),
        ("unix:///run/redis.sock", "/run/redis.sock", None),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str, password: str | None) -> None:
    assert read_address(url) == (shown, password)


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://:secret@host", "redis://", "redis://:secret@host:port"])
def test_what_is_no_url_of_redis_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(SettingError, match="bus= is the URL of a Redis or Valkey") as raised:
        Options(bus=url)
    assert "secret" not in str(raised.value)


def test_options_do_not_show_the_url() -> None:
    assert "secret" not in repr(Options(bus="redis://:secret@host"))


@pytest.mark.parametrize("name", ["bus_message_limit", "bus_backlog", "shared_keys", "rate_limit_keys"])
def test_limits_are_above_nothing(name: str) -> None:
    with pytest.raises(SettingError, match=name):
        Options(**{name: 0})  # type: ignore[arg-type]  # one of four names, all of numbers
