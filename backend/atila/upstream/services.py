"""Upstreams that speak more than plain HTTP, as `was` lends them: each is loaded with its first call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .group import Futures

if TYPE_CHECKING:
    from .db import Sql
    from .grpc import Grpc
    from .mongodb import MongoStub
    from .redis import RedisStub
    from .rpc import Remote


def sql(was: Any) -> Sql:
    """Return what `was.sql` is."""
    from .db import Sql

    return Sql(was.app.sqlmaps)


def xmlrpc(was: Any) -> Remote:
    """Return what `was.rpc` and `was.xmlrpc` are."""
    from .rpc import XML_RPC, Remote

    return Remote(was.calls, XML_RPC)


def jsonrpc(was: Any) -> Remote:
    """Return what `was.jsonrpc` is."""
    from .rpc import JSON_RPC, Remote

    return Remote(was.calls, JSON_RPC)


def grpc(was: Any) -> Grpc:
    """Return what `was.grpc` is."""
    from .grpc import Grpc

    return Grpc(was.calls)


def websocket(was: Any) -> Callable[..., Any]:
    """Return what `was.ws` is."""
    from .websocket import open_websocket

    return partial(open_websocket, was.calls)


def redis(was: Any) -> Callable[..., RedisStub]:
    """Return what `was.redis` is."""
    from .redis import RedisStub

    return partial(RedisStub, was.calls)


def mongodb(was: Any) -> Callable[..., MongoStub]:
    """Return what `was.mongodb` is."""
    from .mongodb import MongoStub

    return partial(MongoStub, was.calls)


def futures(was: Any) -> Callable[..., Futures]:
    """Return what `was.Futures` is."""
    return partial(Futures, was, was.calls.clients.loop)


def promise(*arguments: Any, **named: Any) -> None:
    """Refuse what earlier releases had. Raises RuntimeError, always."""
    raise RuntimeError("was.promise is gone: return was.Futures(calls).then(respond)")
