"""The system itself: is it ready, and what the frontend needs to know of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from msgspec import Struct

from app.settings import ROOT
from atila import API, Atila, Was

NAME = "Atila Starter"
VERSION = "0.1.0"


class PublicConfig(Struct, frozen=True):
    """What the frontend asks for when it starts; sizes in bytes."""

    name: str
    version: str
    max_upload_bytes: int


def __mount__(app: Atila) -> None:  # noqa: N807 - the documented name
    if release := release_name(ROOT):
        app.health.facts["release"] = release

    @app.ready_check
    def database(was: Was) -> str | None:
        """Whether the database answers, with the schema that this code knows."""
        reply = was.db("@db").select("alembic_version").get("version_num").execute().dispatch()
        if not reply.usable:
            return "does not answer, or was never migrated"
        if [row.version_num for row in reply.data or []] != [newest_revision()]:
            return "not migrated to this release"
        return None

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
    """The revision of the schema that this code knows, by the names of the migrations' files.

    Alembic says the same, but loading it costs a worker 28 MB.
    """
    migrations = Path(__file__).parents[1] / "migrations" / "versions"
    return max((file.name.partition("_")[0] for file in migrations.glob("[0-9]*_*.py")), default=None)
