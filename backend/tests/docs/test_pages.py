"""The pages agree with each other and with the code: links, rows, settings, status codes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import rows

from atila.errors import BAD_PARAMETER
from atila.rpc.grpc_status import STATUSES
from atila.status import REASONS
from atila.upstream import message
from tests.docs.pages import DOCS, ROOT, pages
from tests.test_architecture import LAYERS

LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#([^)]+))?\)")
SOURCES = [*(DOCS.parent / "atila").rglob("*.py"), *(DOCS.parent / "skitai").rglob("*.py")]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target, heading in LINK.findall(page.read_text(encoding="utf-8")):
        path = (page.parent / target).resolve()
        assert path.exists(), target
        if heading:
            assert heading in headings(path), f"{target}#{heading}"


def test_the_index_names_every_page() -> None:
    linked = {target for target, _ in LINK.findall((DOCS / "index.md").read_text(encoding="utf-8"))}
    assert {page.name for page in pages()} - linked == {"index.md"}


def test_rows_that_are_named_exist() -> None:
    known = {row.id for row in rows.read_list()}
    unknown = [mention for mention in [*rows.markers(), *rows.comments()] if mention.id not in known]
    assert unknown == []


def test_the_rows_are_counted() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "rows.py")], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode in (0, 1)
    assert re.search(r"^section 14: +\d+ of 23 rows", done.stdout, re.MULTILINE)


def test_the_settings_are_those_of_the_code() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "settings.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_status_that_the_code_answers_is_explained() -> None:
    text = (DOCS / "status-codes.md").read_text(encoding="utf-8")
    raised = {int(code) for path in SOURCES for code in re.findall(r'HTTPError\(\s*"?(\d{3})\b', path.read_text())}
    raised |= set(STATUSES)
    missing = [code for code in sorted(raised) if code in REASONS and f"| {code} " not in text]
    assert missing == []
    assert str(BAD_PARAMETER) in text
    assert all(f"`{name}`" in text for name in STATUSES.values())


def test_every_code_of_an_upstream_without_an_answer_is_explained() -> None:
    text = (DOCS / "status-codes.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| (7[\d, ]+) \|", text, re.MULTILINE)
    known = {each.code for each in vars(message).values() if isinstance(each, message.Failure)}
    assert {int(code) for codes in explained for code in codes.split(",")} == known


def test_the_layers_are_drawn_as_the_test_holds_them() -> None:
    drawn = (DOCS / "architecture.md").read_text(encoding="utf-8").partition("<!-- layers -->\n```text\n")[2]
    lines = drawn.partition("\n```")[0].splitlines()
    assert [set(line.split(" · ")) for line in lines] == list(LAYERS)


def headings(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}
