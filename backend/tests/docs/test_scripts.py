"""The scripts that count rows and write settings, on small files of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
import rows
import settings
from workspace import Stop


def test_a_row_is_an_id_and_words(tmp_path: Path) -> None:
    listed = tmp_path / "rows.txt"
    listed.write_text("# about\n\n2.7   a text parameter\n2.15a ~ later\n")
    assert rows.read_list(listed) == [rows.Row("2.7", "a text parameter", True), rows.Row("2.15a", "later", False)]
    for wrong in ("2.7 once\n2.7 twice\n", "seven\n"):
        listed.write_text(wrong)
        with pytest.raises(ValueError, match="is no row, or its id is taken"):
            rows.read_list(listed)


def test_markers_and_comments_are_found_without_running_anything(tmp_path: Path) -> None:
    test = tmp_path / "test_x.py"
    test.write_text('raise SystemExit\n\n@pytest.mark.row("2.7", "2.8")\ndef test_a(): ...\n')
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n<!-- rows: 3.1 3.2 -->\n<!-- other -->\n")
    assert [(mention.id, mention.line) for mention in rows.markers(tmp_path)] == [("2.7", 3), ("2.8", 3)]
    assert [(mention.id, mention.path) for mention in rows.comments(tmp_path)] == [("3.1", page), ("3.2", page)]


def test_what_is_missing_is_printed_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rows, "read_list", lambda: [rows.Row("2.7", "text", True), rows.Row("2.8", "later", False)])
    monkeypatch.setattr(rows, "markers", lambda: [rows.Mention("2.7", Path("test.py"), 1)])
    monkeypatch.setattr(rows, "comments", list)
    assert rows.rows() == 1
    assert "1 rows without a paragraph, and 1 of those that come later\n  2.7    text" in capsys.readouterr().out
    monkeypatch.setattr(rows, "comments", lambda: [rows.Mention("2.7", Path("page.md"), 1)])
    assert rows.rows() == 0


def test_a_setting_needs_a_comment_that_says_what_it_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "BACKEND", tmp_path)
    table = settings.Table("x", "module.py", "Options", skip=frozenset({"hidden"}))
    (tmp_path / "module.py").write_text(
        "class Options:\n"
        "    size: int = 5 * 1024 * 1024  # bytes\n"
        "    name = 'x'  # noqa: S105 - of the service\n"
        "    hidden = 1\n"
    )
    assert list(settings.read(table)) == [
        settings.Setting("size", "5_242_880", "bytes"),
        settings.Setting("name", "'x'", "of the service"),
    ]
    (tmp_path / "module.py").write_text("class Options:\n    size: int = 5\n")
    with pytest.raises(Stop, match=r"module\.py, line 2: size has no comment"):
        list(settings.read(table))
