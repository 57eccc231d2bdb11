"""Temporary files: nobody else's, and gone in the end."""

from __future__ import annotations

from pathlib import Path

from atila.scratch import Scratch


def test_files_are_new_private_and_gone_with_the_process(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    first, second = Path(scratch.make(".txt")), Path(scratch.make())
    assert first.suffix == ".txt"
    assert first != second
    assert first.read_bytes() == b""
    assert first.stat().st_mode & 0o777 == 0o600
    assert first.parent.stat().st_mode & 0o777 == 0o700
    second.unlink()
    scratch.close()
    scratch.close()
    assert list(tmp_path.iterdir()) == []
    assert Path(scratch.make()).exists()
    scratch.close()


def test_without_a_parent_the_machines_folder_does() -> None:
    scratch = Scratch()
    path = Path(scratch.make())
    assert path.exists()
    scratch.close()
    assert not path.exists()
