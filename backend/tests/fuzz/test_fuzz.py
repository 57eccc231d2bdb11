"""Every parser takes every input: under atheris for a second each, and whatever was a finding once, always."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atila.errors import HTTPError
from atila.http.body import parse_json
from tests.fuzz.table import TARGETS, Target

BACKEND = Path(__file__).parents[2]
ATHERIS = importlib.util.find_spec("atheris") is not None
FUZZER = "atheris" if ATHERIS else "hypothesis"

SECONDS = 1  # that atheris looks at one target; `python -m tests.fuzz.run` looks longer
RUNS = 5_000  # or so many inputs, whichever comes first
LONGEST = 2000  # bytes of an input
HANGS = 20  # seconds of one input, on a busy machine

BLOCK = 50_000  # bytes of a long input
SLOW = 2.0  # seconds of processor time: what is quadratic takes ten times that for a block
REPEATED = ("a", " ", "a=", "a=1;", '"', '\\"', 'a="', ",", "[", "é", "%41", "\n", "a,", "--x\r\n", "<a>")
SURROUNDINGS = ((b"", b""), (b"a/b;", b""), (b'a/b; c="', b""), (b"bytes=", b"x"), (b"text/html;q=1;", b'"'))

MODULES = {
    name: [each for each in TARGETS.values() if each.module == name]
    for name in dict.fromkeys(target.module for target in TARGETS.values())
}
targets = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@targets
def test_inputs_that_were_tricky_once(target: Target) -> None:
    run = target.load()
    for seed in target.seeds():
        run(seed)


@pytest.mark.parametrize("module", MODULES, ids=[f"{module}-by-{FUZZER}" for module in MODULES])
def test_any_input_is_read_or_refused(module: str, tmp_path: Path) -> None:
    if ATHERIS:
        _look_with_atheris(MODULES[module], tmp_path)
        return
    for target in MODULES[module]:
        _look_with_hypothesis(target)


def test_the_fuzzer_is_atheris() -> None:
    if not ATHERIS:
        pytest.skip("no atheris for this Python or system: hypothesis stood in for it, which sees no branches")


@pytest.mark.parametrize(
    "text", ["a", " ", "a=", "a=1;", '"', '\\"', 'a="', ",", "[", "é", "%41", "\n", "a,", "--x\r\n", "<a>"]
)
@targets
def test_a_long_input_takes_no_longer_than_it_is_long(target: Target, text: str) -> None:
    run = target.load()
    for before, after in SURROUNDINGS:
        data = before + text.encode("latin-1") * (BLOCK // len(text)) + after
        started = time.process_time()
        run(data)
        assert time.process_time() - started < SLOW, (before, text, after)


def test_a_key_that_comes_again_after_many_others_is_found_at_once() -> None:
    keys = ",".join(f'"{number}":0' for number in range(100_000))
    started = time.process_time()
    with pytest.raises(HTTPError, match="twice"):
        parse_json(f'{{{keys},"99999":1}}'.encode())
    assert time.process_time() - started < SLOW


def _look_with_atheris(targets: list[Target], folder: Path) -> None:
    for target in targets:
        (folder / target.name).mkdir()
        for number, seed in enumerate(target.seeds()):
            (folder / target.name / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={SECONDS}", f"-runs={RUNS}", f"-max_len={LONGEST}", f"-timeout={HANGS}"]
    names = ",".join(target.name for target in targets)
    command = [sys.executable, "-m", "tests.fuzz.run", names, *limits, f"-artifact_prefix={folder}/", f"{folder}/{{}}"]
    # Coverage would be measured in the children too, and slow them down tenfold.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(command, cwd=BACKEND, env=environment, capture_output=True, timeout=100, check=False)
    said = done.stderr.decode(errors="replace")
    assert done.returncode == 0, said[-6000:]
    assert said.count("\nDone ") == len(targets), said[-2000:]


def _look_with_hypothesis(target: Target) -> None:
    """Try seeds with parts of them changed, and bytes at random."""
    run = target.load()
    seeds = st.sampled_from(target.seeds())

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(seeds, seeds, st.randoms(use_true_random=False), st.binary(max_size=8))
    def look(one: bytes, other: bytes, chance: random.Random, inserted: bytes) -> None:
        cut, resumed = chance.randint(0, len(one)), chance.randint(0, len(other))
        run(one[:cut] + inserted + other[resumed:])
        run(inserted)

    look()
