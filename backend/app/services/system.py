"""The system itself: is it alive, is it ready, and what the frontend needs to know of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from msgspec import Struct

from app.settings import ROOT
from atila import API, Atila, Was
from atila.errors import HTTPError

NAME = "Atila Starter"
VERSION = "0.1.0"


class PublicConfig(Struct, frozen=True):
    """What the frontend asks for when it starts; sizes in bytes."""

    name: str
    version: str
    max_upload_bytes: int


class Health(Struct, frozen=True, omit_defaults=True):
    """One word, alive or ready, and which release answers: deploy/ writes its name beside backend/."""

    status: str
    release: str = ""


def __mount__(app: Atila) -> None:  # noqa: N807 - the documented name
    release = release_name(ROOT)

    @app.route("/health/live", methods=["GET"], include_in_schema=False)
    async def live(was: Was) -> API[Health]:
        """Whether the process answers."""
        return was.API(Health("alive"))

    @app.route("/health/ready", methods=["GET"], include_in_schema=False)
    def ready(was: Was) -> API[Health]:
        """Whether requests can be served: the database answers, with the schema that this code knows."""
        reply = was.db("@db").select("alembic_version").get("version_num").execute().dispatch()
        if not reply.usable:
            raise HTTPError(503, "the database does not answer, or was never migrated")
        if [row.version_num for row in reply.data or []] != [newest_revision()]:
            raise HTTPError(503, "the database is not migrated to this release")
        return was.API(Health("ready", release))

    @app.route("/api/v1/system/config", methods=["GET"], tags=["system"])
    def get_config(was: Was) -> API[PublicConfig]:
        """What the frontend needs to know before anybody signs in."""
        return was.API(PublicConfig(NAME, VERSION, was.app.config.settings.max_upload_bytes))


def release_name(root: Path) -> str:
    """The name in `root`/RELEASE, empty where nothing was deployed."""
    file = root / "RELEASE"
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


@cache
def newest_revision() -> str | None:
    """The revision of the schema that this code knows; it stays the same while the process lives."""
    from app import database  # Alembic: read when somebody asks, not when every worker starts

    return database.head()
