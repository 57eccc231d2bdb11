"""A Django project beside ours: where it lies, its database as an alias, and its query sets as SQL."""

from __future__ import annotations

import copy
import os
import re
import sys
from pathlib import Path
from typing import Any, Protocol

from .alias import Alias, Kind, Member

VARIABLE = "DJANGO_SETTINGS_MODULE"
KINDS = {"sqlite3": Kind.SQLITE3, "postgresql": Kind.POSTGRESQL, "postgis": Kind.POSTGRESQL, "spatialite": Kind.SQLITE3}
_VENDORS = {"sqlite": "?", "postgresql": "%s"}  # how the drivers of Django's back ends write a value
_PLACE = re.compile(r"%(%|s)")


def enter_project(settings: str | os.PathLike[str]) -> None:
    """Make a project importable and name its settings, as its manage.py does: for `django.setup()`.

    `settings` is its settings.py. Raises ValueError when there is none.
    """
    file = Path(settings).resolve()
    if not file.is_file():
        raise ValueError(f"there are no Django settings at {file}")
    parts, folder = [file.stem] if file.stem != "__init__" else [], file.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    if len(parts) == 1:  # a project's package needs no __init__.py; its folder is the package all the same
        parts.insert(0, folder.name)
        folder = folder.parent
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    os.environ.setdefault(VARIABLE, ".".join(parts))


def project_root() -> Path:
    """Return the folder that the project of the settings in use is imported from: where its manage.py lies."""
    name = os.environ[VARIABLE]
    file = Path(str(sys.modules[name].__file__))
    place = file.parent if file.name == "__init__.py" else file
    return place.parents[name.count(".")]


def database_alias(name: str, connection: str = "default") -> Alias | None:
    """Return the alias of a database of the settings in use, or None when it is neither PostgreSQL nor SQLite."""
    from django.conf import settings  # loaded only where there is a project

    given: dict[str, Any] = settings.DATABASES[connection]
    kind = KINDS.get(str(given.get("ENGINE", "")).rpartition(".")[2])
    if kind is None:
        return None
    database = str(given.get("NAME") or "")
    if kind is Kind.SQLITE3:
        return Alias(name, kind, (Member(database=database),))
    options = {key: str(value) for key, value in (given.get("OPTIONS") or {}).items() if isinstance(value, str | int)}
    host, port = str(given.get("HOST") or "localhost"), int(given.get("PORT") or 5432)
    member = Member(host, port, str(given.get("USER") or ""), str(given.get("PASSWORD") or ""), database, 1, options)
    return Alias(name, kind, (member,))


def resolve_alias(alias: Alias) -> Alias:
    """Return an alias of kind DJANGO as one of the database in its project's settings.

    Raises ValueError when that is neither PostgreSQL nor SQLite.
    """
    found = database_alias(alias.name)
    if found is None:
        raise ValueError(f"{alias.name}: the database of {os.environ[VARIABLE]} is neither PostgreSQL nor SQLite")
    return found


class QuerySet(Protocol):
    """What we need of Django's QuerySet, without loading Django."""

    query: Any

    @property
    def db(self) -> str: ...


def queryset_sql(queryset: QuerySet, placeholder: str) -> tuple[str, list[Any]]:
    """Return a QuerySet's SELECT and its values, for a driver with this placeholder: "?" or "%s".

    Raises TypeError for what is none, ValueError for one of another kind of database.
    """
    if not hasattr(getattr(queryset, "query", None), "get_compiler"):
        raise TypeError(f"{type(queryset).__name__} is no query: expected are SQL, a query of ours, or a QuerySet")
    from django.core.exceptions import EmptyResultSet

    connection = queryset.query.get_compiler(using=queryset.db).connection
    if _VENDORS.get(connection.vendor) != placeholder:
        raise ValueError(f"the QuerySet is written for {connection.vendor}, and this database is another kind")
    if connection.vendor == "sqlite":
        connection = _case_aware(connection)
    compiler = queryset.query.get_compiler(connection=connection)
    try:
        sql, values = compiler.as_sql()
    except EmptyResultSet:  # `.none()`, or a condition that nothing meets
        return "SELECT 1 WHERE 1 = 0", []
    if placeholder == "?":  # Django writes %s and %% for every database
        sql = _PLACE.sub(lambda match: "?" if match[1] == "s" else "%", sql)
    return sql, list(values)


def _case_aware(connection: Any) -> Any:
    """Return Django's SQLite back end with its operators written for connections of ours, on which LIKE minds case."""
    made = copy.copy(connection)
    made.ops = copy.copy(connection.ops)
    cast = connection.ops.lookup_cast
    made.ops.lookup_cast = lambda name, *kind: "atila_lower(%s)" if name in _CASELESS else cast(name, *kind)
    made.operators = {**connection.operators, **dict.fromkeys(_CASELESS, r"LIKE atila_lower(%s) ESCAPE '\'")}
    made.pattern_ops = {
        name: text.replace("UPPER(", "atila_lower(") if name in _CASELESS else text
        for name, text in connection.pattern_ops.items()
    }
    return made


_CASELESS = frozenset({"iexact", "icontains", "istartswith", "iendswith"})
