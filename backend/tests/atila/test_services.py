"""Service modules: the options that a module sees, and prefixes and modules that are none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from atila import Atila, RouteError
from atila.services import ChosenOptions
from tests.documented.project import Project

OPTIONS = """
def __mount__(app):
    @app.route("/options")
    def options(was):
        return was.API(
            count=len(__mntopt__), names=sorted(__mntopt__), point=__mntopt__["point"], colour=__mntopt__.get("colour")
        )
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.forget()


def test_a_module_that_is_mounted_twice_sees_the_options_of_the_mount_that_is_asked(project: Project) -> None:
    module = project.service("pets", OPTIONS)
    app = project.app()
    app.mount("/red", module, colour="red")
    app.mount("/blue/", module, ns="blue", colour="blue", size=3)
    with app.test_client() as cli:
        red, blue = cli.get("/red/options").data, cli.get("/blue/options").data
        assert red == {"count": 2, "names": ["colour", "point"], "point": "/red", "colour": "red"}
        assert blue == {"count": 4, "names": ["colour", "ns", "point", "size"], "point": "/blue", "colour": "blue"}
        assert cli.get("/red/options").data == red


def test_a_module_that_is_mounted_once_has_plain_options(project: Project) -> None:
    module = project.service("pets", OPTIONS)
    app = project.app()
    app.mount("/red", module, colour="red")
    with app.test_client() as cli:
        assert cli.get("/red/options").data["names"] == ["colour", "point"]
    assert type(vars(module)["__mntopt__"]) is dict


def test_outside_a_request_the_options_are_those_of_the_last_mount() -> None:
    options = ChosenOptions({"point": "/a", "x": 1})
    assert (len(options), list(options), dict(options)) == (2, ["point", "x"], {"point": "/a", "x": 1})
    with pytest.raises(KeyError):
        options["y"]


@pytest.mark.parametrize(("arguments", "reason"), [
    (("pets", ModuleType("pets")), "starts with no slash"), (("/pets",), "names no module"), ((), "names no module"),
    (("/pets", ModuleType("pets")), "pets has no __mount__"), (("/pets", sys), "sys has no __mount__"),
])  # fmt: skip
def test_what_cannot_be_mounted(arguments: tuple[str | ModuleType, ...], reason: str) -> None:
    with pytest.raises(RouteError, match=reason):
        Atila("tests").mount(*arguments)
