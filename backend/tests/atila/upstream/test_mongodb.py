"""MongoDB, as far as it goes without one: no server of it is packaged for the machines that test."""

from __future__ import annotations

import asyncio

import pytest

from atila.alias import DB_MONGODB, DB_REDIS
from atila.config import default_config
from atila.errors import SettingError
from atila.platform import LocalPlatform
from atila.upstream import mongodb
from atila.upstream.calls import Calls
from atila.upstream.mongodb import MongoStub
from atila.upstream.task import STA_NETERR, STA_TIMEOUT
from tests.servers.upstream import free_port


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
