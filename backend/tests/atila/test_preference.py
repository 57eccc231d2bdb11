"""Preferences: what a mount overrides of its app."""

from __future__ import annotations

import pytest

from atila import Atila, Preference
from atila.preference import pref


def test_attributes_come_and_go() -> None:
    preference = pref(debug=True)
    preference.use_reloader = 1
    assert ("debug" in preference, preference.use_reloader) == (True, 1)
    assert preference.values == {"debug": True, "use_reloader": 1}
    del preference.use_reloader
    assert "use_reloader" not in preference


def test_settings_may_be_given_as_a_whole() -> None:
    preference = Preference(config={"a": 1})
    preference.config = {"b": 2}  # type: ignore[assignment]  # any mapping will do
    app = Atila("tests")
    with preference as same:
        same.apply(app)
    assert (app.config.b, "a" in app.config) == (2, False)


@pytest.mark.parametrize("name", ["services", "values"])
def test_its_own_parts_are_not_overridden(name: str) -> None:
    with pytest.raises(AttributeError, match="belongs to the preference itself"):
        setattr(Preference(), name, 1)
