"""Stages of a long command: each is run and timed, all are summed up at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from debian import Program
from workspace import ROOT, Command, Stop, coloured, run, say


class Result(NamedTuple):
    """How a stage ended."""

    name: str
    passed: bool
    seconds: float


class Stages:
    """The stages of one command, in the order they ran."""

    def __init__(self) -> None:
        self.results: list[Result] = []

    def command(self, name: str, words: Command, *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> bool:
        """Run a command as a stage; whether it passed."""
        return self.step(name, lambda: run(words, cwd=cwd, env=env) == 0)

    def step(self, name: str, work: Callable[[], bool | None]) -> bool:
        """Run a function as a stage; whether it passed. It fails by False, or by Stop, whose text is shown."""
        say(_bold(f"\n── {name}"))
        started = time.monotonic()
        try:
            passed = work() is not False
        except Stop as reason:
            say(str(reason))
            passed = False
        self.results.append(Result(name, passed, time.monotonic() - started))
        return passed

    def has(self, program: Program) -> bool:
        """Whether a program is there; one line says what is skipped without it, and CI counts that as a failure."""
        if program.find() is not None:
            return True
        say(f"\nSKIPPED what needs {program.name}: it is not installed.")
        if ci():
            self.results.append(Result(f"{program.name} is there", False, 0.0))
        return False

    def sum_up(self) -> int:
        """Print each stage's time and outcome; returns the exit code."""
        say(_bold("\n── summary"))
        for result in self.results:
            say(f"{'passed' if result.passed else 'FAILED'}  {result.seconds:6.1f} s  {result.name}")
        failed = [result.name for result in self.results if not result.passed]
        if failed:
            say(f"Failed: {', '.join(failed)}.")
        return 1 if failed else 0


def ci() -> bool:
    """Whether nothing may be skipped."""
    return os.environ.get("CI") == "true"


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if coloured() else text
