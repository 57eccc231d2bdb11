"""Django projects as aliases, and their query sets as SQL, on both databases; in a process of their own each."""

from __future__ import annotations

import importlib
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from atila.alias import Member
from atila.django_project import enter_project, project_root

BACKEND = Path(__file__).parents[2]
SETTINGS = """
SECRET_KEY = "k"
USE_TZ = True
INSTALLED_APPS = ["photos"]
DATABASES = {"default": %r}
"""
MODELS = """
from django.db import models

class Owner(models.Model):
    name = models.CharField(max_length=40)

class Photo(models.Model):
    owner = models.ForeignKey(Owner, models.CASCADE, related_name="photos")
    title = models.CharField(max_length=200)
    size = models.IntegerField(null=True)
    public = models.BooleanField(default=True)
    taken = models.DateField(null=True)
    created = models.DateTimeField(null=True)
"""
HEAD = """
import datetime, json
from atila.platform import LocalPlatform
from atila.upstream.db.registry import open_databases

platform = LocalPlatform()
platform.alias("@django", "django", "site/conf/settings.py")

import django
from django.db import connection

django.setup()
from django.db.models import Count, F, Q, Sum
from photos.models import Owner, Photo

db = platform.resource(open_databases)("@django")
utc = datetime.timezone.utc

def asked(query):
    print(json.dumps([dict(row) for row in db.execute(query).fetch()], default=str))
"""
FILL = """
with connection.schema_editor() as editor:
    editor.create_model(Owner)
    editor.create_model(Photo)
anna, bert = Owner.objects.create(name="Anna"), Owner.objects.create(name="Bert")
moment = datetime.datetime(2026, 5, 6, 7, 8, 9, tzinfo=utc)
Photo.objects.create(owner=anna, title="100%_sure'; --", size=10, taken=moment.date(), created=moment)
Photo.objects.create(owner=anna, title="Ålesund", size=20, public=False, created=moment)
Photo.objects.create(owner=bert, title="Alps", size=None)
"""


def run(folder: Path, database: dict[str, object], script: str, head: str = HEAD) -> list[str]:
    """Run a script beside a project and return the lines it prints. Raises AssertionError with its errors."""
    for name, text in {
        "site/conf/__init__.py": "",
        "site/conf/settings.py": SETTINGS % database,
        "site/photos/__init__.py": "",
        "site/photos/models.py": MODELS,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", head + script],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(BACKEND)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def settings_of(url: str, folder: Path) -> dict[str, object]:
    """Return Django's settings of a database."""
    if url.startswith("sqlite"):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "django.db")}
    member = Member(*_parts(url))
    return {
        "ENGINE": "django.db.backends.postgresql", "NAME": member.database, "HOST": member.host, "PORT": member.port,
        "USER": member.user, "PASSWORD": member.password,
    }  # fmt: skip


def _parts(url: str) -> tuple[str, int, str, str, str]:
    credentials, _, place = url.partition("://")[2].rpartition("@")
    user, _, password = credentials.partition(":")
    host, _, rest = place.partition(":")
    port, _, name = rest.partition("/")
    return host, int(port), user, password, name


@pytest.mark.row("11.35", "14.20", "14.21")
def test_query_sets_of_every_shape(database_url: str, tmp_path: Path) -> None:
    script = (
        FILL
        + """
asked(Photo.objects.filter(title="100%_sure'; --").values("title", "size"))
asked(Photo.objects.filter(title__contains="%_s").values_list("title"))
asked(Photo.objects.filter(owner__name="Anna", size__in=[10, 20]).exclude(size__gt=15).values("owner__name", "size"))
asked(Photo.objects.filter(public=False, created__gte=moment).values("public", "created"))
asked(Photo.objects.filter(taken=moment.date()).values("taken"))
asked(Photo.objects.filter(title__icontains="ALP").values("title"))
asked(Photo.objects.filter(title__iexact="ÅLESUND", owner__name__istartswith=F("owner__name")).values("title"))
asked(Photo.objects.filter(title__contains="ALP").values("title"))
asked(Photo.objects.filter(title__regex="^A.p").values("title"))
counted = Owner.objects.annotate(count=Count("photos"), sum=Sum("photos__size")).order_by("name")
asked(counted.values("name", "count", "sum"))
asked(Photo.objects.filter(Q(size=None) | Q(size__lt=F("id") + 15)).order_by("-id").values("id")[:1])
asked(Photo.objects.filter(title__in=[]))
asked(Photo.objects.none())
asked(Photo.objects.prefetch_related("owner").filter(pk=3))
"""
    )
    found = [json.loads(line) for line in run(tmp_path, settings_of(database_url, tmp_path), script)]
    assert found[0] == [{"title": "100%_sure'; --", "size": 10}]
    assert found[1] == [{"title": "100%_sure'; --"}]
    assert found[2] == [{"owner__name": "Anna", "size": 10}]
    assert found[3][0]["public"] is False
    assert found[3][0]["created"].startswith("2026-05-06 07:08:09")
    assert found[4] == [{"taken": "2026-05-06"}]
    assert found[5] == found[8] == [{"title": "Alps"}]
    assert found[6] == [{"title": "Ålesund"}]
    assert found[7] == []
    assert found[9] == [{"name": "Anna", "count": 2, "sum": 30}, {"name": "Bert", "count": 1, "sum": None}]
    assert found[10] == [{"id": 3}]
    assert found[11] == found[12] == []
    assert found[13][0]["title"] == "Alps"


@pytest.mark.row("14.21")
def test_only_query_sets_of_the_same_kind_of_database(tmp_path: Path) -> None:
    script = """
import sqlite3
from atila.django_project import queryset_sql

for thing, placeholder in ((Photo.objects.all(), "%s"), (object(), "?"), (Photo, "?")):
    try:
        print(queryset_sql(thing, placeholder))
    except (ValueError, TypeError) as error:
        print(f"{type(error).__name__}: {error}")
"""
    lines = run(tmp_path, settings_of("sqlite:///x", tmp_path), script)
    assert lines[0] == "ValueError: the QuerySet is written for sqlite, and this database is another kind"
    assert lines[1].startswith("TypeError: object is no query")
    assert lines[2].startswith("TypeError")


@pytest.mark.row("14.20")
def test_a_database_that_is_neither_is_said_so(tmp_path: Path) -> None:
    script = """
try:
    platform.resource(open_databases)("@django")
except ValueError as error:
    print(error)
"""
    lines = run(tmp_path, {"ENGINE": "django.db.backends.dummy"}, script, head=HEAD.partition("db = ")[0])
    assert lines == ["@django: the database of conf.settings is neither PostgreSQL nor SQLite"]


@pytest.mark.row("14.20")
@pytest.mark.parametrize("package", [True, False])
def test_where_a_project_is_imported_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: bool) -> None:
    """Its settings are a module, or a package; the folder around them needs no __init__.py."""
    name = f"shop_{secrets.token_hex(4)}"
    file = tmp_path / name / ("settings/__init__.py" if package else "settings.py")
    file.parent.mkdir(parents=True)
    file.write_text("SECRET_KEY = 'k'")
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.setattr("sys.modules", dict(sys.modules))
    monkeypatch.setattr("os.environ", {})
    for _ in range(2):
        enter_project(file)
    assert os.environ == {"DJANGO_SETTINGS_MODULE": f"{name}.settings"}
    assert sys.path.count(str(tmp_path)) == 1
    assert vars(importlib.import_module(f"{name}.settings"))["SECRET_KEY"] == "k"
    assert project_root() == tmp_path


def test_settings_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no Django settings at"):
        enter_project(tmp_path / "settings.py")
