"""From a request to the photos its sender may see, whatever protocol it came by."""

from __future__ import annotations

from app.identity import Actor
from app.services.photos.library import Library, NewPhoto
from atila import HTTPError, Upload, Was


def library(was: Was) -> Library:
    """The library of whoever sent the request. Raises HTTPError 401 when nobody is signed in."""
    config = was.app.config
    return Library(lambda: was.db("@db"), config.storage, config.feed, Actor.from_claims(was.request.JWT))


def uploaded(file: Upload, title: str | None, description: str | None) -> NewPhoto:
    """What a form brought."""
    return NewPhoto(file.name, file.read(), title, description)


def sent(was: Was, filename: str, content: bytes, title: str | None, description: str | None) -> NewPhoto:
    """What a message of a remote procedure call brought. Raises HTTPError 413 for a file over the limit."""
    limit = was.app.config.settings.max_upload_bytes
    if len(content) > limit:
        raise HTTPError(413, f"the file has {len(content)} bytes, {limit} are allowed")
    return NewPhoto(filename, content, title, description)
