"""Photos over gRPC: contracts.photos.v1.PhotoService.

The caller sends `authorization: Bearer <access token>` metadata.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from app.services.photos.access import library, sent
from app.services.photos.feed import Change, Watch
from app.services.photos.photo import Photo, PhotoQuery, PhotoUpdate
from atila import Atila, HTTPError, Was
from contracts.photos.v1 import photos_pb2 as pb

TICK = 0.5  # seconds after which a silent watch looks whether this process stops
KINDS = {
    "created": pb.PhotoChange.KIND_CREATED,
    "updated": pb.PhotoChange.KIND_UPDATED,
    "deleted": pb.PhotoChange.KIND_DELETED,
}
Named = pb.ListRequest | pb.CreateRequest | pb.UpdateRequest


def __mount__(app: Atila) -> None:  # noqa: N807 - the documented name
    @app.route("/Get", include_in_schema=False)
    @app.permission_required()
    def Get(was: Was, request: pb.GetRequest) -> pb.Photo:  # noqa: N802 - the contract's name
        """One photo."""
        return message(library(was).get(request.user, request.id))

    @app.route("/List", include_in_schema=False)
    @app.permission_required()
    def List(was: Was, request: pb.ListRequest) -> pb.ListResponse:  # noqa: N802
        """One page of a user's photos."""
        page = library(was).list(request.user, PhotoQuery(**given(request, "page", "size", "sort", "q")))
        items = [message(photo) for photo in page.items]
        return pb.ListResponse(items=items, total=page.total, page=page.page, size=page.size)

    @app.route("/Create", include_in_schema=False)
    @app.permission_required()
    def Create(was: Was, request: pb.CreateRequest) -> pb.Photo:  # noqa: N802
        """Stores a picture."""
        new = sent(was, request.filename, request.content, request.title, request.description)
        return message(library(was).create(request.user, new))

    @app.route("/Update", include_in_schema=False)
    @app.permission_required()
    def Update(was: Was, request: pb.UpdateRequest) -> pb.Photo:  # noqa: N802
        """Changes the fields that are present."""
        changes = PhotoUpdate(**given(request, "title", "description"))
        return message(library(was).update(request.user, request.id, changes))

    @app.route("/Delete", include_in_schema=False)
    @app.permission_required()
    def Delete(was: Was, request: pb.DeleteRequest) -> pb.DeleteResponse:  # noqa: N802
        """Removes a photo and its files."""
        library(was).delete(request.user, request.id)
        return pb.DeleteResponse()

    @app.route("/Watch", include_in_schema=False)
    @app.permission_required()
    def Watch(was: Was, request: pb.WatchRequest) -> AsyncIterator[pb.PhotoChange | None]:  # noqa: N802
        """Changes from now on, until the client cancels."""
        return follow(library(was).watch(request.user))


async def follow(watching: AbstractContextManager[Watch]) -> AsyncIterator[pb.PhotoChange | None]:
    """The changes as they come; None when there is none for a while, so that a process that stops is noticed.

    It waits on the event loop, so that a thousand watchers hold no thread. Raises HTTPError 429 when the client reads
    so slowly that changes were lost to it.
    """
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    with watching as watch:
        watch.on_news = partial(loop.call_soon_threadsafe, news.set)
        while not watch.overrun:
            change = watch.next(0)
            yield changed(change) if change else None
            if change is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), TICK)
                news.clear()
    raise HTTPError(429, "changes came faster than they were read; watch again")


def message(photo: Photo) -> pb.Photo:
    """The photo as the contract says it."""
    created_at, updated_at = Timestamp(), Timestamp()
    created_at.FromDatetime(photo.created_at)
    updated_at.FromDatetime(photo.updated_at)
    return pb.Photo(
        id=photo.id,
        user_id=photo.user_id,
        title=photo.title,
        description=photo.description,
        content_type=photo.content_type,
        size=photo.size,
        width=photo.width,
        height=photo.height,
        created_at=created_at,
        updated_at=updated_at,
    )


def changed(change: Change) -> pb.PhotoChange:
    """The change as the contract says it."""
    return pb.PhotoChange(kind=KINDS[change.kind], photo=message(change.photo))


def given(request: Named, *names: str) -> dict[str, Any]:
    """The optional fields that the message holds."""
    return {name: getattr(request, name) for name in names if request.HasField(name)}
