"""Changes of photos over WebSocket: to whom they belong, and to the staff."""

from __future__ import annotations

import pytest

from app.services.accounts.users import User
from atila.testing.client import TestClient
from atila.testing.sockets import ClientSocket, RefusedError
from tests.app.conftest import token_of
from tests.app.pictures import picture


def follow(cli: TestClient, user: User | None, whose: object = "me") -> ClientSocket:
    offered = ["bearer", token_of(cli, user)] if user is not None else []
    return cli.ws(f"/api/v1/users/{whose}/photos/changes", subprotocols=offered)


def test_changes_arrive_as_they_happen(cli: TestClient, people: dict[str, User]) -> None:
    uma, sam = people["uma"], people["sam"]
    headers = {"Authorization": f"Bearer {token_of(cli, uma)}"}
    with follow(cli, uma) as own, follow(cli, sam, uma.id) as staffs:
        made = cli.upload("/api/v1/users/me/photos", {"file": ("a.jpg", picture())}, headers=headers).data
        path = f"/api/v1/users/me/photos/{made['id']}"
        changed = cli.patch(path, json={"title": "b"}, headers=headers).data
        cli.delete(path, headers=headers)
        for ws in (own, staffs):
            told = [ws.receive_json() for _ in range(3)]
            assert [change["kind"] for change in told] == ["created", "updated", "deleted"]
            assert [change["photo"]["title"] for change in told] == [made["title"], "b", "b"]
            assert told[1]["photo"] == changed
    assert cli.app.config.feed.watchers == 0


def test_others_are_refused(cli: TestClient, people: dict[str, User]) -> None:
    for user, whose, status in ((None, "me", 401), (people["ben"], people["uma"].id, 403), (people["sam"], 10**9, 404)):
        with pytest.raises(RefusedError) as refused:
            follow(cli, user, whose)
        assert refused.value.answer.status_code == status
