"""Passwords as they are kept: a salted scrypt hash that says how it was made (RFC 7914)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

_COST, _BLOCK, _PARALLEL = 2**15, 8, 1  # 32 MiB and some 60 ms
_MEMORY = 128 * 1024 * 1024  # bytes that a check may take


def encrypt_password(password: str, salt: bytes | None = None) -> str:
    """Return what to keep of a password; the same password gives another text each time.

    Takes some 60 ms of a core: call it in a plain handler, never on the event loop.
    """
    salt = os.urandom(16) if salt is None else salt
    made = _hash(password, salt, _COST, _BLOCK, _PARALLEL)
    return f"scrypt${_COST}${_BLOCK}${_PARALLEL}${_text(salt)}${_text(made)}"


def verify_password(password: str, encrypted: str) -> bool:
    """Say whether a password is the one that was encrypted. Raises ValueError for a text that is none of ours."""
    try:
        name, cost, block, parallel, salt, kept = encrypted.split("$")
        if name != "scrypt":
            raise ValueError(name)
        made = _hash(password, base64.b64decode(salt), int(cost), int(block), int(parallel))
        return hmac.compare_digest(made, base64.b64decode(kept))
    except ValueError as error:
        raise ValueError("this is no password that encrypt_password made") from error


def _hash(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=_MEMORY, dklen=32)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
