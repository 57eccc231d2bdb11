"""Commands of the application: migrate, downgrade, revision, seed, user-add, openapi; `--help` tells more."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable

from app import database, seeding
from app.identity import ROLES
from app.loading import application, connected
from app.settings import Settings, SettingsError, load


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 0 when it worked. A mistake of the user's is one line on stderr."""
    given = parser().parse_args(arguments)
    command: Callable[[Settings, argparse.Namespace], None] = given.command
    try:
        command(load(), given)
    except (SettingsError, seeding.SeedError) as error:
        print(f"manage: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    top = argparse.ArgumentParser(prog="python -m app.manage", description=__doc__)
    commands = top.add_subparsers(required=True)
    commands.add_parser("migrate", help="bring the database up to date").set_defaults(command=migrate)
    down = commands.add_parser("downgrade", help='take the database back: a revision, "-1", "base"')
    down.add_argument("revision")
    down.set_defaults(command=downgrade)
    new = commands.add_parser("revision", help="write an empty migration, to be filled in")
    new.add_argument("message")
    new.set_defaults(command=revision)
    commands.add_parser("seed", help="make the administrator, and examples while developing").set_defaults(command=seed)
    add = commands.add_parser("user-add", help="make an account; the password comes from PASSWORD or is asked for")
    add.add_argument("email")
    add.add_argument("name")
    add.add_argument("role", choices=ROLES)
    add.set_defaults(command=user_add)
    commands.add_parser("openapi", help="print the OpenAPI document").set_defaults(command=openapi)
    return top


def migrate(settings: Settings, _: argparse.Namespace) -> None:
    """Brings the database up to date."""
    database.migrate(settings.database_url)


def downgrade(settings: Settings, given: argparse.Namespace) -> None:
    """Takes the database back to an older revision."""
    database.downgrade(settings.database_url, given.revision)


def revision(_: Settings, given: argparse.Namespace) -> None:
    """Writes an empty migration."""
    print(f"made {database.write_revision(given.message)}")


def seed(settings: Settings, _: argparse.Namespace) -> None:
    """Makes what a fresh database needs; what is there already stays."""
    with connected(settings) as connect:
        for line in seeding.seed(settings, connect):
            print(line)


def user_add(settings: Settings, given: argparse.Namespace) -> None:
    """Makes an account."""
    password = os.environ.get("PASSWORD") or getpass.getpass("Password: ")
    with connected(settings) as connect:
        user = seeding.add_user(connect, given.email, given.name, given.role, password)
    print(f"made {user.role} {user.email}")


def openapi(settings: Settings, _: argparse.Namespace) -> None:
    """Prints the OpenAPI document as JSON."""
    print(json.dumps(application(settings).openapi(), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
