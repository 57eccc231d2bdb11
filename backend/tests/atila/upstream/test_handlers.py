"""Databases in handlers, as the documentation shows them, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

import atila
from atila import Atila
from atila.upstream.db import Database


@pytest.fixture
def app(database: Database) -> Atila:
    """An app whose "@mydb" is a database with an empty table `photo`."""
    made = atila.Atila(__name__)
    alias = database.alias
    made.platform.aliases["@mydb"] = alias  # type: ignore[index]  # a parsed alias, as `alias()` makes it
    return made


@pytest.mark.row("11.18")
@pytest.mark.row("11.20")
def test_the_first_example_of_the_documentation(app: Atila) -> None:
    @app.route("/<int:uid>/photos", methods=["GET", "DELETE", "POST", "OPTIONS"])
    def photos(was: Any, uid: int, **DATA: Any) -> Any:  # noqa: N803 - the documentation's name
        with was.db("@mydb") as db:
            if was.request.method == "GET":
                rows = db.select("photo").filter(uid=uid).execute().fetch()
                return was.API(rows=rows)
            if was.request.method == "DELETE":
                db.delete("photo").filter(uid=uid).execute().commit()
                return was.API("205 No Content")
            if not DATA.get("title"):
                raise was.Error("400 Bad Request", "title required")
            DATA["uid"] = uid
            row = db.insert("photo").data(**DATA).returning("id").execute().one()
            return was.API("201 Created", id=row.id)

    with app.test_client() as cli:
        assert cli.post("/7/photos", json={"title": "Alps"}).status_code == 201
        assert cli.post("/7/photos", json={"title": ""}).status_code == 400
        assert cli.post("/8/photos", json={"title": "'; DROP TABLE photo; --"}).data == {"id": 2}
        assert [row["title"] for row in cli.get("/7/photos").data["rows"]] == ["Alps"]
        assert cli.delete("/7/photos").status_code == 205
        assert cli.get("/7/photos").data == {"rows": []}
        assert len(cli.get("/8/photos").data["rows"]) == 1


@pytest.mark.row("11.9")
def test_one_row_or_a_status(app: Atila, database: Database) -> None:
    database.session().insert("photo").data({"uid": 1}, {"uid": 2}, {"uid": 2}).execute().commit()

    @app.route("/plain/<int:uid>")
    def plain(was: Any, uid: int) -> Any:
        return was.API(id=was.db("@mydb").select("photo").filter(uid=uid).execute().one().id)

    @app.route("/async/<int:uid>")
    async def asynchronous(was: Any, uid: int) -> Any:
        found = await was.db("@mydb").select("photo").filter(uid=uid).execute().settled()
        return was.API(id=found.one().id)

    with app.test_client() as cli:
        for kind in ("plain", "async"):
            assert cli.get(f"/{kind}/1").data == {"id": 1}
            assert cli.get(f"/{kind}/2").status_code == 409
            assert cli.get(f"/{kind}/3").status_code == 404


def test_an_error_in_a_block_undoes_it(app: Atila, database: Database) -> None:
    @app.route("/plain")
    def plain(was: Any) -> Any:
        with was.db("@mydb") as db:
            db.insert("photo").data(title="a").execute().commit()
            assert was.db("@mydb").select("photo").count().execute().value() == 1
            raise was.Error("409 Conflict")

    @app.route("/async")
    async def asynchronous(was: Any) -> Any:
        async with was.db("@mydb") as db:
            await db.insert("photo").data(title="a").execute()
            raise was.Error("409 Conflict")

    with app.test_client() as cli:
        assert cli.get("/plain").status_code == 409
        assert cli.get("/async").status_code == 409
    assert database.session().select("photo").execute().fetch() == []


def test_what_the_database_says_stays_here(app: Atila) -> None:
    @app.route("/nope")
    def nope(was: Any) -> Any:
        return was.API(rows=was.db("@mydb").execute("SELECT nope FROM photo").fetch())

    @app.route("/find")
    def find(was: Any, title: str) -> Any:
        return was.API(rows=was.db("@mydb").select("photo").filter(title__contains=title).execute().fetch())

    with app.test_client() as cli:
        answer = cli.get("/nope")
        assert answer.status_code == 500
        assert "nope" not in str(answer.data)
        assert cli.get("/find?title=%25%27%22").data == {"rows": []}
        assert cli.get("/find?title=a%00b").status_code == 400


@pytest.mark.row("11.25")
def test_an_explicit_transaction_in_a_handler(app: Atila, database: Database) -> None:
    @app.route("/swap")
    def swap(was: Any) -> Any:
        with was.transaction("@mydb") as transaction:
            transaction.execute(was.db("@mydb").insert("photo").data(title="kept"))
            transaction.commit()
            transaction.execute("DELETE FROM photo")
        return was.API("204 No Content")

    with app.test_client() as cli:
        assert cli.get("/swap").status_code == 204
    assert database.session().select("photo").execute().one().title == "kept"


def test_plain_handlers_without_threads(app: Atila) -> None:
    @app.route("/")
    def index(was: Any) -> Any:
        with was.db("@mydb") as db:
            db.insert("photo").data(title="a").execute().commit()
        return was.API(title=was.db("@mydb").select("photo").execute().one().title)

    with app.test_client(threads=0) as cli:
        assert cli.get("/").data == {"title": "a"}
