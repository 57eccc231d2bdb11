"""Every code block of the documentation has a counterpart that runs here, or a reason why it cannot."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
TABLE = HERE / "blocks" / "blocks.txt"
BLOCKS = 193  # in atila-0.3.rst
COMMANDS = 7  # of those, lines for a shell and lists of files, which cannot run

_LINE = re.compile(r"(\d+)\s+(\S.*?)\s{2,}(?:(?P<test>\S+::\w+)|- (?P<reason>\S.*))\Z")


class Block(NamedTuple):
    """One line of the table."""

    number: int
    words: str
    test: str | None
    reason: str | None


def read_table() -> list[Block]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    found = []
    for line in lines:
        match = _LINE.match(line)
        assert match is not None, f"{line!r} is no line of the table"
        found.append(Block(int(match[1]), match[2], match["test"], match["reason"]))
    return found


@cache
def functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_the_table_has_every_block_once() -> None:
    assert [block.number for block in read_table()] == list(range(1, BLOCKS + 1))


def test_every_counterpart_is_there() -> None:
    for block in read_table():
        if block.test is None:
            continue
        file, _, name = block.test.partition("::")
        path = (HERE / file).resolve()
        assert name in functions(path), f"block {block.number}, {block.words}: {block.test} is not there"


def test_only_commands_do_not_run() -> None:
    reasons = [block for block in read_table() if block.reason is not None]
    assert len(reasons) == COMMANDS
    assert all(len(block.reason or "") > 8 for block in reasons)


def test_every_counterpart_written_for_a_block_is_in_the_table() -> None:
    named = {block.test for block in read_table()}
    for path in sorted((HERE / "blocks").glob("test_*.py")):
        for name in functions(path):
            assert not name.startswith("test_") or f"blocks/{path.name}::{name}" in named, f"{path.name}: {name}"
