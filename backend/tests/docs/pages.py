"""The pages of backend/docs, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "backend" / "docs"

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[a-z]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?:#|<!--|\{#)\s+(?P<name>[\w./-]+\.\w+)\s*(?:-->|#\})?$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. With a file's name in its first line, a comment, it is that file and does not run itself."""

    language: str
    text: str
    line: int  # where its first line stands in the page
    file: str | None


def pages() -> list[Path]:
    """Every page, by name."""
    return sorted(DOCS.glob("*.md"))


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        name = _FILE.match(match["text"].partition("\n")[0])
        line = text.count("\n", 0, match.start("text")) + 1
        found.append(Block(match["language"], match["text"], line, name["name"] if name else None))
    return found
