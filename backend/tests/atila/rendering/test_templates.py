"""Templates: made once whoever asks first, and said plainly when a package is missing."""

from __future__ import annotations

import importlib
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from atila import Atila, SettingError, Was


def test_threads_that_ask_at_once_get_one_environment(tmp_path: Path) -> None:
    app = Atila("tests")
    app.home = tmp_path
    templates: Any = app.templates
    found: list[object] = []
    asking = threading.Thread(target=lambda: found.append(templates.environment))
    with templates._lock:
        asking.start()
        asking.join(0.2)
        assert asking.is_alive()
        templates._environment = made = templates._make_environment()
    asking.join(10)
    assert found == [made]


def test_page_templates_are_loaded_once(tmp_path: Path) -> None:
    app = Atila("tests")
    app.home = tmp_path
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.pt").write_text("<p>${name}</p>", encoding="utf-8")

    @app.route("/<name>")
    def page(was: Was, name: str) -> str:
        return was.render("a.pt", name=name)

    with app.test_client() as client:
        assert [client.get(f"/{name}").text for name in ("ann", "ben")] == ["<p>ann</p>", "<p>ben</p>"]


def test_a_missing_chameleon_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chameleon", None)
    monkeypatch.delitem(sys.modules, "atila.rendering.chameleon", raising=False)
    with pytest.raises(SettingError, match="pip install chameleon"):
        importlib.import_module("atila.rendering.chameleon")
