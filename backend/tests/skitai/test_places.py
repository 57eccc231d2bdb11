"""Where an engine keeps its files, and that nobody else prepared them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from atila import SettingError
from skitai.places import Places, private_folder


def test_an_engine_has_a_folder_by_name_and_port(tmp_path: Path) -> None:
    places = Places.of("shop", 5000, tmp_path)
    assert places.folder == tmp_path / "shop-5000"
    assert places.logs == tmp_path / "shop-5000" / "logs"
    assert Places.of("shop", 5000, tmp_path, tmp_path / "log").logs == tmp_path / "log"


def test_what_another_run_left_goes_and_logs_stay(tmp_path: Path) -> None:
    places = Places.of("shop", 5000, tmp_path)
    places.make()
    places.logs.mkdir()
    (places.temporary / "left").write_text("x")
    places.make()
    assert list(places.temporary.iterdir()) == []
    assert places.folder.stat().st_mode & 0o777 == 0o700
    places.clear()
    assert list(places.folder.iterdir()) == [places.logs]
    places.logs.rmdir()
    places.clear()
    assert not places.folder.exists()


def test_the_private_folder_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = private_folder()
    assert folder == tmp_path / f"skitai-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert private_folder() == folder


@pytest.mark.parametrize("prepared", ["writable", "link"])
def test_a_folder_that_others_can_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepared: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"skitai-{os.getuid()}"
    if prepared == "writable":
        folder.mkdir()
        folder.chmod(0o777)
    else:
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingError, match="no folder that only this user writes to"):
        private_folder()


def test_a_name_stays_below_the_folder(tmp_path: Path) -> None:
    assert Places.of("../my shop/2", 80, tmp_path).folder == tmp_path / ".._my_shop_2-80"


def test_a_folder_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    places = Places.of("shop", 5000, tmp_path)
    places.check()
    places.folder.mkdir()
    places.check()
    places.folder.chmod(0o770)
    with pytest.raises(SettingError, match="choose with varpath="):
        places.check()
