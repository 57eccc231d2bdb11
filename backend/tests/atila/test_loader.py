"""From what a mount names to the app."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from atila.config import BODY_LIMITS
from atila.loader import LoadError, load
from atila.preference import Preference, pref

APP = """
    from atila import Atila
    app = Atila(__name__)
    other = Atila(__name__)
"""


@pytest.fixture(autouse=True)
def own_modules() -> Iterator[None]:
    modules, path = dict(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))
    return folder


def test_a_path_with_or_without_its_suffix_a_folder_and_a_name(tmp_path: Path) -> None:
    write(tmp_path, {"shop/app.py": APP, "desk.py": APP})
    app = load("shop/app.py", base=tmp_path)
    assert load("./shop/app", base=tmp_path) is app
    assert load("shop", base=tmp_path) is app
    assert load("shop/app.py", name="other", base=tmp_path) is not app
    assert load("desk.py:other", base=tmp_path) is load("desk.py", name="other", base=tmp_path)


def test_an_app_of_another_framework_is_none_of_ours(tmp_path: Path) -> None:
    write(tmp_path, {"desk.py": "def app(environ, start_response): ..."})
    with pytest.raises(LoadError, match=r"'desk\.py' is no app of Atila; skitai\.mount takes WSGI and ASGI apps too"):
        load("desk.py", base=tmp_path)


def test_two_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    write(tmp_path, {"one/app.py": APP, "two/app.py": APP})
    assert load("one/app.py", base=tmp_path) is not load("two/app.py", base=tmp_path)


def test_a_dotted_name_a_module_and_a_module_with_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"shopping/__init__.py": "", "shopping/web.py": APP, "shopping/export/skitai/__export__.py": APP})
    monkeypatch.syspath_prepend(str(tmp_path))
    import shopping  # type: ignore[import-not-found]  # written above

    web = load("shopping.web:app")
    assert load("shopping.web") is web
    assert load((shopping, "web.py")) is web
    exported = load(shopping)
    assert exported is not web


def test_a_file_of_a_package_may_import_its_neighbours(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "market/__init__.py": "",
            "market/names.py": "NAME = 'market'",
            "market/app.py": "from .names import NAME\n" + textwrap.dedent(APP) + "app.config.label = NAME\n",
        },
    )
    assert load("market/app.py", base=tmp_path).config.label == "market"


def test_bootstrap_beside_the_app_sees_the_preference_before_the_mount(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "station/__init__.py": """
                def bootstrap(pref):
                    pref.config.urllist = pref.config.urls.split()
                    pref.debug = True
            """,
            "station/app.py": APP,
        },
    )
    preference = pref()
    preference.config.urls = "a b"
    app = load("station/app.py", pref=preference, base=tmp_path)
    assert app.config.urllist == ["a", "b"]
    assert app.debug is True


def test_a_preference_overrides_attributes_and_merges_settings(tmp_path: Path) -> None:
    write(tmp_path, {"plain.py": APP})
    preference = pref(debug=True)
    preference.config["prefA"] = 1
    preference.config.prefB = 2
    preference.max_client_body_size = 99
    app = load("plain.py", pref=preference, base=tmp_path)
    assert app.debug is True
    assert (app.config.prefA, app.config["prefB"]) == (1, 2)
    assert {app.config[name] for name in BODY_LIMITS} == {99}


def test_a_preference_says_what_it_does_not_have() -> None:
    preference = Preference()
    with pytest.raises(AttributeError, match=r"set it with pref\.colour"):
        _ = preference.colour
    with pytest.raises(AttributeError, match="choose another name"):
        preference.services = []


@pytest.mark.parametrize(
    ("target", "message"),
    [("nothing.py", "no file"), ("no.such.module", "no module"), (42, "is no app"), ("empty.py", "no app named 'app'")],
)
def test_a_target_that_is_no_app_says_what_was_looked_for(tmp_path: Path, target: object, message: str) -> None:
    write(tmp_path, {"empty.py": ""})
    with pytest.raises(LoadError, match=message):
        load(target, base=tmp_path)


def test_an_error_inside_the_module_passes_through(tmp_path: Path) -> None:
    write(tmp_path, {"broken.py": "import nothing_of_this_name"})
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        load("broken.py", base=tmp_path)
    assert "broken" not in sys.modules


def test_an_app_object_is_itself() -> None:
    from atila import Atila

    app = Atila(ModuleType("somewhere").__name__)
    assert load(app) is app


def test_a_module_without_a_file_has_no_files_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "namespace_only").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    import namespace_only  # type: ignore[import-not-found]  # the empty folder above

    with pytest.raises(LoadError, match="namespace_only has no file: a namespace package cannot be mounted"):
        load((namespace_only, "app.py"))


def test_a_file_that_is_no_python_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"bakery.py": APP, "bakery.txt": "bread"})
    monkeypatch.syspath_prepend(str(tmp_path))
    import bakery  # type: ignore[import-not-found]  # written above

    with pytest.raises(LoadError, match=r"bakery\.txt is no Python file"):
        load((bakery, "bakery.txt"))


def test_an_error_inside_a_named_module_passes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"hasty/__init__.py": "", "hasty/web.py": "import nothing_of_this_name"})
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name") as caught:
        load("hasty.web")
    assert not isinstance(caught.value, LoadError)
    with pytest.raises(LoadError, match=r"no module 'hasty\.other'"):
        load("hasty.other")


def test_a_module_that_is_a_package_runs_its_own_bootstrap_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = textwrap.dedent(APP) + "def bootstrap(pref):\n    pref.config.count = pref.config.get('count', 0) + 1\n"
    write(
        tmp_path, {"kiosk/__init__.py": source, "stand/__init__.py": "bootstrap = 'no function'", "stand/app.py": APP}
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import kiosk  # type: ignore[import-not-found]  # written above

    for target in (kiosk, "kiosk", kiosk.app):
        preference = Preference()
        assert load(target, preference) is kiosk.app
        assert preference.config.count == 1
    assert load("stand/app.py", base=tmp_path).name == "app"
