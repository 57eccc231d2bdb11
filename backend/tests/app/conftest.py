"""A migrated database and settings of its own for each test of the application."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import database
from app.identity import Role
from app.loading import Connect, application, connected
from app.services.accounts import passwords, users
from app.services.accounts.users import User
from app.settings import Settings, load
from atila.testing.client import TestClient

PASSWORD = "correct horse battery staple"
PASSWORD_HASH = passwords.hash_password(PASSWORD)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings with a new migrated database, once SQLite and once PostgreSQL, and a new folder for photos."""
    made = load(
        {
            "APP_ENV": "test",
            "SECRET_KEY": "a-secret-for-tests-only-0123456789abcdef",
            "DATABASE_URL": database_url,
            "MEDIA_ROOT": str(tmp_path / "media"),
            "PUBLIC_URL": "http://testserver",
            "MAX_UPLOAD_MB": "2",
        }
    )
    database.migrate(made.database_url)
    return made


@pytest.fixture
def connect(settings: Settings) -> Iterator[Connect]:
    """What opens a transaction on the test's database."""
    with connected(settings) as opened:
        yield opened


@pytest.fixture
def cli(settings: Settings) -> Iterator[TestClient]:
    """A client of the whole application."""
    with application(settings).test_client() as client:
        yield client


@pytest.fixture
def people(connect: Connect) -> dict[str, User]:
    """One user of each role, and one more user; everybody's password is PASSWORD."""
    wanted: dict[str, Role] = {"uma": "user", "ben": "user", "sam": "staff", "ada": "admin"}
    with connect() as db:
        return {
            name: users.create(
                db, email=f"{name}@example.com", name=name.title(), role=role, password_hash=PASSWORD_HASH
            )
            for name, role in wanted.items()
        }


def token_of(cli: TestClient, user: User) -> str:
    """An access token, as signing in gives one."""
    claims = {"sub": str(user.id), "uid": user.id, "role": user.role, "exp": int(time.time()) + 600}
    return cli.app.tokens.encode(claims)
