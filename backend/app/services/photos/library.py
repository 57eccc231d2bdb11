"""The photos of users: the one set of functions, and of permissions, behind REST, XML-RPC and gRPC."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Literal

from msgspec import UNSET

from app.identity import Actor
from app.services.photos import records
from app.services.photos.feed import Change, Feed, Watch
from app.services.photos.photo import MAX_PAGE_SIZE, SORTS, TEXT_LIMITS, Photo, PhotoPage, PhotoQuery, PhotoUpdate
from app.services.photos.storage import Storage
from atila.errors import Reason, bad_parameters
from atila.upstream.db import Session

if TYPE_CHECKING:
    from app.services.photos.images import Picture

THUMBNAIL_TYPE = "image/webp"
THUMBNAIL_EDITION = "1"  # part of a thumbnail's entity tag; another one when thumbnails are drawn otherwise
MAX_PAGE = 1_000_000
Connect = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True)
class NewPhoto:
    """A file that somebody sent, and what they say about it."""

    filename: str
    content: bytes
    title: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class StoredFile:
    """One file of a photo on the disk; `etag` is a strong entity tag without quotes."""

    path: Path
    content_type: str
    etag: str


class Library:
    """The photos as one actor may see and change them. Lives as long as a request; every call is one transaction.

    `user` is always "me" or a number. Each function raises HTTPError: 403 for a stranger's photos, 404 for a user or
    photo that is not there (or belongs to somebody else), 400 for a value that cannot be used.
    """

    def __init__(self, connect: Connect, storage: Storage, feed: Feed, actor: Actor) -> None:
        self.connect = connect
        self.storage = storage
        self.feed = feed
        self.actor = actor

    def list(self, user: int | str, query: PhotoQuery) -> PhotoPage:
        """One page of a user's photos."""
        owner = self.actor.acting_for(user)
        refuse_bad_query(query)
        with self.connect() as db:
            records.require_user(db, owner)
            items, total = records.page(db, owner, query)
        return PhotoPage(items, total, query.page, query.size)

    def get(self, user: int | str, id: int) -> Photo:
        """One photo."""
        owner = self.actor.acting_for(user)
        with self.connect() as db:
            return records.find(db, owner, id)[0]

    def create(self, user: int | str, new: NewPhoto) -> Photo:
        """Stores a picture. When anything fails, nothing of it stays behind."""
        owner = self.actor.acting_for(user)
        title = checked("title", new.title or title_from(new.filename))
        description = checked("description", new.description or "")
        picture = read_picture(new.content)  # outside of the transaction: this takes a while
        key = self.storage.save(picture.original, picture.thumbnail)
        try:
            with self.connect() as db:
                records.require_user(db, owner)
                photo = records.insert(db, owner, key, picture, title, description)
        except BaseException:  # whatever it was, no file stays without its row
            self.storage.remove(key)
            raise
        self.feed.publish(Change("created", photo))
        return photo

    def update(self, user: int | str, id: int, changes: PhotoUpdate) -> Photo:
        """Changes what is named, and nothing else."""
        owner = self.actor.acting_for(user)
        with self.connect() as db:
            old, _ = records.find(db, owner, id)
            title = old.title if changes.title is UNSET else checked("title", changes.title)
            description = (
                old.description if changes.description is UNSET else checked("description", changes.description)
            )
            photo = records.update(db, old, title, description)
        self.feed.publish(Change("updated", photo))
        return photo

    def delete(self, user: int | str, id: int) -> None:
        """Removes a photo, then its files."""
        owner = self.actor.acting_for(user)
        with self.connect() as db:
            photo, stored = records.find(db, owner, id)
            records.delete(db, photo)
        self.storage.remove(stored.key)
        self.feed.publish(Change("deleted", photo))

    def original(self, user: int | str, id: int) -> StoredFile:
        """The picture as it was sent, without its position."""
        owner = self.actor.acting_for(user)
        with self.connect() as db:
            photo, stored = records.find(db, owner, id)
        return StoredFile(self.storage.original(stored.key), photo.content_type, stored.sha256)

    def thumbnail(self, user: int | str, id: int) -> StoredFile:
        """The small picture."""
        owner = self.actor.acting_for(user)
        with self.connect() as db:
            _, stored = records.find(db, owner, id)
        path = self.storage.thumbnail(stored.key)
        return StoredFile(path, THUMBNAIL_TYPE, f"{stored.sha256}-{THUMBNAIL_EDITION}")

    def watch(self, user: int | str) -> AbstractContextManager[Watch]:
        """The changes of a user's photos, collected while the block runs."""
        return self.feed.watch(self._watched(user))

    def follow(self, user: int | str, tell: Callable[[Change], None]) -> Callable[[], None]:
        """Calls `tell` with each change of a user's photos; the result ends that."""
        return self.feed.follow(self._watched(user), tell)

    def _watched(self, user: int | str) -> int:
        owner = self.actor.acting_for(user)
        with self.connect() as db:
            records.require_user(db, owner)
        return owner


def refuse_bad_query(query: PhotoQuery) -> None:
    """Raises HTTPError 400 that names every value which cannot be used, and what could be."""
    reasons = []
    if query.sort.removeprefix("-") not in SORTS:
        allowed = ", ".join(SORTS)
        reasons.append(
            Reason("sort", f"cannot sort by {query.sort!r}; there are {allowed}, with '-' before them to reverse")
        )
    if not 1 <= query.page <= MAX_PAGE:
        reasons.append(Reason("page", f"page should be from 1 to {MAX_PAGE}"))
    if not 1 <= query.size <= MAX_PAGE_SIZE:
        reasons.append(Reason("size", f"size should be from 1 to {MAX_PAGE_SIZE}"))
    if reasons:
        raise bad_parameters(reasons)


def checked(name: Literal["title", "description"], text: str) -> str:
    """The text without space around it. Raises HTTPError 400 when it cannot be stored."""
    text = text.strip()
    limit = TEXT_LIMITS[name]
    if len(text) > limit:
        raise bad_parameters([Reason(name, f"{name} has {len(text)} characters, {limit} are allowed")])
    if name == "title" and not text:
        raise bad_parameters([Reason(name, "title should not be empty")])
    return text


def read_picture(content: bytes) -> Picture:
    # Imported when a picture comes: what decodes it costs 4 MB, which a worker that only shows pictures does without.
    from app.services.photos import images

    try:
        return images.read(content)
    except images.UnreadablePictureError as error:
        raise bad_parameters([Reason("file", str(error))]) from error


def title_from(filename: str) -> str:
    """A title for a file that came without one: its name without the ending."""
    return PurePath(filename).stem.replace("_", " ").strip()[: TEXT_LIMITS["title"]] or "Untitled"
