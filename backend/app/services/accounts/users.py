"""Users: who has an account, and what others may see of it."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from app.identity import Role
from atila.upstream.db import Session


class User(Struct, frozen=True, kw_only=True):
    """A user as the interfaces show one."""

    id: int
    email: str
    name: str
    role: Role


class Account(Struct, frozen=True, kw_only=True):
    """A user and the hash of the password. Never leaves the server."""

    user: User
    password_hash: str


def normal_email(email: str) -> str:
    """The form in which addresses are stored and compared."""
    return email.strip().lower()


def find(db: Session, uid: int) -> User | None:
    """The user of that number."""
    rows = db.select("users").get("id, email, name, role").filter(id=uid).execute().fetch()
    return User(**rows[0]) if rows else None


def find_account(db: Session, email: str) -> Account | None:
    """The account with that address, however it was written."""
    query = db.select("users").get("id, email, name, role, password_hash").filter(email=normal_email(email))
    rows = query.execute().fetch()
    if not rows:
        return None
    fields = dict(rows[0])
    password_hash = fields.pop("password_hash")
    return Account(user=User(**fields), password_hash=password_hash)


def create(db: Session, *, email: str, name: str, role: Role, password_hash: str) -> User:
    """A new user. Raises the driver's integrity error when the address is taken."""
    email = normal_email(email)
    query = db.insert("users").data(
        email=email, name=name, role=role, password_hash=password_hash, created_at=datetime.now(UTC)
    )
    return User(id=query.returning("id").execute().one().id, email=email, name=name, role=role)


def change_password(db: Session, uid: int, password_hash: str) -> None:
    """Stores another hash."""
    db.update("users").data(password_hash=password_hash).filter(id=uid).execute().commit()
