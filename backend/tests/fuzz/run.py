"""Run fuzz targets under atheris: `python -m tests.fuzz.run TARGET[,TARGET…] [libFuzzer's options and folders]`.

`{}` in an option is the target's name. The parsers are imported, and made to report their branches, once for all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import atheris

from tests.fuzz.table import TARGETS


def main() -> int:
    """Run each target until the options say stop; return 0 when nothing was found."""
    program, names, *options = sys.argv
    targets = [TARGETS[name] for name in names.split(",")]
    with atheris.instrument_imports(include=[module for target in targets for module in target.watched]):
        functions = {target.name: target.load() for target in targets}
    for name, function in functions.items():
        code = _in_a_child(function, [program, *(option.replace("{}", name) for option in options)])
        if code != 0:
            print(f"The finding is of {name}.", file=sys.stderr)  # noqa: T201 - a command prints
            return code
    return 0


def _in_a_child(function: Callable[[bytes], None], arguments: list[str]) -> int:
    """Fuzz in a process of its own, for libFuzzer ends its process; return its exit code."""
    child = os.fork()
    if child == 0:
        atheris.Setup(arguments, function)
        atheris.Fuzz()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
