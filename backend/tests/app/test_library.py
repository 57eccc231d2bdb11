"""Photos: one set of functions, one permission check, and nothing half-saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.identity import Actor, Role
from app.loading import Connect
from app.services.accounts import users
from app.services.photos import records
from app.services.photos.feed import Feed
from app.services.photos.library import Library, NewPhoto, title_from
from app.services.photos.photo import PhotoQuery, PhotoUpdate
from app.services.photos.storage import Storage
from app.settings import Settings
from atila.errors import HTTPError
from tests.app.pictures import picture

LibraryOf = Callable[[Role], Library]


@pytest.fixture
def library_of(connect: Connect, settings: Settings) -> LibraryOf:
    """The library as a new user of a role sees it; all share one storage and one feed."""
    storage, feed = Storage(settings.media_root), Feed()

    def make(role: Role) -> Library:
        with connect() as db:
            number = db.select("users").count().execute().value()
            user = users.create(db, email=f"{role}{number}@example.com", name=role, role=role, password_hash="-")
        return Library(connect, storage, feed, Actor(user.id, role))

    return make


def add(library: Library, title: str = "Ridge", user: int | str = "me", description: str = "") -> int:
    return library.create(user, NewPhoto("a.jpg", picture(), title, description)).id


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(HTTPError) as raised:
        call()
    return raised.value.status.code, raised.value.detail or ""


def files(settings: Settings) -> list[Path]:
    return [path for path in settings.media_root.rglob("*") if path.is_file()]


def test_a_photo_is_stored_found_and_deleted_with_its_files(library_of: LibraryOf, settings: Settings) -> None:
    library = library_of("user")
    photo = library.create("me", NewPhoto("first_light.jpg", picture(size=(80, 60)), None, "at six"))
    assert (photo.title, photo.description, photo.width, photo.height) == ("first light", "at six", 80, 60)
    assert photo.size == library.original("me", photo.id).path.stat().st_size
    assert library.thumbnail("me", photo.id).path.read_bytes()[8:12] == b"WEBP"
    assert library.get(library.actor.uid, photo.id) == photo
    assert len(files(settings)) == 2
    library.delete("me", photo.id)
    assert files(settings) == []
    assert refusal(lambda: library.get("me", photo.id))[0] == 404


def test_only_what_is_named_changes(library_of: LibraryOf) -> None:
    library = library_of("user")
    photo_id = add(library, "Old", description="stays")
    changed = library.update("me", photo_id, PhotoUpdate(title=" New "))
    assert (changed.title, changed.description) == ("New", "stays")
    assert changed.updated_at > changed.created_at
    assert library.update("me", photo_id, PhotoUpdate()).title == "New"
    assert library.list("me", PhotoQuery(q="new STAYS")).total == 1


def test_a_stranger_sees_nothing_and_staff_sees_all(library_of: LibraryOf) -> None:
    owner, stranger, staff = library_of("user"), library_of("user"), library_of("staff")
    uid, photo_id = owner.actor.uid, add(owner)
    for call in (
        lambda: stranger.get(uid, photo_id),
        lambda: stranger.list(uid, PhotoQuery()),
        lambda: stranger.update(uid, photo_id, PhotoUpdate(title="mine")),
        lambda: stranger.delete(uid, photo_id),
        lambda: stranger.original(uid, photo_id),
        lambda: stranger.thumbnail(uid, photo_id),
        lambda: stranger.watch(uid),
        lambda: add(stranger, user=uid),
    ):
        assert refusal(call)[0] == 403
    assert staff.get(uid, photo_id).id == photo_id
    assert staff.update(uid, photo_id, PhotoUpdate(title="seen by staff")).title == "seen by staff"
    assert add(staff, user=uid) > photo_id


def test_a_photo_under_the_wrong_user_is_not_there(library_of: LibraryOf) -> None:
    owner, stranger, staff = library_of("user"), library_of("user"), library_of("staff")
    photo_id = add(owner)
    assert refusal(lambda: stranger.get("me", photo_id))[0] == 404
    assert refusal(lambda: staff.get(stranger.actor.uid, photo_id))[0] == 404
    assert refusal(lambda: staff.delete("me", photo_id))[0] == 404
    assert owner.get("me", photo_id).id == photo_id


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ("notme", 400),
        ("new", 400),
        ("", 400),
        (-1, 400),
        ("\uff11", 400),
        (999_999, 404),
        ("999999", 404),
        (10**17, 404),
    ],
)
def test_there_is_no_such_user(library_of: LibraryOf, user: int | str, code: int) -> None:
    staff = library_of("staff")
    assert refusal(lambda: staff.list(user, PhotoQuery()))[0] == code
    assert refusal(lambda: add(staff, user=user))[0] == code


def test_the_list_is_paged_sorted_and_searched(library_of: LibraryOf) -> None:
    library = library_of("user")
    for title, description in [
        ("Blue hour", "at the SEA"),
        ("Ärger im Nebel", ""),
        ("Copper hills", "near the sea 100%"),
    ]:
        add(library, title, description=description)

    def titles(**query: Any) -> list[str]:
        return [photo.title for photo in library.list("me", PhotoQuery(**query)).items]

    assert titles() == ["Copper hills", "Ärger im Nebel", "Blue hour"]
    assert titles(sort="title", size=1) == ["Blue hour"]
    assert titles(sort="title", size=1, page=2) == ["Copper hills"]
    assert titles(sort="created_at", page=9) == []
    assert titles(q="sea", sort="created_at") == ["Blue hour", "Copper hills"]
    assert titles(q="sea HILLS") == ["Copper hills"]
    assert titles(q="ärger") == ["Ärger im Nebel"]
    assert titles(q="100%") == ["Copper hills"]
    assert titles(q="_") == []
    page = library.list("me", PhotoQuery(size=2))
    assert (page.total, page.page, page.size, len(page.items)) == (3, 1, 2, 2)


def test_an_unknown_sort_column_is_named_with_the_known_ones(library_of: LibraryOf) -> None:
    library = library_of("user")
    code, detail = refusal(lambda: library.list("me", PhotoQuery(sort="password_hash", page=0, size=1000)))
    assert code == 400
    assert "'password_hash'" in detail
    assert "created_at, title, size" in detail
    assert "page" in detail
    assert "1 to 100" in detail


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (NewPhoto("notes.jpg", b"just text"), "not a JPEG, PNG or WebP picture"),
        (NewPhoto("half.jpg", picture(size=(300, 300))[:600]), "damaged or incomplete"),
        (NewPhoto("a.jpg", picture(), "x" * 201), "201 characters, 200 are allowed"),
        (NewPhoto("a.jpg", picture(), "   "), "should not be empty"),
        (NewPhoto("a.jpg", picture(), "t", "x" * 2001), "2001 characters"),
    ],
)
def test_a_bad_upload_leaves_nothing(library_of: LibraryOf, settings: Settings, new: NewPhoto, reason: str) -> None:
    library = library_of("user")
    code, detail = refusal(lambda: library.create("me", new))
    assert (code, reason in detail) == (400, True)
    assert files(settings) == []
    assert library.list("me", PhotoQuery()).total == 0


def test_a_row_that_cannot_be_written_takes_its_files_along(library_of: LibraryOf, settings: Settings) -> None:
    library = library_of("user")
    with library.connect() as db:
        db.execute("ALTER TABLE photos RENAME COLUMN sha256 TO other").commit()
    with pytest.raises(Exception, match="sha256"):
        add(library)
    assert files(settings) == []


def test_a_full_disk_leaves_no_row(library_of: LibraryOf, settings: Settings) -> None:
    library = library_of("user")
    settings.media_root.write_text("a file where the folder should be")
    with pytest.raises(OSError, match="media"):
        add(library)
    assert library.list("me", PhotoQuery()).total == 0


def test_changes_reach_those_who_watch_that_user(library_of: LibraryOf) -> None:
    owner, other, staff = library_of("user"), library_of("user"), library_of("staff")
    with owner.watch("me") as own, staff.watch(owner.actor.uid) as staffs:
        photo_id = add(owner)
        add(other)
        owner.update("me", photo_id, PhotoUpdate(title="t"))
        owner.delete("me", photo_id)
        for watch in (own, staffs):
            changes = [watch.next(1), watch.next(1), watch.next(1)]
            assert [change and change.kind for change in changes] == ["created", "updated", "deleted"]
            assert watch.next(0.01) is None
    assert owner.feed.watchers == 0


def test_names_become_titles() -> None:
    assert title_from("IMG_2041.final.jpg") == "IMG 2041.final"
    assert title_from(".jpg") == ".jpg"
    assert title_from("") == "Untitled"
    assert len(title_from("x" * 400 + ".jpg")) == 200


def test_the_columns_are_those_of_the_record() -> None:
    from msgspec.structs import fields

    from app.services.photos.photo import Photo

    assert records.COLUMNS.split(", ") == [field.name for field in fields(Photo)]
