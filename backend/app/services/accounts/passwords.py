"""Passwords, kept as argon2id hashes.

Parameters: OWASP Password Storage Cheat Sheet, argon2id with 19 MiB, two passes, one lane. A check costs some 45 ms of
CPU, so it belongs into plain handlers, which run on worker threads.
"""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Checked when there is no such account, so that the answer takes as long as for one there is. Nobody's password fits.
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def hash_password(password: str) -> str:
    """The hash to store. Takes some 45 ms."""
    return HASHER.hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Whether the password belongs to the stored hash; None stands for an account that does not exist."""
    try:
        return HASHER.verify(stored or NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Whether the hash was made with parameters other than today's."""
    return HASHER.check_needs_rehash(stored)
