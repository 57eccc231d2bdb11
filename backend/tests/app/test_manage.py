"""The commands: each does its work once, and says in one line what it cannot do."""

from __future__ import annotations

import json

import msgspec
import pytest

from app import database, manage, seeding
from app.identity import Actor
from app.loading import Connect
from app.services.accounts import signing_in, users
from app.services.photos.feed import Feed
from app.services.photos.library import Library
from app.services.photos.photo import PhotoQuery
from app.services.photos.storage import Storage
from app.settings import Settings

PASSWORD = "a-password-for-seeding"


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the commands read."""
    monkeypatch.setenv("APP_ENV", "test")
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("MEDIA_ROOT", str(settings.media_root))
    monkeypatch.setenv("SECRET_KEY", settings.secret_key)
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)


@pytest.mark.usefixtures("environment")
def test_down_and_up_again(settings: Settings) -> None:
    assert manage.main(["downgrade", "base"]) == 0
    assert database.current(settings.database_url) is None
    assert manage.main(["migrate"]) == 0
    assert database.current(settings.database_url) == database.head()


@pytest.mark.usefixtures("environment")
def test_seeding_makes_the_administrator_once(connect: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    assert manage.main(["seed"]) == 0
    assert capsys.readouterr().out == "made admin admin@example.com\n"
    assert manage.main(["seed"]) == 0
    assert capsys.readouterr().out == ""
    user = signing_in.check(connect, "admin@example.com", PASSWORD, "127.0.0.1")
    assert user is not None
    assert user.role == "admin"


def test_developers_get_people_and_photos(settings: Settings, connect: Connect) -> None:
    developing = msgspec.structs.replace(settings, app_env="development", admin_password=PASSWORD)
    assert len(list(seeding.seed(developing, connect))) == 4
    assert list(seeding.seed(developing, connect)) == []
    with connect() as db:
        admin = users.find_account(db, developing.admin_email)
    assert admin is not None
    library = Library(connect, Storage(developing.media_root), Feed(), Actor(admin.user.id, "admin"))
    page = library.list("me", PhotoQuery())
    assert page.total == 9
    assert page.items[0].title == "Morning over the ridge"


def test_without_a_password_there_is_no_administrator(settings: Settings, connect: Connect) -> None:
    (line,) = seeding.seed(settings, connect)
    assert "ADMIN_PASSWORD is empty" in line
    with connect() as db:
        assert db.select("users").count().execute().value() == 0


@pytest.mark.usefixtures("environment")
def test_accounts_are_added(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    add = ["user-add", "New@Example.com", "New", "staff"]
    monkeypatch.setenv("PASSWORD", "short")
    assert manage.main(add) == 1
    assert "at least 10 characters" in capsys.readouterr().err
    monkeypatch.setenv("PASSWORD", "long enough now")
    assert manage.main(add) == 0
    assert capsys.readouterr().out == "made staff new@example.com\n"
    assert manage.main(add) == 1
    assert "already an account new@example.com" in capsys.readouterr().err


@pytest.mark.usefixtures("environment")
def test_the_document_names_every_operation(capsys: pytest.CaptureFixture[str]) -> None:
    assert manage.main(["openapi"]) == 0
    document = json.loads(capsys.readouterr().out)
    names = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert names == {
        "signIn", "refreshSession", "signOut", "getMe", "listPhotos", "createPhoto", "getPhoto", "updatePhoto",
        "deletePhoto", "getPhotoOriginal", "getPhotoThumbnail", "getConfig",
    }  # fmt: skip


def test_a_bad_setting_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PORT", "eighty")
    assert manage.main(["seed"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
