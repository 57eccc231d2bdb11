"""Blocks on the query builder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from atila import Atila
from atila.alias import DB_PGSQL, DB_SQLITE3
from tests.documented.conftest import ClientOf


def test_a_query_of_was_sql(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    app.setup_sqlphile(DB_SQLITE3)
    app.alias("@db", DB_SQLITE3, str(tmp_path / "users.db"))

    @app.route("/")
    def index(was: Any) -> Any:
        was.db("@db").execute("CREATE TABLE tbl_user (id, name)").commit()
        was.db("@db").execute("INSERT INTO tbl_user VALUES (4, 'Hans')").commit()
        q = was.sql.select("tbl_user").get("id, name").filter(id=4)
        req = was.db("@db").execute(q)
        result = req.getwait()
        return was.API(rows=result.data)

    assert client_of(app).get("/").data == {"rows": [{"id": 4, "name": "Hans"}]}


def test_queries_of_a_database(app: Atila, client_of: ClientOf, postgresql_url: str) -> None:
    app.setup_sqlphile(DB_PGSQL)
    app.alias("@mypostgres", DB_PGSQL, postgresql_url)

    @app.route("/")
    def query(was: Any) -> Any:
        dbo = was.db("@mypostgres")
        dbo.execute("CREATE TABLE cities (id serial, name text)").commit()
        dbo.insert("cities").data(name="West Virginia").execute().commit()
        req = dbo.select("cities").get("id, name").filter(name__like="%Virginia").execute()
        response = req.getwait(2)
        dbo.insert("cities").data(name="New York").execute().wait_or_throw("500 Server Error")
        names = dbo.select("cities").get("name").order_by("id").execute().fetch()
        dbo.execute("DROP TABLE cities").commit()
        return was.API(found=response.data, names=[row.name for row in names])

    assert client_of(app).get("/").data == {
        "found": [{"id": 1, "name": "West Virginia"}],
        "names": ["West Virginia", "New York"],
    }
