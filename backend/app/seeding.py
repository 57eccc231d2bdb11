"""The first rows of a database: the administrator, and while developing a few people with photos."""

from __future__ import annotations

from collections.abc import Iterator

from app.identity import Actor, Role
from app.loading import Connect
from app.services.accounts import passwords, users
from app.services.accounts.users import User
from app.services.photos import samples
from app.services.photos.feed import Feed
from app.services.photos.library import Library, NewPhoto
from app.services.photos.storage import Storage
from app.settings import Settings

EXAMPLES: tuple[tuple[str, str, Role, int], ...] = (  # address, name, role, sample photos
    ("sam@example.com", "Sam Staff", "staff", 2),
    ("uma@example.com", "Uma User", "user", 4),
    ("ben@example.com", "Ben User", "user", 0),
)


class SeedError(Exception):
    """Something cannot be made; the message says what and why."""


def seed(settings: Settings, connect: Connect) -> Iterator[str]:
    """Makes what is missing and tells each thing made; what is there already stays as it is.

    The administrator needs ADMIN_PASSWORD. The examples have the same password, and exist in development only.
    """
    if not settings.admin_password:
        yield "ADMIN_PASSWORD is empty: no administrator was made."
        return
    wanted = [(settings.admin_email, "Administrator", "admin", len(samples.SCENES)), *EXAMPLES]
    password_hash = ""
    for email, name, role, photos in wanted if settings.development else wanted[:1]:
        with connect() as db:
            if users.find_account(db, email) is not None:
                continue
            password_hash = password_hash or passwords.hash_password(settings.admin_password)
            user = users.create(db, email=email, name=name, role=role, password_hash=password_hash)
        yield f"made {role} {email}"
        if settings.development:
            add_samples(settings, connect, user, photos)


def add_samples(settings: Settings, connect: Connect, user: User, count: int) -> None:
    """Draws the first `count` landscapes into the user's gallery."""
    library = Library(connect, Storage(settings.media_root), Feed(), Actor(user.id, user.role))
    for scene in reversed(samples.SCENES[:count]):
        library.create("me", NewPhoto("landscape.jpg", samples.draw(scene), scene.title, scene.description))


def add_user(connect: Connect, email: str, name: str, role: Role, password: str) -> User:
    """Makes an account. Raises SeedError when the address is taken or the password too short."""
    if len(password) < 10:
        raise SeedError("the password needs at least 10 characters")
    with connect() as db:
        if users.find_account(db, email) is not None:
            raise SeedError(f"there is already an account {users.normal_email(email)}")
        return users.create(db, email=email, name=name, role=role, password_hash=passwords.hash_password(password))
