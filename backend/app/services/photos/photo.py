"""A photo as every surface shows it, and what may be asked and changed of photos."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

TEXT_LIMITS = {"title": 200, "description": 2000}  # characters
SORTS = ("created_at", "title", "size")
PAGE_SIZE = 24  # photos a page, unless asked otherwise
MAX_PAGE_SIZE = 100

Owner = int | Literal["me"]  # whose photos
Moment = Annotated[datetime, Meta(tz=True)]


class Photo(Struct, frozen=True, kw_only=True):
    """One photo. `size` is bytes of the original; `width` and `height` are pixels as shown; times are UTC."""

    id: int
    user_id: int
    title: str
    description: str
    content_type: str
    size: int
    width: int
    height: int
    created_at: Moment
    updated_at: Moment


class PhotoPage(Struct, frozen=True):
    """One page of a user's photos; `total` counts all that match."""

    items: list[Photo]
    total: int
    page: int
    size: int


class PhotoQuery(Struct, frozen=True, kw_only=True):
    """Which photos to list: the page (from 1), photos a page, order, and words to search for."""

    page: int = 1
    size: int = PAGE_SIZE
    sort: str = "-created_at"
    q: str = ""


class PhotoUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be changed of a photo; what is not named stays as it is."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
