"""Refresh tokens: rotated at every use, forgiving to a lost race, deadly to a copied token."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from app.loading import Connect
from app.services.accounts import users
from app.services.accounts.sessions import GRACE, Client, Grant, Sessions, hash_token
from app.services.accounts.users import User

HERE = Client("a browser", "192.0.2.1")


@pytest.fixture
def user(connect: Connect) -> User:
    with connect() as db:
        return users.create(db, email="Uma@Example.com", name="Uma", role="user", password_hash="-")


def opened(connect: Connect, user: User) -> str:
    with connect() as db:
        return Sessions(db, days=30).open(user, HERE).refresh_token


def renewed(connect: Connect, token: str) -> Grant | None:
    with connect() as db:
        return Sessions(db, days=30).renew(token, HERE)


def age(connect: Connect, token: str, column: str, by: timedelta) -> None:
    """Moves a moment of a token's record into the past."""
    with connect() as db:
        db.update("refresh_tokens").data({column: datetime.now(UTC) - by}).filter(
            hash=hash_token(token)
        ).execute().commit()


def test_a_token_is_exchanged_for_the_next_one(connect: Connect, user: User) -> None:
    first = opened(connect, user)
    grant = renewed(connect, first)
    assert grant is not None
    assert grant.user == user
    assert grant.refresh_token != first
    assert renewed(connect, grant.refresh_token) is not None


def test_the_database_never_holds_a_token(connect: Connect, user: User) -> None:
    token = opened(connect, user)
    with connect() as db:
        (row,) = db.select("refresh_tokens").execute().fetch()
    assert token not in str(dict(row))
    assert row.ip == "192.0.2.1"


def test_the_loser_of_a_race_gets_a_token_of_its_own(connect: Connect, user: User) -> None:
    first = opened(connect, user)
    winner, loser = renewed(connect, first), renewed(connect, first)
    assert winner is not None
    assert loser is not None
    assert winner.refresh_token != loser.refresh_token
    assert renewed(connect, winner.refresh_token) is not None
    assert renewed(connect, loser.refresh_token) is not None


def test_many_at_once_all_stay_signed_in(connect: Connect, user: User) -> None:
    token = opened(connect, user)
    grants: list[Grant | None] = []
    threads = [threading.Thread(target=lambda: grants.append(renewed(connect, token))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({grant.refresh_token for grant in grants if grant is not None}) == 8
    with connect() as db:
        assert db.select("refresh_tokens").filter(replaced_by__isnull=False).count().execute().value() == 1


def test_reuse_after_the_grace_revokes_the_whole_family(connect: Connect, user: User) -> None:
    first = opened(connect, user)
    second = renewed(connect, first)
    assert second is not None
    age(connect, first, "used_at", GRACE + timedelta(seconds=1))
    assert renewed(connect, first) is None
    assert renewed(connect, second.refresh_token) is None


def test_another_family_lives_on(connect: Connect, user: User) -> None:
    stolen, other = opened(connect, user), opened(connect, user)
    renewed(connect, stolen)
    age(connect, stolen, "used_at", GRACE + timedelta(seconds=1))
    assert renewed(connect, stolen) is None
    assert renewed(connect, other) is not None


def test_expired_and_unknown_tokens_are_nothing(connect: Connect, user: User) -> None:
    token = opened(connect, user)
    with connect() as db:
        past = datetime.now(UTC) - timedelta(days=40)
        old = db.update("refresh_tokens").data(created_at=past, expires_at=past + timedelta(days=30))
        old.filter(hash=hash_token(token)).execute().commit()
    assert renewed(connect, token) is None
    assert renewed(connect, "no such token") is None


def test_expired_tokens_are_forgotten_at_the_next_sign_in(connect: Connect, user: User) -> None:
    test_expired_and_unknown_tokens_are_nothing(connect, user)
    opened(connect, user)
    with connect() as db:
        assert db.select("refresh_tokens").count().execute().value() == 1


def test_signing_out_ends_every_token_of_the_family(connect: Connect, user: User) -> None:
    first = opened(connect, user)
    second = renewed(connect, first)
    assert second is not None
    with connect() as db:
        Sessions(db, days=30).close(second.refresh_token)
    assert renewed(connect, first) is None
    assert renewed(connect, second.refresh_token) is None
