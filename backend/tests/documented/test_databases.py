"""Chapter 11: databases, as the documentation shows them, on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from atila import Atila
from atila.alias import DB_PGSQL, DB_SQLITE3
from atila.upstream.db import F, Q
from tests.documented.conftest import ClientOf

KEYS = {"sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT", "postgresql": "SERIAL PRIMARY KEY"}
STATISTICS = """
<sql name="sizes">
  SELECT topic, count(*) AS photos, sum(size) AS total FROM photo
  WHERE {this.filters} {this.group_by} {this.order_by} {this.limit} {this.offset}
</sql>
<sql name="larger">SELECT id FROM photo WHERE size > {size} AND topic IN {topics:list} ORDER BY id</sql>
"""


@pytest.fixture
def project(database_url: str, tmp_path: Path) -> Atila:
    """An app whose "@mydb" has three photos, and that has a template of SQL."""
    app = Atila("tests")
    app.home = tmp_path
    (tmp_path / "sqlmaps").mkdir()
    (tmp_path / "sqlmaps" / "photo.sql").write_text(STATISTICS, encoding="utf-8")
    kind = database_url.partition("://")[0]
    engine = DB_SQLITE3 if kind == "sqlite" else DB_PGSQL
    app.alias("@mydb", engine, database_url)
    app.setup_sqlphile(engine)

    @app.mounted
    def mounted(was: Any) -> None:
        db = was.db("@mydb")
        db.execute(f"CREATE TABLE photo (id {KEYS[kind]}, title TEXT UNIQUE, size INTEGER, topic INTEGER)").commit()
        rows = [{"title": "sea", "size": 10, "topic": 1}, {"title": "hill", "size": 20, "topic": 1}]
        db.insert("photo").data(*rows, {"title": "town", "size": 30, "topic": 2}).execute().commit()

    return app


@pytest.mark.row("11.18", "11.22")
def test_a_block_that_reads_and_writes(project: Atila, client_of: ClientOf) -> None:
    @project.route("/photos", methods=["GET", "POST", "DELETE"])
    def photos(was: Any, title: str | None = None, topic: int | None = None) -> Any:
        with was.db("@mydb") as db:
            if was.request.method == "GET":
                rows = db.select("photo").get("id, title").filter(topic=topic).order_by("id").execute().fetch()
                return was.API(rows=rows, first=rows[0].title)
            if was.request.method == "DELETE":
                db.delete("photo").filter(title=title).execute().commit()
                return was.API("205 No Content")
            row = db.insert("photo").data(title=title, topic=topic).returning("id").execute().one()
            return was.API("201 Created", id=row.id)

    cli = client_of(project)
    assert cli.post("/photos", json={"title": "wood", "topic": 2}).data == {"id": 4}
    assert cli.get("/photos?topic=2").data == {
        "rows": [{"id": 3, "title": "town"}, {"id": 4, "title": "wood"}],
        "first": "town",
    }
    assert cli.delete("/photos?title=wood").status_code == 205
    assert len(cli.get("/photos").data["rows"]) == 3


@pytest.mark.row("11.18", "11.19")
def test_the_database_goes_by_several_names(project: Atila, client_of: ClientOf) -> None:
    @project.route("/")
    def index(was: Any) -> Any:
        sql = "SELECT count(*) AS n FROM photo"
        return was.API(found=[lend("@mydb").execute(sql).value() for lend in (
            was.db, was.asyncon, was.backend, was.sqlite3, was.postgresql, was.db.lb
        )])  # fmt: skip

    assert client_of(project).get("/").data == {"found": [3] * 6}


@pytest.mark.row("11.20", "11.21")
def test_the_query_builder(project: Atila, client_of: ClientOf) -> None:
    @project.route("/search")
    def search(was: Any, word: str | None = None, least: int | None = None) -> Any:
        photos = was.db("@mydb").select("photo").filter(title__contains=word, size__gte=least)
        tops = photos.get("topic, count(*) as n").group_by("topic").order_by("-n").limit(1)
        either = photos.filter(Q(topic=2) | Q(size__lt=F("topic") * 11)).order_by("-id")
        return was.API(
            ids=[row.id for row in photos.get("id").order_by("-size")[:2].execute().fetch()],
            most=photos.aggregate(most="max(size)").execute().one(), top=tops.execute().fetch(),
            either=[row.id for row in either.execute().fetch()],
        )  # fmt: skip

    @project.route("/grow", methods=["POST"])
    def grow(was: Any, by: int) -> Any:
        db = was.db("@mydb")
        changed = db.update("photo").data(size=F("size") + by).filter(topic__in=[1], title__startswith="s")
        return was.API(rows=changed.returning("id, size").execute().fetch())

    cli = client_of(project)
    assert cli.get("/search").data == {
        "ids": [3, 2], "most": {"most": 30}, "top": [{"topic": 1, "n": 2}], "either": [3, 1],
    }  # fmt: skip
    assert cli.get("/search?word=%25").data["ids"] == []
    assert cli.get("/search?least=15&word=i").data["ids"] == [2]
    assert cli.post("/grow", json={"by": 5}).data == {"rows": [{"id": 1, "size": 15}]}


@pytest.mark.row("11.23", "11.9")
def test_errors_of_a_database(project: Atila, client_of: ClientOf) -> None:
    @project.route("/told")
    def told(was: Any) -> Any:
        reply = was.db("@mydb").execute("SELECT nope FROM photo").dispatch()
        return was.API(status=reply.status, status_code=reply.status_code, reason=reply.reason)

    @project.route("/taken", methods=["POST"])
    def taken(was: Any, title: str) -> Any:
        db = was.db("@mydb")
        try:
            db.insert("photo").data(title=title).execute().fetch()
        except db.IntegrityError:
            raise was.Error("409 Conflict", "that title is taken") from None
        return was.API("201 Created")

    @project.route("/one")
    def one(was: Any, topic: int) -> Any:
        return was.API(was.db("@mydb").select("photo").filter(topic=topic).execute().one())

    cli = client_of(project)
    assert cli.get("/told").data == {"status": 3, "status_code": 500, "reason": "Database Error"}
    assert cli.post("/taken", json={"title": "sea"}).status_code == 409
    assert [cli.get(f"/one?topic={topic}").status_code for topic in (1, 2, 3)] == [409, 200, 404]


@pytest.mark.row("11.24")
def test_each_statement_commits_by_itself(project: Atila, client_of: ClientOf) -> None:
    @project.route("/half", methods=["POST"])
    def half(was: Any) -> Any:
        was.db("@mydb").update("photo").data(size=0).filter(id=1).execute()
        raise was.Error("500 Internal Server Error", "after the write")

    @project.route("/none", methods=["POST"])
    def none(was: Any) -> Any:
        with was.db("@mydb") as db:
            db.update("photo").data(size=7).filter(id=2).execute()
            with db:
                db.update("photo").data(size=8).filter(id=3).execute()
            raise was.Error("409 Conflict", "inside a block")

    @project.route("/sizes")
    def sizes(was: Any) -> Any:
        rows = was.db("@mydb").select("photo").get("size").order_by("id").execute().fetch()
        return was.API(sizes=[row.size for row in rows])

    cli = client_of(project)
    assert cli.post("/half").status_code == 500
    assert cli.post("/none").status_code == 409
    assert cli.get("/sizes").data == {"sizes": [0, 20, 30]}


@pytest.mark.row("11.25")
def test_a_transaction_written_out(project: Atila, client_of: ClientOf) -> None:
    @project.route("/move", methods=["POST"])
    def move(was: Any, amount: int) -> Any:
        with was.transaction("@mydb") as db:
            size = db.execute(was.sql.select("photo").get("size").filter(id=1)).fetchone().size
            db.execute(was.sql.update("photo").data(size=F("size") - amount).filter(id=1))
            db.execute(was.sql.update("photo").data(size=F("size") + amount).filter(id=2))
            if size < amount:
                db.rollback()
            else:
                db.commit()
            rows = db.execute(was.sql.select("photo").get("size").order_by("id")).fetchall()
            return was.API(sizes=[row.size for row in rows])

    @project.route("/portions")
    def portions(was: Any) -> Any:
        db = was.transaction("@mydb")
        db.execute("SELECT id FROM photo ORDER BY id")
        first, rest, none = db.fetchmany(2), db.fetch(), db.fetchone()
        db.putback()
        return was.API(first=first, rest=rest, none=none)

    cli = client_of(project)
    assert cli.post("/move", json={"amount": 4}).data == {"sizes": [6, 24, 30]}
    assert cli.post("/move", json={"amount": 7}).data == {"sizes": [6, 24, 30]}
    assert cli.get("/portions").data == {"first": [{"id": 1}, {"id": 2}], "rest": [{"id": 3}], "none": None}


@pytest.mark.row("11.26")
def test_queries_without_a_database_and_templates(project: Atila, client_of: ClientOf) -> None:
    @project.route("/")
    def index(was: Any) -> Any:
        query = was.sql.select("photo").get("id, title").filter(id=3)
        found = was.db("@mydb").execute(query).getwait()
        return was.API(found.data)

    @project.route("/sizes")
    def sizes(was: Any, least: int | None = None) -> Any:
        query = was.sql.photo.sizes.filter(size__gte=least).group_by("topic").order_by("topic")[:10]
        larger = was.db("@mydb").template("photo.larger", size=least or 0, topics=[1, 2])
        return was.API(rows=was.db("@mydb").execute(query).fetch(), larger=[row.id for row in larger.execute().fetch()])

    cli = client_of(project)
    assert cli.get("/").data == [{"id": 3, "title": "town"}]
    assert cli.get("/sizes?least=15").data == {
        "rows": [{"topic": 1, "photos": 1, "total": 20}, {"topic": 2, "photos": 1, "total": 30}], "larger": [2, 3],
    }  # fmt: skip


@pytest.mark.row("11.26")
def test_was_sql_is_there_without_a_setup(client_of: ClientOf) -> None:
    app = Atila("tests")

    @app.route("/")
    def index(was: Any) -> Any:
        text, values, *_ = was.sql.as_sql(was.sql.select("user").get("id, name").filter(id=4))
        return was.API(text=text, values=values)

    assert client_of(app).get("/").data == {"text": 'SELECT "id", "name" FROM "user" WHERE "id" = %s', "values": [4]}


@pytest.mark.row("11.18")
def test_databases_in_an_async_handler(project: Atila, client_of: ClientOf) -> None:
    @project.route("/")
    async def index(was: Any) -> Any:
        async with was.db("@mydb") as db:
            await db.update("photo").data(size=11).filter(id=1).execute()
        photos = was.db("@mydb").select("photo")
        return was.API(row=(await photos.filter(id=1).execute())[0], total=(await photos.count().execute())[0].count)

    assert client_of(project).get("/").data == {"row": {"id": 1, "title": "sea", "size": 11, "topic": 1}, "total": 3}
