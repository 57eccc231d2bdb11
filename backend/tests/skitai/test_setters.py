"""The functions that set an option before run(), and those that are no more."""

from __future__ import annotations

from pathlib import Path

import pytest

import skitai
from atila import SettingError
from skitai.engine import Engine
from skitai.options import Options
from skitai.setters import REPLACED, Setters


@pytest.mark.row("1.25")
def test_each_sets_an_option() -> None:
    setters = Setters()
    setters.set_keep_alive(7)
    setters.set_request_timeout(8)
    setters.set_backend_keep_alive(9)
    setters.enable_ssl("chain.pem", "key.pem", "secret")
    setters.enable_forward(80, 443)
    setters.enable_file_logging("/var/log/shop")
    setters.log_off("/health/*")
    setters.log_off("*.png", "*.css")
    options = Options(**setters.options)
    assert (options.header_timeout, options.body_timeout, options.backend_keep_alive) == (7, 8, 9)
    assert (options.certificate, options.key, options.key_password) == (Path("chain.pem"), Path("key.pem"), "secret")
    assert (options.forward_port, options.forward_to) == (80, "443")
    assert options.logpath == Path("/var/log/shop")
    assert options.log_off == ("/health/*", "*.png", "*.css")
    setters.enable_file_logging()
    assert setters.options["logpath"] == Path("logs")


@pytest.mark.row("1.25")
def test_files_below_a_path_may_be_kept(tmp_path: Path) -> None:
    (tmp_path / "files" / "assets").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "assets/c.js"):
        (tmp_path / "files" / name).write_text(name)
    engine = Engine(tmp_path)
    engine.setters.set_max_age("/", 60)
    engine.setters.set_max_age("/static/assets", 5)
    engine.mount("/static", "./files")
    (point,) = engine.build()._hosts["default"]
    ages = [dict(point.folders[0].find(path).plain.headers)["cache-control"] for path in ("a.txt", "assets/c.js")]  # type: ignore[union-attr]  # they are there
    assert ages == ["public, max-age=60", "public, max-age=5"]
    engine.setters.max_ages.clear()
    (point,) = engine.build()._hosts["default"]
    found = point.folders[0].find("b.txt")
    assert found is not None
    assert dict(found.plain.headers)["cache-control"] == "no-cache"


@pytest.mark.row("1.25")
@pytest.mark.parametrize("name", REPLACED)
def test_what_is_no_more_says_what_took_its_place(name: str) -> None:
    with pytest.raises(SettingError, match=f"skitai.{name} is no more: "):
        getattr(skitai, name)(80, 5, 60)


@pytest.mark.row("1.25")
def test_those_of_the_engine_are_the_modules() -> None:
    for name in (
        "set_keep_alive", "set_request_timeout", "set_backend_keep_alive", "set_max_age", "enable_ssl",
        "enable_forward", "enable_file_logging", "log_off", "test_client",
    ):  # fmt: skip
        assert callable(getattr(skitai, name))
    with pytest.raises(AttributeError, match="colour"):
        skitai.colour  # noqa: B018 - reading it is the point


@pytest.mark.parametrize(
    "wrong",
    [
        lambda setters: setters.set_keep_alive(0),
        lambda setters: setters.set_request_timeout(-1),
        lambda setters: setters.set_max_age("images", 5),
        lambda setters: setters.set_max_age("/images", -5),
    ],
)
def test_a_value_that_makes_no_sense_is_told(wrong: object) -> None:
    with pytest.raises(SettingError, match=r"set_\w+\("):
        wrong(Setters())  # type: ignore[operator]  # a function
