"""Photos over REST: statuses, headers, and what bad input gets."""

from __future__ import annotations

from typing import Any

import pytest

from app.services.accounts.users import User
from app.settings import Settings
from atila.testing.answer import Answer
from atila.testing.client import TestClient
from tests.app.conftest import token_of
from tests.app.pictures import picture

MINE = "/api/v1/users/me/photos"
People = dict[str, User]


@pytest.fixture
def uma(cli: TestClient, people: People) -> TestClient:
    """The client, signed in as a user."""
    cli.headers["Authorization"] = f"Bearer {token_of(cli, people['uma'])}"
    return cli


def upload(cli: TestClient, path: str = MINE, content: bytes = b"", name: str = "ridge.jpg", **fields: Any) -> Answer:
    return cli.post(path, fields, files={"file": (name, content or picture())})


def test_an_upload_is_answered_with_the_photo_and_its_place(uma: TestClient, people: People) -> None:
    answer = upload(uma, title="Ridge", description="from above")
    assert answer.status_code == 201
    photo = answer.data
    assert answer.headers["location"] == f"{MINE}/{photo['id']}"
    assert photo["title"] == "Ridge"
    assert photo["user_id"] == people["uma"].id
    assert (photo["content_type"], photo["width"], photo["height"]) == ("image/jpeg", 64, 48)
    assert photo["created_at"].endswith("Z")
    assert uma.get(answer.headers["location"]).data == photo
    assert uma.get(f"/api/v1/users/{people['uma'].id}/photos/{photo['id']}").data == photo


def test_the_list_has_items_and_a_total(uma: TestClient) -> None:
    for title in ("a", "b", "c"):
        upload(uma, title=title)
    page = uma.get(MINE, {"size": 2, "sort": "title", "q": ""}).data
    assert [photo["title"] for photo in page.pop("items")] == ["a", "b"]
    assert page == {"total": 3, "page": 1, "size": 2}


def test_editing_changes_named_fields_only(uma: TestClient) -> None:
    path = upload(uma, title="old", description="stays").headers["location"]
    answer = uma.patch(path, json={"title": "new"})
    assert (answer.status_code, answer.data["title"], answer.data["description"]) == (200, "new", "stays")
    answer = uma.patch(path, json={"title": "x", "user_id": 1, "size": 3})
    assert answer.status_code == 400
    assert {error["name"] for error in answer.data["errors"]} == {"user_id", "size"}
    assert uma.get(path).data["title"] == "new"


def test_a_deleted_photo_is_gone(uma: TestClient) -> None:
    path = upload(uma).headers["location"]
    assert uma.delete(path).status_code == 204
    assert uma.delete(path).status_code == 404
    assert uma.get(f"{path}/original").status_code == 404


@pytest.mark.parametrize(("kind", "content_type"), [("original", "image/jpeg"), ("thumbnail", "image/webp")])
def test_files_come_with_a_tag_that_saves_sending_them_again(uma: TestClient, kind: str, content_type: str) -> None:
    path = f"{upload(uma).headers['location']}/{kind}"
    answer = uma.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["x-content-type-options"] == "nosniff"
    tag = answer.headers["etag"]
    for sent in (tag, f'W/{tag}, "other"', "*"):
        again = uma.get(path, headers={"If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert uma.get(path, headers={"If-None-Match": '"other"'}).content == answer.content
    head = uma.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.content))


def test_without_a_token_there_is_nothing(cli: TestClient) -> None:
    for method, path in [("GET", MINE), ("POST", MINE), ("GET", f"{MINE}/1"), ("GET", f"{MINE}/1/thumbnail")]:
        files = {"file": ("a.jpg", picture())} if method == "POST" else None
        answer = cli.request(method, path, files=files)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_others_need_the_role_staff(uma: TestClient, people: People) -> None:
    path = upload(uma).headers["location"].replace("/me/", f"/{people['uma'].id}/")
    for name, status in (("ben", 403), ("sam", 200), ("ada", 200)):
        assert uma.get(path, headers={"Authorization": f"Bearer {token_of(uma, people[name])}"}).status_code == status
    wrong = path.replace(f"/{people['uma'].id}/", f"/{people['ben'].id}/")
    assert uma.get(wrong, headers={"Authorization": f"Bearer {token_of(uma, people['sam'])}"}).status_code == 404


@pytest.mark.parametrize(("user", "code"), [("notme", 400), ("new", 400), ("999999", 404), ("somebody", 404)])
def test_there_is_no_such_user(uma: TestClient, people: People, user: str, code: int) -> None:
    uma.headers["Authorization"] = f"Bearer {token_of(uma, people['sam'])}"
    assert uma.get(f"/api/v1/users/{user}/photos").status_code == code


def test_an_unknown_sort_column_is_named_with_the_known_ones(uma: TestClient) -> None:
    answer = uma.get(MINE, {"sort": "password_hash"})
    assert (answer.status_code, answer.data["code"]) == (400, 40050)
    (error,) = answer.data["errors"]
    assert error["name"] == "sort"
    assert "'password_hash'" in error["reason"]
    assert "created_at, title, size" in error["reason"]


def test_every_faulty_parameter_is_told(uma: TestClient) -> None:
    answer = uma.get(MINE, {"page": "two", "size": "ten", "colour": "red"})
    assert answer.status_code == 400
    assert {error["name"] for error in answer.data["errors"]} == {"page", "size", "colour"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("diary.jpg", b"Dear diary", "not a JPEG, PNG or WebP picture"),
        ("empty.png", b"", "not a JPEG, PNG or WebP picture"),
        ("half.jpg", picture(size=(200, 200))[:500], "damaged or incomplete JPEG"),
    ],
)
def test_a_file_that_is_no_picture_is_refused(
    uma: TestClient, settings: Settings, name: str, content: bytes, reason: str
) -> None:
    answer = uma.post(MINE, {}, files={"file": (name, content)})
    assert answer.status_code == 400
    assert reason in answer.data["errors"][0]["reason"]
    assert not settings.media_root.exists() or not [*settings.media_root.rglob("*.webp")]
    assert uma.get(MINE).data["total"] == 0


def test_a_file_over_the_limit_is_refused(uma: TestClient, settings: Settings) -> None:
    answer = upload(uma, content=picture() + bytes(settings.max_upload_bytes))
    assert (answer.status_code, answer.data["code"]) == (413, 41300)
    answer = upload(uma, content=bytes(15 * settings.max_upload_bytes))
    assert (answer.status_code, answer.data["code"]) == (413, 41300)
    assert uma.get(MINE).data["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b\r\n",
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\nhalf',
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nno file\r\n--b--\r\n',
    ],
)
def test_a_form_without_a_whole_file_is_refused(uma: TestClient, body: bytes) -> None:
    answer = uma.post(MINE, body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 400
    assert answer.data["more_info"]


def test_malformed_json_is_refused(uma: TestClient) -> None:
    path = upload(uma, title="stays").headers["location"]
    for body in (b'{"title": ', b'"title"', b'{"title": 5}', b"\xff\xfe", b'{"title": "' + b"x" * 201 + b'"}'):
        answer = uma.patch(path, body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, body
    assert uma.get(path).data["title"] == "stays"


def test_text_that_no_database_stores_is_refused(uma: TestClient) -> None:
    assert upload(uma, title="a\x00b").status_code == 400
    assert uma.get(MINE, {"q": "\x00"}).status_code == 400
