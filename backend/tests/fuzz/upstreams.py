"""What upstreams answer and aliases say: members, redirections, targets, remote methods' results, templates of SQL."""

from __future__ import annotations

import re
from typing import Any

from atila.alias import Alias, Kind, Member
from atila.errors import SettingError
from atila.upstream.db.columns import parse_table
from atila.upstream.db.conditions import read_key
from atila.upstream.db.postgresql import PostgreSQL
from atila.upstream.db.select import Select
from atila.upstream.db.sqlite import SQLite
from atila.upstream.db.sqlmaps import read_file
from atila.upstream.db.template import Template
from atila.upstream.forwarding import Origin, rewritten, target_of
from atila.upstream.message import HTTPReply
from atila.upstream.rpc import JSON_RPC, XML_RPC
from tests.fuzz.outcome import REFUSED, outcome

_POSTGRESQL, _SQLITE = PostgreSQL(()), SQLite("")
_QUOTED = re.compile(r"\"[A-Za-z0-9_]+\"|'[^']*'")
_BARE = re.compile(r"[A-Za-z0-9_ .,()*=<>:?#{}%s-]*")  # what is ours beside names and literals
_ORIGIN = Origin("http", "up.example", 8080)


def alias(data: bytes) -> None:
    """A member of any kind reads, or is refused; neither tells the password."""
    text = data.decode("latin-1")
    for kind in Kind:
        read = _member(kind, text)
        if isinstance(read, Member):
            assert 0 <= read.port < 65536
            assert read.weight > 0
        if kind not in (Kind.SQLITE3, Kind.DJANGO) or isinstance(read, str):  # whose members are paths
            assert "hidden" not in repr(read) or ":hidden@" not in text


def _member(kind: Kind, text: str) -> Member | str:
    try:
        return Alias.parse("@fuzz", kind, ["localhost", text]).members[1]
    except ValueError as error:
        return str(error)


def location(data: bytes) -> None:
    """A redirection's place, below a member or elsewhere, becomes one that leads our client no further."""
    text = data.decode("latin-1")
    for base, prefix in (("", ""), ("", "/shop"), ("/base", "/shop"), ("/base", "")):
        found = rewritten(text, _ORIGIN, base, prefix)
        assert found == text or (found.startswith("/") and not found.startswith("//"))


def target(data: bytes) -> None:
    """A path that is passed on stays below the member's own, and is one word of a request line."""
    path = data.decode("latin-1")
    for base in ("", "base/"):
        found = outcome(target_of, Member("up.example", 80, database=base), path, "")
        if found is not REFUSED:
            assert found == "/base" or found.startswith("/base/" if base else "/")
            assert found.isascii()
            assert not {" ", "\r", "\n", "?", "#"} & set(found)
            assert target_of(Member("up.example", 80, database=base), path, "q") == f"{found}?q"


def answer(data: bytes) -> None:
    """Whatever an upstream answers, there is a reply: data, or why there are none."""
    kind, _, body = data.partition(b"\n")
    headers = [("content-type", kind.decode("latin-1"))]
    for decode in (None, XML_RPC.read, JSON_RPC.read):
        for status in (200, 500):
            reply = HTTPReply(status, "", headers, body, decode=decode)
            assert reply.usable == (reply.status_code == 200)
            assert reply.usable or str(reply.failure())
            reply.text.encode("utf-8", "surrogatepass")


def template(data: bytes) -> None:
    """A file of templates reads, or says where it is wrong; each place in a text gets one value."""
    try:
        texts = read_file("file", data.decode("latin-1").replace("\r", "\n"))
    except SettingError:
        return
    for text in texts.values():
        forms = {piece.name: piece.form for piece in text.pieces if not isinstance(piece, str)}
        given: dict[str, Any] = {name: [1, 2] if forms[name] == "list" else "size" for name in text.values}
        query = Template(None, text).data(**given)
        try:
            statement = query.compile(_POSTGRESQL, {})
        except ValueError:
            continue  # a name that stands for a list as well
        assert statement.params is not None
        assert statement.sql.replace("%%", "").count("%s") == len(statement.params)


def names(data: bytes) -> None:
    """Columns, tables and the like read, or are refused; nothing of them stands bare in a query."""
    text = data.decode("latin-1")
    steps: list[Any] = [
        lambda: Select(None, text),
        lambda: Select(None, "photo").get(text),
        lambda: Select(None, "photo").order_by(text),
        lambda: Select(None, "photo").group_by(text),
        lambda: Select(None, "photo p").join("person u", text),
        lambda: Select(None, "photo p").filter(**{text: 1}),
        lambda: Select(None, "photo p").filter(**{text: ["a"]}),
        lambda: Select(None, "photo p").having(text, gt=1),
    ]
    for step in steps:
        try:
            statement = step().compile(_POSTGRESQL, {})
            step().compile(_SQLITE, {})
        except ValueError:
            continue
        assert _BARE.fullmatch(_QUOTED.sub("", statement.sql)), statement.sql
        assert statement.sql.count("%s") == len(statement.params)
    try:
        assert read_key(text).operator
        assert parse_table(text).known
    except ValueError:
        return
