"""Photos over REST: /users/<uid>/photos, where uid is a number or `me`."""

from __future__ import annotations

from app.refusals import refusals
from app.services.photos.access import library, uploaded
from app.services.photos.library import StoredFile
from app.services.photos.photo import PAGE_SIZE, Owner, Photo, PhotoPage, PhotoQuery, PhotoUpdate
from atila import API, Atila, File, Upload, Was

PHOTOS = "/users/<int:uid>/photos"
PHOTO = f"{PHOTOS}/<int:id>"
MAX_AGE = 600  # seconds a browser shows a picture before it asks again


def __mount__(app: Atila) -> None:  # noqa: N807 - the documented name
    @app.route(PHOTOS, methods=["GET"], tags=["photos"])
    @app.permission_required()
    def list_photos(
        was: Was, uid: Owner, page: int = 1, size: int = PAGE_SIZE, sort: str = "-created_at", q: str = ""
    ) -> API[PhotoPage]:
        """One page of a user's photos, sorted by created_at, title or size ("-" before it reverses)."""
        return was.API(library(was).list(uid, PhotoQuery(page=page, size=size, sort=sort, q=q)))

    @app.route(
        PHOTOS,
        methods=["POST"],
        content_types=["multipart/form-data"],
        status=201,
        tags=["photos"],
        responses=refusals(413),
    )
    @app.permission_required()
    def create_photo(
        was: Was, uid: Owner, file: Upload, title: str | None = None, description: str | None = None
    ) -> API[Photo]:
        """Upload a JPEG, PNG or WebP picture. Its position (EXIF, XMP) is removed; a thumbnail is made."""
        photo = library(was).create(uid, uploaded(file, title, description))
        was.response.set_header("location", was.ab(get_photo, uid, photo.id))
        return was.API("201 Created", photo)

    @app.route(PHOTO, methods=["GET"], tags=["photos"])
    @app.permission_required()
    def get_photo(was: Was, uid: Owner, id: int) -> API[Photo]:
        """One photo."""
        return was.API(library(was).get(uid, id))

    @app.route(PHOTO, methods=["PATCH"], content_types=["application/json"], tags=["photos"])
    @app.permission_required()
    def update_photo(was: Was, uid: Owner, id: int, changes: PhotoUpdate) -> API[Photo]:
        """Change title or description; what is not named stays as it is."""
        return was.API(library(was).update(uid, id, changes))

    @app.route(PHOTO, methods=["DELETE"], status=204, tags=["photos"])
    @app.permission_required()
    def delete_photo(was: Was, uid: Owner, id: int) -> API[None]:
        """Delete a photo and its files."""
        library(was).delete(uid, id)
        return was.API("204 No Content")

    @app.route(f"{PHOTO}/original", methods=["GET"], tags=["photos"])
    @app.permission_required()
    def get_photo_original(was: Was, uid: Owner, id: int) -> File:
        """The picture as it was sent, without its position."""
        return answer_file(was, library(was).original(uid, id))

    @app.route(f"{PHOTO}/thumbnail", methods=["GET"], tags=["photos"])
    @app.permission_required()
    def get_photo_thumbnail(was: Was, uid: Owner, id: int) -> File:
        """A WebP picture of at most 480 pixels a side."""
        return answer_file(was, library(was).thumbnail(uid, id))


def answer_file(was: Was, stored: StoredFile) -> File:
    """The file; the request ends with 304 when the browser has this very one."""
    was.response.set_header("cache-control", f"private, max-age={MAX_AGE}")
    was.response.vary("authorization")  # `me` is somebody else after signing out and in
    was.response.set_etag(stored.etag)
    return was.File(stored.path, stored.content_type)
