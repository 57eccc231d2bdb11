"""Signing in: one answer for whatever is wrong, in the same time, and not too often."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from app.loading import Connect
from app.services.accounts import attempts, passwords, signing_in, users
from atila.errors import HTTPError

PASSWORD = "correct horse battery staple"
HASH = passwords.hash_password(PASSWORD)


@pytest.fixture(autouse=True)
def _uma(connect: Connect) -> None:
    with connect() as db:
        users.create(db, email="uma@example.com", name="Uma", role="user", password_hash=HASH)


def attempt(
    connect: Connect, email: str = "uma@example.com", password: str = PASSWORD, address: str = "192.0.2.1"
) -> bool:
    return signing_in.check(connect, email, password, address) is not None


def failures(connect: Connect) -> int:
    with connect() as db:
        return int(db.select("sign_in_failures").count().execute().value())


def test_the_right_password_signs_in_however_the_address_is_written(connect: Connect) -> None:
    assert attempt(connect, " Uma@EXAMPLE.com ")
    assert failures(connect) == 0


def test_a_wrong_password_or_address_does_not(connect: Connect) -> None:
    assert not attempt(connect, password="wrong")
    assert not attempt(connect, "nobody@example.com")


def test_an_unknown_address_takes_as_long_as_a_wrong_password() -> None:
    def measure(stored: str | None) -> float:
        started = time.process_time()
        passwords.matches("wrong", stored)
        return time.process_time() - started

    known = min(measure(HASH) for _ in range(3))
    unknown = min(measure(None) for _ in range(3))
    assert unknown == pytest.approx(known, rel=0.5)


def test_an_account_is_closed_for_a_while_after_too_many_failures(connect: Connect) -> None:
    for number in range(attempts.ACCOUNT_LIMIT):
        assert not attempt(connect, password="wrong", address=f"192.0.2.{number}")
    with pytest.raises(HTTPError) as refusal:
        attempt(connect, address="198.51.100.7")
    assert refusal.value.status.code == 429
    ((name, seconds),) = refusal.value.headers
    assert (name, 0 < int(seconds) <= 900) == ("retry-after", True)


def test_an_unknown_account_is_limited_alike(connect: Connect) -> None:
    for _ in range(attempts.ACCOUNT_LIMIT):
        assert not attempt(connect, "nobody@example.com")
    with pytest.raises(HTTPError, match="429"):
        attempt(connect, "nobody@example.com")


def test_an_address_is_limited_whatever_accounts_it_tries(connect: Connect) -> None:
    with connect() as db:
        for number in range(attempts.ADDRESS_LIMIT):
            attempts.Attempts(db).begin(f"user{number}@example.com", "192.0.2.1")
    with pytest.raises(HTTPError, match="429"):
        attempt(connect)
    assert attempt(connect, address="192.0.2.2")


def test_one_ipv6_network_counts_as_one_address() -> None:
    assert attempts.neighbourhood("2001:db8:0:1::1") == attempts.neighbourhood("2001:db8:0:1:ffff::2")
    assert attempts.neighbourhood("2001:db8:0:1::1") != attempts.neighbourhood("2001:db8:0:2::1")
    assert attempts.neighbourhood("192.0.2.1") == "192.0.2.1"
    assert attempts.neighbourhood("unix:") == "unix:"


def test_failures_are_forgotten_with_time(connect: Connect) -> None:
    for _ in range(attempts.ACCOUNT_LIMIT):
        attempt(connect, password="wrong")
    with connect() as db:
        past = datetime.now(UTC) - attempts.WINDOW - timedelta(seconds=1)
        db.update("sign_in_failures").data(failed_at=past).all().execute().commit()
    assert attempt(connect)
    assert failures(connect) == 0


def test_success_forgives_the_account_but_not_the_address(connect: Connect) -> None:
    attempt(connect, password="wrong")
    attempt(connect)
    assert failures(connect) == 1


def test_old_parameters_are_brought_up_to_date(connect: Connect) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    with connect() as db:
        user = users.create(db, email="old@example.com", name="Old", role="user", password_hash=weak)
    assert attempt(connect, "old@example.com")
    with connect() as db:
        account = users.find_account(db, user.email)
    assert account is not None
    assert account.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
