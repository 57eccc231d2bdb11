"""MongoDB by pymongo, against a small server of the tests: none is packaged for the machines that run them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from atila.alias import DB_MONGODB, DB_REDIS
from atila.config import default_config
from atila.errors import SettingError
from atila.platform import LocalPlatform
from atila.upstream import mongodb
from atila.upstream.calls import Calls
from atila.upstream.mongodb import MongoStub
from atila.upstream.task import STA_NETERR, STA_NORMAL, STA_TIMEOUT
from tests.servers.mongodb import MongoServer
from tests.servers.upstream import free_port

BACKEND = Path(__file__).parents[3]


def calls(*aliases: tuple[str, str, str]) -> Calls:
    platform = LocalPlatform("tests")
    for name, kind, member in aliases:
        platform.alias(name, kind, member)
    return Calls.of(platform, default_config())


@pytest.mark.row("11.19")
def test_without_the_package_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongodb, "pymongo", None)
    with pytest.raises(SettingError, match="pip install pymongo"):
        MongoStub(calls(("@docs", DB_MONGODB, "127.0.0.1")), "@docs", "photos")


@pytest.mark.parametrize(("name", "words"), [("@cache", "is of kind redis"), ("docs", "takes an alias")])
def test_what_is_no_mongodb(name: str, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        MongoStub(calls(("@cache", DB_REDIS, "127.0.0.1")), name, "photos")


@pytest.mark.row("11.19")
def test_documents_go_in_and_come_out_as_a_list() -> None:
    server = MongoServer()
    made = calls(("@docs", DB_MONGODB, f"{server.address}/library"))
    books = MongoStub(made, "@docs", "books")
    with books:
        added = books.insert_many([{"_id": 1, "title": "Emma"}, {"_id": 2, "title": "Persuasion"}]).fetch()
    assert added.inserted_ids == [1, 2]
    assert books.find().fetch() == [{"_id": 1, "title": "Emma"}, {"_id": 2, "title": "Persuasion"}]
    assert books.find({"title": "Emma"}).one() == {"_id": 1, "title": "Emma"}
    assert books.find_one({"_id": 2}).fetch() == {"_id": 2, "title": "Persuasion"}
    assert books.find_one({"_id": 3}).fetch() is None
    wrong = books.drop_index("none").dispatch()
    assert (wrong.status, wrong.status_code, wrong.reason) == (STA_NORMAL, 500, "Database Error")
    made.clients.close()
    server.stop()


@pytest.mark.row("11.19")
def test_a_server_that_is_away_or_silent() -> None:
    port = free_port()
    made = calls(("@docs", DB_MONGODB, f"127.0.0.1:{port}/library?serverSelectionTimeoutMS=100"))
    away = MongoStub(made, "@docs", "photos").find({"city": "Seoul"}).dispatch()
    assert (away.status, away.status_code) == (STA_NETERR, 701)
    late = MongoStub(made, "@docs", "photos", timeout=0.01).insert_one({"a": 1}).dispatch()
    assert late.status == STA_TIMEOUT
    made.clients.close()


def test_in_an_async_handler() -> None:
    made = calls(("@docs", DB_MONGODB, f"127.0.0.1:{free_port()}/library?serverSelectionTimeoutMS=50"))

    async def handler() -> int:
        return (await MongoStub(made, "@docs", "photos").count_documents({}).settled()).dispatch().status

    assert asyncio.run(handler()) == STA_NETERR
    made.clients.close()


def test_what_is_no_method_and_a_stub_that_nobody_used() -> None:
    made = calls(("@docs", DB_MONGODB, "127.0.0.1"))
    photos = MongoStub(made, "@docs", "photos")
    with pytest.raises(AttributeError, match="_private"):
        _ = photos._private
    made.clients.loop.submit(asyncio.sleep(0)).result(5)
    made.clients.close()


def test_a_machine_without_pymongo() -> None:
    script = "import sys; sys.modules['pymongo'] = None; from atila.upstream import mongodb; print(mongodb.pymongo)"
    done = subprocess.run([sys.executable, "-c", script], cwd=BACKEND, capture_output=True, timeout=60, check=True)
    assert done.stdout.strip() == b"None"
