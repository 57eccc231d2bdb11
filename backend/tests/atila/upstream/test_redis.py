"""Redis, against a real one."""

from __future__ import annotations

import asyncio

import pytest

from atila.alias import DB_REDIS, PROTO_HTTP
from atila.config import default_config
from atila.errors import SettingError
from atila.platform import LocalPlatform
from atila.upstream.calls import Calls
from atila.upstream.redis import RedisStub
from atila.upstream.task import STA_NETERR, STA_NORMAL, STA_TIMEOUT
from tests.servers.redis import RedisServer
from tests.servers.upstream import free_port


@pytest.fixture
def calls(platform: LocalPlatform, redis_server: RedisServer) -> Calls:
    member = f":{redis_server.password}@127.0.0.1:{redis_server.port}/2"
    platform.alias("@cache", DB_REDIS, [f"127.0.0.1:{free_port()} 9", member])  # the first one is down
    return Calls.of(platform, default_config())


@pytest.mark.row("11.19")
def test_commands_on_the_database_of_the_alias(calls: Calls, redis_server: RedisServer) -> None:
    cache = RedisStub(calls, "@cache")
    assert cache.hset("person", mapping={"name": "Emma"}).fetch() == 1
    assert cache.hgetall("person").fetch() == {b"name": b"Emma"}
    assert RedisStub(calls, "@cache", text=True).hgetall("person").fetch() == {"name": "Emma"}
    with redis_server.client() as client:
        assert client.exists("person") == 0  # that is database 0
    with pytest.raises(AttributeError, match="no command"):
        cache.nonsense("a")


@pytest.mark.row("11.19")
def test_a_transaction(calls: Calls) -> None:
    cache = RedisStub(calls, "@cache")
    assert cache.pipeline(("set", "n", 1), ("incrby", "n", 4), ("get", "n")).fetch() == [True, 5, b"5"]
    failed = cache.pipeline(("set", "n", "word"), ("incr", "n")).dispatch()
    assert (failed.status, failed.status_code) == (STA_NORMAL, 500)


def test_in_an_async_handler(calls: Calls) -> None:
    async def handler() -> object:
        cache = RedisStub(calls, "@cache", text=True)
        await cache.set("a", "b")
        return await cache.get("a")

    assert asyncio.run(handler()) == "b"


def test_a_redis_that_hangs_and_one_that_is_away(calls: Calls, redis_server: RedisServer) -> None:
    cache = RedisStub(calls, "@cache", timeout=0.3)
    assert cache.ping().fetch() is True
    redis_server.halt()
    assert cache.ping().dispatch().status == STA_TIMEOUT
    redis_server.go_on()
    assert cache.ping().fetch() is True
    redis_server.stop()
    assert cache.ping().dispatch().status == STA_NETERR


@pytest.mark.parametrize(("name", "words"), [("@shop", "is of kind http"), ("cache", "takes an alias")])
def test_what_is_no_redis(platform: LocalPlatform, name: str, words: str) -> None:
    platform.alias("@shop", PROTO_HTTP, "127.0.0.1")
    with pytest.raises(SettingError, match=words):
        RedisStub(Calls.of(platform, default_config()), name)


def test_a_command_with_wrong_arguments(calls: Calls) -> None:
    reply = RedisStub(calls, "@cache").get().dispatch()
    assert (reply.status, reply.status_code, reply.reason) == (STA_NORMAL, 500, "Request Failure")
    assert isinstance(reply.error, TypeError)
