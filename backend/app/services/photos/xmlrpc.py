"""Photos over XML-RPC and JSON-RPC: photos.list, photos.get, photos.create, photos.update, photos.delete at /rpc2.

Callers send `Authorization: Bearer <access token>`. Structs have the fields that REST shows, times as RFC 3339 text.
"""

from __future__ import annotations

from app.services.photos.access import library, sent
from app.services.photos.photo import PAGE_SIZE, Owner, Photo, PhotoPage, PhotoQuery, PhotoUpdate
from atila import Atila, Was

XML = ("text/xml", "application/xml")


def __mount__(app: Atila) -> None:  # noqa: N807 - the documented name
    @app.route("/photos/list", methods=["POST"], content_types=XML, include_in_schema=False)
    @app.permission_required()
    def rpc_list(
        was: Was, uid: Owner, page: int = 1, size: int = PAGE_SIZE, sort: str = "-created_at", q: str = ""
    ) -> PhotoPage:
        """photos.list(uid, page, size, sort, q): one page of a user's photos."""
        return library(was).list(uid, PhotoQuery(page=page, size=size, sort=sort, q=q))

    @app.route("/photos/get", methods=["POST"], content_types=XML, include_in_schema=False)
    @app.permission_required()
    def rpc_get(was: Was, uid: Owner, id: int) -> Photo:
        """photos.get(uid, id): one photo."""
        return library(was).get(uid, id)

    @app.route("/photos/create", methods=["POST"], content_types=XML, include_in_schema=False)
    @app.permission_required()
    def rpc_create(
        was: Was, uid: Owner, filename: str, content: bytes, title: str = "", description: str = ""
    ) -> Photo:
        """photos.create(uid, filename, Binary, title, description): stores a picture."""
        return library(was).create(uid, sent(was, filename, content, title, description))

    @app.route("/photos/update", methods=["POST"], content_types=XML, include_in_schema=False)
    @app.permission_required()
    def rpc_update(was: Was, uid: Owner, id: int, changes: PhotoUpdate) -> Photo:
        """photos.update(uid, id, {title, description}): changes what is named."""
        return library(was).update(uid, id, changes)

    @app.route("/photos/delete", methods=["POST"], content_types=XML, include_in_schema=False)
    @app.permission_required()
    def rpc_delete(was: Was, uid: Owner, id: int) -> bool:
        """photos.delete(uid, id): true when it is gone."""
        library(was).delete(uid, id)
        return True
