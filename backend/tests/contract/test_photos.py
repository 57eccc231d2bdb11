"""One service, four protocols: the same calls get the same answers and the same refusals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from tests.app.pictures import noise, picture
from tests.contract.conftest import Surfaces
from tests.contract.product import Product
from tests.contract.surfaces import RefusedError, Surface

NAMES = ("REST", "XML-RPC", "JSON-RPC", "gRPC")
Call = Callable[[Surface], Any]


def refusal(surface: Surface, call: Call) -> RefusedError:
    with pytest.raises(RefusedError) as raised:
        call(surface)
    return raised.value


@pytest.mark.parametrize("maker", NAMES)
def test_what_one_creates_all_see_alike(surfaces: Surfaces, product: Product, maker: str) -> None:
    uma = surfaces("uma")
    made = uma[maker].create("me", "ridge.jpg", picture(), "Ridge & Söhne", "<from> above")
    assert made["user_id"] == product.people["uma"].id
    assert (made["title"], made["description"]) == ("Ridge & Söhne", "<from> above")
    assert (made["content_type"], made["width"], made["height"]) == ("image/jpeg", 64, 48)
    for surface in uma.values():
        assert surface.get("me", made["id"]) == made
        assert surface.get(product.people["uma"].id, made["id"]) == made


@pytest.mark.parametrize(("writer", "remover"), list(permutations(NAMES, 2)))
def test_what_one_changes_or_deletes_is_so_for_all(surfaces: Surfaces, writer: str, remover: str) -> None:
    uma = surfaces("uma")
    photo_id = uma["REST"].create("me", "a.png", picture("PNG"), "old", "stays")["id"]
    changed = uma[writer].update("me", photo_id, {"title": "new"})
    assert (changed["title"], changed["description"]) == ("new", "stays")
    for surface in uma.values():
        assert surface.get("me", photo_id) == changed
    uma[remover].delete("me", photo_id)
    for surface in uma.values():
        assert refusal(surface, lambda surface: surface.get("me", photo_id)).status == 404


@pytest.mark.parametrize(
    "query",
    [{}, {"sort": "title"}, {"sort": "-size", "size": 2}, {"size": 2, "page": 2}, {"q": "lagoon"}, {"page": 99}],
)
def test_all_list_alike(surfaces: Surfaces, product: Product, query: dict[str, Any]) -> None:
    ben, sam = surfaces("ben"), surfaces("sam")
    if not ben["REST"].list("me")["total"]:
        for number, title in enumerate(("Lagoon", "Ridge", "Valley")):
            ben["REST"].create("me", "a.webp", picture("WEBP", (40 + number, 40)), title, "")
    answers = [surface.list("me", **query) for surface in ben.values()]
    answers += [surface.list(product.people["ben"].id, **query) for surface in sam.values()]
    assert answers == [answers[0]] * len(answers)
    assert answers[0]["total"] == (1 if "q" in query else 3)


EVERY_CALL: dict[str, Call] = {
    "list": lambda surface: surface.list("me"),
    "get": lambda surface: surface.get("me", 1),
    "create": lambda surface: surface.create("me", "a.jpg", picture(), "t", ""),
    "update": lambda surface: surface.update("me", 1, {"title": "t"}),
    "delete": lambda surface: surface.delete("me", 1),
}


@pytest.mark.parametrize("call", EVERY_CALL.values(), ids=EVERY_CALL)
@pytest.mark.parametrize("token", [None, "nonsense", "a.b.c"])
def test_without_a_token_all_refuse_with_401(surfaces: Surfaces, call: Call, token: str | None) -> None:
    for name, surface in surfaces(token).items():
        refused = refusal(surface, call)
        assert refused.status == 401, name
        assert ("no bearer token" if token is None else "invalid token") in refused.reason


def calls_on(user: int | str, photo_id: int) -> list[Call]:
    return [
        lambda surface: surface.list(user),
        lambda surface: surface.get(user, photo_id),
        lambda surface: surface.create(user, "a.jpg", picture(), "t", ""),
        lambda surface: surface.update(user, photo_id, {"title": "t"}),
        lambda surface: surface.delete(user, photo_id),
    ]


def test_a_strangers_photos_are_refused_with_403(surfaces: Surfaces, product: Product) -> None:
    photo = surfaces("uma")["REST"].create("me", "a.jpg", picture(), "uma's", "")
    for call in calls_on(product.people["uma"].id, photo["id"]):
        refusals = {name: refusal(surface, call) for name, surface in surfaces("ben").items()}
        assert {name: refused.status for name, refused in refusals.items()} == dict.fromkeys(NAMES, 403)
        assert len({refused.reason for refused in refusals.values()}) == 1
    for surface in surfaces("sam").values():
        assert surface.get(product.people["uma"].id, photo["id"]) == photo


def test_what_is_not_there_is_refused_with_404(surfaces: Surfaces, product: Product) -> None:
    photo = surfaces("uma")["REST"].create("me", "a.jpg", picture(), "uma's", "")
    wrong_user, wrong_photo = calls_on(product.people["ben"].id, photo["id"]), calls_on("me", 999_999)
    about_one_photo = [calls[index] for calls in (wrong_user, wrong_photo) for index in (1, 3, 4)]
    for call in [*about_one_photo, *calls_on(999_999, 1)]:
        refusals = {name: refusal(surface, call) for name, surface in surfaces("sam").items()}
        assert {name: refused.status for name, refused in refusals.items()} == dict.fromkeys(NAMES, 404)
        assert len({refused.reason for refused in refusals.values()}) == 1


BAD_CALLS: dict[str, tuple[Call, str]] = {
    "user": (lambda surface: surface.list("notme"), "me"),
    "sort": (lambda surface: surface.list("me", sort="password"), "cannot sort by 'password'; there are created_at"),
    "page": (lambda surface: surface.list("me", page=0), "page should be from 1"),
    "size": (lambda surface: surface.list("me", size=101), "size should be from 1 to 100"),
    "text": (lambda surface: surface.create("me", "a.jpg", b"no picture", "t", ""), "not a JPEG, PNG or WebP"),
    "half": (lambda surface: surface.create("me", "a.jpg", picture()[:300], "t", ""), "damaged or incomplete"),
    "title": (lambda surface: surface.create("me", "a.jpg", picture(), "x" * 201, ""), "200 are allowed"),
}


@pytest.mark.parametrize(("call", "reason"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_bad_values_are_refused_with_400(surfaces: Surfaces, call: Call, reason: str) -> None:
    for name, surface in surfaces("uma").items():
        refused = refusal(surface, call)
        assert (refused.status, reason in refused.reason) == (400, True), (name, refused)


def test_too_large_a_file_is_refused_with_413(surfaces: Surfaces, product: Product) -> None:
    content = picture() + bytes(product.settings.max_upload_bytes)
    for name, surface in surfaces("uma").items():
        assert refusal(surface, lambda surface: surface.create("me", "a.jpg", content, "t", "")).status == 413, name


def test_a_photo_of_many_megabytes_passes_everywhere(surfaces: Surfaces) -> None:
    content = noise(1500)
    assert 6_000_000 < len(content) < 20_000_000
    for surface in surfaces("uma").values():
        photo = surface.create("me", "noise.png", content, "Noise", "")
        assert photo["size"] == len(content)
        surface.delete("me", photo["id"])
