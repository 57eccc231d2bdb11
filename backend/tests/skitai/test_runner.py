"""The options of run(), and where relative paths start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import skitai
from atila import SettingError
from skitai.engine import Engine
from skitai.options import Options

BACKEND = Path(__file__).parents[2]


def test_the_grpc_port_is_the_one_after_unless_it_is_given() -> None:
    assert Options(port=8000).grpc == 8001
    assert Options(port=8000, grpc_port=0).grpc == 8001
    assert Options(port=8000, grpc_port=9000).grpc == 9000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 0}, "port 0"),
        ({"port": 70000}, "from 1 to 65535"),
        ({"workers": 0}, "at least one worker"),
        ({"threads": -1}, "threads of 0 or more"),
        ({"certificate": Path("a.pem")}, "both"),
    ],
)
def test_an_option_that_makes_no_sense_is_told(options: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Options(**options)  # type: ignore[arg-type]  # the wrong values are the point


def test_an_unknown_option_is_told() -> None:
    with pytest.raises(TypeError, match="colour"):
        skitai.run(colour="red")


def test_paths_start_where_the_script_lies(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    assert engine.joinpath("a", "b.txt") == str(tmp_path / "a" / "b.txt")
    assert engine.abspath("../x") == str(tmp_path.parent / "x")
    assert engine.abspath("/etc") == "/etc"
    assert engine.getswd() == str(tmp_path)


def test_the_scripts_folder_is_found_from_anywhere(tmp_path: Path) -> None:
    script = tmp_path / "serve.py"
    script.write_text("import skitai\nprint(skitai.getswd())\n")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd="/",
        env={"PYTHONPATH": str(BACKEND)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(tmp_path)


def test_importing_the_engine_loads_no_server(tmp_path: Path) -> None:
    code = "import sys, skitai; print(sorted({'granian', 'grpc', 'uvloop'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(BACKEND)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
