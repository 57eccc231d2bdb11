"""Signing in: an address, a password, and the same answer in the same time for whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from app.services.accounts import passwords, users
from app.services.accounts.attempts import Attempts
from app.services.accounts.users import User
from atila.upstream.db import Session

Connect = Callable[[], AbstractContextManager[Session]]


def check(connect: Connect, email: str, password: str, address: str) -> User | None:
    """The user whose address and password these are, or None.

    `address` is where the attempt comes from. The password is hashed outside of every transaction.
    Raises HTTPError 429 after too many failures of that account or address.
    """
    with connect() as db:
        attempt = Attempts(db).begin(users.normal_email(email), address)
        account = users.find_account(db, email)
    if not passwords.matches(password, account.password_hash if account else None) or account is None:
        return None
    with connect() as db:
        Attempts(db).forgive(attempt)
        if passwords.outdated(account.password_hash):
            users.change_password(db, account.user.id, passwords.hash_password(password))
    return account.user
