"""The table of photos: what is read from it and written to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.services.accounts import users
from app.services.photos.photo import Photo, PhotoQuery
from atila.errors import HTTPError
from atila.upstream.db import Session

if TYPE_CHECKING:
    from app.services.photos.images import Picture

COLUMNS = "id, user_id, title, description, content_type, size, width, height, created_at, updated_at"


@dataclass(frozen=True)
class Stored:
    """Where a photo's files lie, and the SHA-256 of its original."""

    key: str
    sha256: str


def require_user(db: Session, uid: int) -> None:
    """Raises HTTPError 404 when there is no such user."""
    if users.find(db, uid) is None:
        raise HTTPError(404, f"there is no user {uid}")


def find(db: Session, owner: int, id: int) -> tuple[Photo, Stored]:
    """The owner's photo of that number. Raises HTTPError 404, also when it is somebody else's."""
    query = db.select("photos").get(f"{COLUMNS}, storage_name, sha256").filter(id=id, user_id=owner)
    rows = query.execute().fetch()
    if not rows:
        raise HTTPError(404, f"there is no photo {id}")
    fields = dict(rows[0])
    stored = Stored(fields.pop("storage_name"), fields.pop("sha256"))
    return Photo(**fields), stored


def page(db: Session, owner: int, query: PhotoQuery) -> tuple[list[Photo], int]:
    """One page of the owner's photos that match, and how many match in all."""
    found = db.select("photos").filter(user_id=owner)
    for word in query.q.split():
        found = found.filter(search__contains=word.casefold())
    order = (query.sort, "-id" if query.sort.startswith("-") else "id")  # the id, so that pages never overlap
    rows = found.get(COLUMNS).order_by(*order).limit(query.size).offset((query.page - 1) * query.size)
    return [Photo(**row) for row in rows.execute().fetch()], int(found.count().execute().value())


def insert(db: Session, owner: int, key: str, picture: Picture, title: str, description: str) -> Photo:
    """A new row."""
    now = datetime.now(UTC)
    query = db.insert("photos").data(
        user_id=owner,
        title=title,
        description=description,
        search=searched(title, description),
        content_type=picture.content_type,
        size=len(picture.original),
        width=picture.width,
        height=picture.height,
        sha256=hashlib.sha256(picture.original).hexdigest(),
        storage_name=key,
        created_at=now,
        updated_at=now,
    )
    return Photo(**query.returning(COLUMNS).execute().one())


def update(db: Session, photo: Photo, title: str, description: str) -> Photo:
    """Changes the texts of a photo that is there."""
    texts = {"title": title, "description": description, "search": searched(title, description)}
    query = db.update("photos").data(**texts, updated_at=datetime.now(UTC)).filter(id=photo.id, user_id=photo.user_id)
    return Photo(**query.returning(COLUMNS).execute().one())


def delete(db: Session, photo: Photo) -> None:
    """Removes the row."""
    db.delete("photos").filter(id=photo.id, user_id=photo.user_id).execute().commit()


def searched(title: str, description: str) -> str:
    """What words are looked for in. Folded here and not by the databases, of which SQLite folds ASCII alone."""
    return f"{title} {description}".casefold()
