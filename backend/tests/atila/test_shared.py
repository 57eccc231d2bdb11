"""Shared keys and numbers, without an app."""

from __future__ import annotations

from typing import Any

import pytest

from atila.broadcasting import Broadcaster
from atila.platform import LocalPlatform
from atila.shared import Shared, SharedKeys


@pytest.fixture
def shared() -> Shared:
    platform = LocalPlatform()
    keys = SharedKeys()
    keys.deflu("news")
    keys.defgs("nodes")
    keys.declare(platform)
    return Shared(platform, Broadcaster({}, lambda app: app, platform.bus))


@pytest.mark.parametrize("value", ["5", 1.5, None])
def test_a_shared_number_is_whole(shared: Shared, value: Any) -> None:
    with pytest.raises(TypeError, match="takes a whole number"):
        shared.setgs("nodes", value)
    shared.setgs("nodes", -3)
    assert shared.getgs("nodes") == -3


def test_getlu_takes_a_key(shared: Shared) -> None:
    with pytest.raises(TypeError, match="at least one key"):
        shared.getlu()
    before = shared.getlu("news")
    shared.setlu("news")
    assert shared.getlu("news") >= before
