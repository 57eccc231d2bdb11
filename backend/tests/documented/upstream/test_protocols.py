"""Chapter "Upstreams": those that speak more than HTTP, by their own names."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xmlrpc.server import SimpleXMLRPCServer

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2
from jsonrpclib.SimpleJSONRPCServer import SimpleJSONRPCServer

from atila import Atila
from atila.alias import DB_MONGODB, DB_REDIS, PROTO_HTTP
from atila.upstream.task import STA_NETERR, STA_NORMAL
from tests.documented.conftest import ClientOf
from tests.documented.upstream.answers import answer_of
from tests.servers.redis import RedisServer
from tests.servers.upstream import free_port


@pytest.mark.row("11.16")
def test_remote_methods_by_xml_rpc(app: Atila, client_of: ClientOf, books: SimpleXMLRPCServer) -> None:
    app.alias("@books", PROTO_HTTP, f"127.0.0.1:{books.server_address[1]}")

    @app.route("/")
    def call(was: Any) -> Any:
        with was.rpc("@books/RPC2") as stub:
            echo = stub.echo(1, "ü<&", None, True, 1.5, [1, {"a": 2}], b"\x00")
            names = stub.system.listMethods()
        *plain, data = echo.fetch()
        return was.API(
            echo=plain,
            data=data == b"\x00",
            names="divide" in names.fetch(),
            sum=was.xmlrpc("@books/RPC2").divide(7, 2).fetch(),
        )

    @app.route("/fault")
    def fault(was: Any) -> Any:
        reply = was.rpc("@books/RPC2").divide(1, 0).dispatch()
        return was.API(status=reply.status, code=reply.status_code, words=str(reply.error))

    @app.route("/raised")
    def raised(was: Any) -> Any:
        was.rpc("@books/RPC2").divide(1, 0).fetch()

    cli = client_of(app)
    assert cli.get("/").data == {
        "echo": [1, "ü<&", None, True, 1.5, [1, {"a": 2}]], "data": True, "names": True, "sum": 3,
    }  # fmt: skip
    failure = cli.get("/fault").data
    assert (failure["status"], failure["code"]) == (STA_NORMAL, 500)
    assert "ZeroDivisionError" in failure["words"]
    assert cli.get("/raised").status_code == 500


@pytest.mark.row("11.17")
def test_a_websocket_client(app: Atila, client_of: ClientOf) -> None:
    from websockets.sync.server import serve

    def echo(connection: Any) -> None:
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        app.alias("@chat", "ws", f"127.0.0.1:{server.socket.getsockname()[1]}")

        @app.route("/")
        def call(was: Any) -> Any:
            asked = was.ws("@chat/room", "hello")
            with was.ws("@chat/room") as socket:
                socket.send("one")
                socket.send(b"two")
                received = [socket.receive().fetch(), socket.receive(5).fetch().decode()]
            return was.API(asked=asked.fetch(), received=received)

        @app.route("/async")
        async def call_async(was: Any) -> Any:
            async with was.ws("@chat/room") as socket:
                await socket.send("three")
                return was.API(received=await socket.receive(), asked=await was.ws("@chat/room", "four"))

        cli = client_of(app)
        assert cli.get("/").data == {"asked": "hello", "received": ["one", "two"]}
        assert cli.get("/async").data == {"asked": "four", "received": "three"}
        server.shutdown()


@pytest.mark.row("11.19")
def test_redis_by_its_own_name(app: Atila, client_of: ClientOf, redis_server: RedisServer) -> None:
    app.alias("@cache", DB_REDIS, f":{redis_server.password}@127.0.0.1:{redis_server.port}")

    def call(was: Any) -> Any:
        with was.redis("@cache", text=True) as cache:
            cache.set("name", "Emma").commit()
            counted = cache.pipeline(("incr", "hits"), ("incr", "hits"))
            wrong = cache.lpush("name", 1).dispatch()
            return was.API(
                name=cache.get("name").fetch(),
                raw=was.redis("@cache").get("name").fetch() == b"Emma",
                hits=counted.fetch(),
                wrong=[wrong.status, wrong.status_code, wrong.reason],
            )

    assert answer_of(app, client_of, call).data == {
        "name": "Emma", "raw": True, "hits": [1, 2], "wrong": [STA_NORMAL, 500, "Redis Error"],
    }  # fmt: skip


@pytest.mark.row("11.19")
def test_a_mongodb_that_is_away(app: Atila, client_of: ClientOf) -> None:
    app.alias("@docs", DB_MONGODB, f"127.0.0.1:{free_port()}/library?serverSelectionTimeoutMS=200")

    def call(was: Any) -> Any:
        reply = was.mongodb("@docs", "books").find_one({"title": "Emma"}).dispatch()
        return was.API(found=[reply.status, reply.status_code])

    assert answer_of(app, client_of, call).data == {"found": [STA_NETERR, 701]}


@pytest.mark.row("11.27")
def test_remote_methods_of_every_server(app: Atila, client_of: ClientOf, books: SimpleXMLRPCServer) -> None:
    port = books.server_address[1]
    app.alias("@books", PROTO_HTTP, [f"127.0.0.1:{port}", f"localhost:{port}"])

    def call(was: Any) -> Any:
        return was.API(
            each=was.rpc.map("@books/RPC2").divide(9, 2).fetch(), one=was.rpc.lb("@books/RPC2").divide(4, 2).fetch()
        )

    assert answer_of(app, client_of, call).data == {"each": [4, 4], "one": 2}


@pytest.mark.row("11.16")
def test_remote_methods_by_json_rpc(app: Atila, client_of: ClientOf) -> None:
    server = SimpleJSONRPCServer(("127.0.0.1", 0), logRequests=False)
    server.register_function(lambda *values: list(values), "echo")
    server.register_function(lambda a, b: a - b, "subtract")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    app.alias("@math", PROTO_HTTP, f"127.0.0.1:{server.server_address[1]}")

    def call(was: Any) -> Any:
        math = was.jsonrpc("@math/")
        unknown = math.multiply(1, 2).dispatch()
        return was.API(
            echo=math.echo("ü", None, [1, {"a": 2}]).fetch(),
            position=math.subtract(42, 23).fetch(),
            names=math.subtract(b=23, a=42).fetch(),
            unknown=[unknown.status, unknown.status_code, unknown.error.code],
        )

    data = answer_of(app, client_of, call).data
    server.shutdown()
    server.server_close()
    assert data == {
        "echo": ["ü", None, [1, {"a": 2}]], "position": 19, "names": 19, "unknown": [STA_NORMAL, 500, -32601],
    }  # fmt: skip


@pytest.mark.row("11.16")
def test_remote_methods_by_grpc(app: Atila, client_of: ClientOf) -> None:
    """The official health and reflection services, whose methods take and give single messages and streams."""
    server = grpc.server(ThreadPoolExecutor(4))
    servicer = health.HealthServicer()
    servicer.set("ready", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection.enable_server_reflection(["grpc.health.v1.Health"], server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    app.alias("@health", PROTO_HTTP, [f"127.0.0.1:{free_port()} 5", f"127.0.0.1:{port}"])  # the first one is down
    asked = health_pb2.HealthCheckRequest(service="ready")

    @app.route("/")
    def call(was: Any) -> Any:
        with was.grpc("@health/grpc.health.v1.Health") as stub:
            first = stub.Check(asked)
            unknown = stub.Check(health_pb2.HealthCheckRequest(service="other")).dispatch()
        watched = next(iter(was.grpc(f"127.0.0.1:{port}/grpc.health.v1.Health").Watch(asked)))
        listing = [reflection_pb2.ServerReflectionRequest(list_services="")]
        said = was.grpc(f"127.0.0.1:{port}/grpc.reflection.v1alpha.ServerReflection").ServerReflectionInfo(listing)
        names = [service.name for service in said.fetch()[0].list_services_response.service]
        return was.API(
            first=first.fetch().status,
            unknown=[unknown.status, unknown.status_code],
            watched=watched.status,
            names=names,
        )

    @app.route("/async")
    async def call_async(was: Any) -> Any:
        stub = was.grpc("@health/grpc.health.v1.Health")
        answer = await stub.Check(asked)
        watched = [message.status async for message in first_of(stub.Watch(asked))]
        return was.API(status=answer.status, watched=watched)

    @app.route("/unknown")
    def unknown(was: Any) -> Any:
        was.grpc("@health/grpc.health.v1.Health").Check(health_pb2.HealthCheckRequest(service="other")).fetch()

    cli = client_of(app)
    assert cli.get("/").data == {
        "first": 1, "unknown": [STA_NORMAL, 404], "watched": 1,
        "names": ["grpc.health.v1.Health"],
    }  # fmt: skip
    assert cli.get("/async").data == {"status": 1, "watched": [1]}
    assert cli.get("/unknown").status_code == 404
    server.stop(None)


async def first_of(stream: Any) -> Any:
    async for message in stream:
        yield message
        return
