"""Apps of other frameworks and upstreams, mounted on a real engine: WSGI, ASGI with lifespan, a reverse proxy."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from .conftest import Start
from .engine_process import BACKEND, EngineProcess, free_ports, read_all, status_of, wait_until

SCRIPT = """
from tests.serving.foreign_apps import checked, stars, unchecked

skitai.alias("@up", skitai.PROTO_HTTP, "127.0.0.1:{up}")
skitai.alias("@pair", skitai.PROTO_HTTP, ["127.0.0.1:{closed}", "127.0.0.1:{up}"])
skitai.alias("@below", skitai.PROTO_HTTP, "reader:secret@127.0.0.1:{up}/echo/base")
skitai.alias("@closed", skitai.PROTO_HTTP, "127.0.0.1:{closed}")
skitai.alias("@silent", skitai.PROTO_HTTP, "127.0.0.1:{silent}")
skitai.alias("@rude", skitai.PROTO_HTTP, "127.0.0.1:{rude}")

app.openapi_url = None

@app.route("/asked/<path:path>")
def asked(was, path, **query):
    return was.proxypass("@up", path)

@app.route("/plain")
def plain(was):
    return "at once"

skitai.mount("/", app)
skitai.mount("/wsgi", checked)
skitai.mount("/raw", unchecked)
skitai.mount("/stars", stars)
for name in ("up", "pair", "below", "closed", "rude"):
    skitai.mount("/" + name, "@" + name)
with skitai.preference() as impatient:
    impatient.timeout = 0.5
    skitai.mount("/silent", "@silent", pref=impatient)
skitai.alias("@narrow", skitai.PROTO_HTTP, "127.0.0.1:{up}", max_conns=1)
with skitai.preference() as hurried:
    hurried.connect_timeout = 0.3
    skitai.mount("/narrow", "@narrow", pref=hurried)
with skitai.preference() as small:
    small.max_client_body_size = 100_000
    small.preserve_host = True
    skitai.mount("/small", "@up", pref=small)
skitai.mount("/", unchecked, host="wsgi.example")
"""


class Served(NamedTuple):
    """An engine, and the server of somebody else behind it."""

    engine: EngineProcess
    client: httpx.Client
    upstream_log: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("mounted")
    up, log = free_ports(), folder / "upstream.log"
    with log.open("wb") as output, _listening() as silent, _listening() as rude, contextlib.ExitStack() as stack:
        upstream = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "granian",
                "--interface",
                "asgi",
                "--port",
                str(up),
                "tests.serving.foreign_apps:stars",
            ],
            cwd=BACKEND,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        stack.callback(upstream.wait, 10)
        stack.callback(upstream.terminate)
        ports = {"silent": silent.getsockname()[1], "rude": rude.getsockname()[1]}
        rude.close()  # now nobody listens; a test opens it again
        engine = EngineProcess(folder, SCRIPT.format(up=up, closed=free_ports(), **ports))
        stack.callback(engine.end)
        engine.ready()
        engine.rude_port = ports["rude"]  # type: ignore[attr-defined]  # only here
        client = stack.enter_context(httpx.Client(base_url=engine.url, timeout=20))
        wait_until(lambda: client.get("/up/echo").status_code == 200, 20)
        yield Served(engine, client, log)
        assert engine.stop() == 0


def _listening() -> socket.socket:
    """Return a socket that takes connections and says nothing."""
    return socket.create_server(("127.0.0.1", 0))


# WSGI


def test_a_wsgi_app_gets_what_pep_3333_wants(served: Served) -> None:
    answer = served.client.post("/wsgi/a%C3%A9?q=1", content=b"12345", headers=[("Cookie", "x=1"), ("Cookie", "y=2")])
    said = dict(line.split("=", 1) for line in answer.content.decode("latin-1").splitlines())
    assert said["REQUEST_METHOD"] == "POST"
    assert (said["SCRIPT_NAME"], said["QUERY_STRING"]) == ("/wsgi", "q=1")
    assert said["PATH_INFO"].encode("latin-1").decode() == "/aé"
    assert (said["body"], said["REMOTE_ADDR"], said["HTTP_COOKIE"]) == ("5", "127.0.0.1", "x=1; y=2")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_wsgi_answers_of_every_kind(served: Served) -> None:
    client = served.client
    assert client.get("/raw/pieces").text == "0\n1\n2\n"
    file = client.get("/raw/file")
    assert file.content == (Path(__file__).parent / "foreign_apps.py").read_bytes()
    assert file.headers["content-length"] == str(len(file.content))
    assert client.get("/raw/temporary").text == "gone soon"
    assert client.head("/wsgi/x").content == b""
    failed = client.get("/raw/fail")
    assert (failed.status_code, failed.json()["code"]) == (500, 50000)
    assert "mistake" not in failed.text
    assert "LookupError: the app has a mistake" in served.engine.output


@pytest.mark.row("1.10")
def test_a_host_of_its_own_over_either_version_of_http(served: Served) -> None:
    for version in ({"http1": True}, {"http1": False, "http2": True}):
        with httpx.Client(base_url=served.engine.url, **version) as client:  # type: ignore[arg-type]  # of booleans
            there = client.get("/hello", headers={"Host": "WSGI.example:80"})
            assert "PATH_INFO=/hello" in there.text
            assert client.get("/hello", headers={"Host": "other.example"}).status_code == 404


# ASGI


def test_an_asgi_app_has_its_lifespan_and_its_state(served: Served) -> None:
    assert "LIFESPAN BEGUN" in served.engine.output
    assert served.client.get("/stars/kept").text == "for the worker"


def test_an_asgi_app_reads_and_answers_in_pieces(served: Served) -> None:
    said = served.client.put("/stars/echo/x?q=1", content=b"x" * 3_000_000).json()
    assert (said["method"], said["path"], said["root"]) == ("PUT", "/stars/echo/x", "/stars")
    assert (said["body"], said["query"]) == (3_000_000, "q=1")
    assert len(served.client.get("/stars/pieces").content) == 20 * 65536
    promised = served.client.get("/stars/pieces?promised=1&count=40")
    assert promised.headers["content-length"] == str(len(promised.content)) == str(40 * 65536)
    file = served.client.get("/stars/file")
    assert file.content == (Path(__file__).parent / "foreign_apps.py").read_bytes()
    assert served.client.head("/stars/file").headers["content-length"] == str(len(file.content))


def test_an_asgi_app_that_fails(served: Served) -> None:
    assert served.client.get("/stars/fail").status_code == 500
    wait_until(lambda: "LookupError: the app has a mistake" in served.engine.output)


@pytest.mark.parametrize("mounted", ["stars", "up"])
def test_half_a_body_is_never_taken_for_a_whole_one(served: Served, mounted: str) -> None:
    with served.engine.connect() as connection:
        connection.sendall(f"POST /{mounted}/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n".encode())
        connection.sendall(b"x" * 100_000)
        connection.shutdown(socket.SHUT_WR)
        assert status_of(read_all(connection)) == 400


def test_an_app_that_cannot_start_keeps_the_worker_from_it(start: Start) -> None:
    script = "from tests.serving.foreign_apps import broken\nskitai.mount('/', broken)\n"
    engine = start(script, ready=False)
    assert engine.process.wait(30) == 1
    assert "could not start: no room in the attic" in engine.output


# the reverse proxy


@pytest.mark.row("11.34")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_is_passed_on(served: Served, method: str) -> None:
    body = b"" if method in ("GET", "OPTIONS") else b"12345"
    answer = served.client.request(method, "/up/echo/a%20b%3F?q=%26", content=body)
    said = answer.json()
    assert (said["method"], said["body"], said["query"]) == (method, len(body), "q=%26")
    assert said["path"] == "/echo/a b?"
    assert answer.headers["x-cache-lookup"] == "MISS"


def test_who_asked_is_said_by_us_and_not_by_the_client(served: Served) -> None:
    lies = {
        "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
        "X-Real-IP": "6.6.6.6", "Forwarded": "for=6.6.6.6", "X_Forwarded_For": "6.6.6.6", "X-Request-ID": "mine",
        "Connection": "keep-alive, X-Hop", "X-Hop": "here", "TE": "trailers", "Proxy-Authorization": "Basic eDp5",
        "X-Kept": "there",
    }  # fmt: skip
    answer = served.client.get("/up/echo", headers=lies)
    got = dict(answer.json()["headers"])
    assert got["x-forwarded-for"] == got["x-real-ip"] == "127.0.0.1"
    assert got["x-forwarded-host"] == f"127.0.0.1:{served.engine.port}"
    assert (got["x-forwarded-proto"], got["x-forwarded-prefix"]) == ("http", "/up")
    assert got["x-request-id"] == answer.headers["x-request-id"] != "mine"
    assert got["x-kept"] == "there"
    assert got["via"] == "1.1 atila"
    assert not got.keys() & {"x-hop", "te", "proxy-authorization", "forwarded", "x_forwarded_for"}
    assert "6.6.6.6" not in json.dumps(got)
    assert got["host"] != f"127.0.0.1:{served.engine.port}"
    kept = dict(served.client.get("/small/echo", headers={"Host": "shop.example"}).json()["headers"])
    assert kept["host"] == "shop.example"


def test_a_member_may_have_a_path_and_a_password(served: Served) -> None:
    said = served.client.get("/below/x", headers={"Authorization": "Bearer mine"}).json()
    assert said["path"] == "/echo/base/x"
    assert dict(said["headers"])["authorization"] == "Basic cmVhZGVyOnNlY3JldA=="


def test_redirections_lead_where_the_client_gets_on(served: Served) -> None:
    for to, location in (("/login?x=1", "/up/login?x=1"), ("https://example.com/x", "https://example.com/x")):
        answer = served.client.get("/up/moved", params={"to": to})
        assert (answer.status_code, answer.headers["location"]) == (302, location)
        assert answer.headers["set-cookie"] == "seen=1; Path=/"


def test_bodies_are_passed_on_in_pieces(served: Served) -> None:
    assert served.client.put("/up/echo", content=b"x" * 3_000_000).json()["body"] == 3_000_000
    assert len(served.client.get("/up/pieces?count=100").content) == 100 * 65536
    promised = served.client.get("/up/pieces?promised=1&count=100")
    assert promised.headers["content-length"] == str(len(promised.content))
    head = served.client.head("/up/file")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(served.client.get("/up/file").content)))


@pytest.mark.parametrize("mounted", ["stars", "up"])
def test_events_arrive_as_they_come_and_end_with_their_client(served: Served, mounted: str) -> None:
    log = served.upstream_log if mounted == "up" else served.engine.log
    ended = log.read_text().count("EVENTS ENDED")
    begun = time.monotonic()
    with served.client.stream("GET", f"/{mounted}/events") as answer:
        assert next(answer.iter_lines()) == "data: 0"
    assert time.monotonic() - begun < 5, "they last ten seconds"
    wait_until(lambda: log.read_text().count("EVENTS ENDED") > ended, 5)


@pytest.mark.parametrize("mounted", ["stars", "up"])
def test_long_bodies_over_http2(served: Served, mounted: str) -> None:
    with httpx.Client(base_url=served.engine.url, http1=False, http2=True, timeout=20) as client:
        sent = client.put(f"/{mounted}/echo", content=b"x" * 3_000_000)
        assert (sent.http_version, sent.json()["body"]) == ("HTTP/2", 3_000_000)
        for promised in ("", "&promised=1"):
            assert len(client.get(f"/{mounted}/pieces?count=100{promised}").content) == 100 * 65536


@pytest.mark.parametrize("mounted", ["stars", "up"])
def test_a_client_that_leaves_before_its_answer_is_noticed(served: Served, mounted: str) -> None:
    log = served.upstream_log if mounted == "up" else served.engine.log
    noticed = log.read_text().count("NOBODY LISTENS")
    with served.engine.connect() as connection:
        connection.sendall(f"GET /{mounted}/attentive HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        time.sleep(0.3)
    wait_until(lambda: log.read_text().count("NOBODY LISTENS") > noticed, 5)


@pytest.mark.parametrize("mounted", ["stars", "up"])
@pytest.mark.parametrize("promised", ["", "&promised=1"])
def test_a_client_that_does_not_read_costs_no_memory(served: Served, mounted: str, promised: str) -> None:
    worker = served.engine.workers[0]
    before = _resident(worker)
    with served.engine.connect() as connection:
        connection.sendall(f"GET /{mounted}/pieces?count=3000{promised} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        time.sleep(0.7)
        assert _resident(worker) - before < 60_000_000, "of 200 MB"


def _resident(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096


def test_a_body_over_the_limit_is_refused(served: Served) -> None:
    assert served.client.post("/small/echo", content=b"x" * 100_001).status_code == 413
    assert served.client.post("/small/echo", content=b"x" * 100_000).json()["body"] == 100_000


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/closed/x", 502, "the upstream @closed cannot be reached"),
        ("/silent/x", 504, "the upstream @silent did not answer in time"),
    ],
)
def test_no_answer_is_said_with_its_reason(served: Served, path: str, status: int, reason: str) -> None:
    answer = served.client.get(path)
    assert (answer.status_code, answer.json()["more_info"]) == (status, reason)
    assert answer.json()["code"] == status * 100
    assert reason in served.client.get(path, headers={"Accept": "text/html"}).text
    assert reason in served.engine.output


@pytest.mark.parametrize("said", [b"HELLO\r\n\r\n", b"", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"])
def test_what_is_no_http_is_502(served: Served, said: bytes) -> None:
    port: int = served.engine.rude_port  # type: ignore[attr-defined]  # set by the fixture
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(10)
        with served.engine.connect(10) as client:
            client.sendall(b"POST /rude/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)
            assert status_of(client.recv(65536)) == 502


def test_a_request_that_may_be_repeated_is(served: Served) -> None:
    port: int = served.engine.rude_port  # type: ignore[attr-defined]  # set by the fixture
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(10)
        with served.engine.connect(10) as client:
            client.sendall(b"GET /rude/x HTTP/1.1\r\nHost: a\r\n\r\n")
            for answer in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)
            assert status_of(client.recv(65536)) == 200


def test_no_free_connection_is_503(served: Served) -> None:
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(served.client.get, "/narrow/slow?seconds=1.2")
        time.sleep(0.3)
        with httpx.Client(base_url=served.engine.url) as other:
            refused = other.get("/narrow/echo")
        assert (refused.status_code, refused.json()["more_info"]) == (
            503,
            "the upstream @narrow has no free connection",
        )
        assert first.result().text == "late"


def test_an_answer_that_breaks_off_looks_broken_to_the_client(served: Served) -> None:
    port: int = served.engine.rude_port  # type: ignore[attr-defined]  # set by the fixture
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(10)
        with served.engine.connect(10) as client:
            client.sendall(b"GET /rude/x HTTP/1.1\r\nHost: a\r\n\r\n")
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1_500_000)
            answer = read_all(client)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-length: 3000000" in head.lower()
    assert len(body) < 3_000_000


def test_an_answer_without_a_length_that_breaks_off_has_no_end(served: Served) -> None:
    port: int = served.engine.rude_port  # type: ignore[attr-defined]  # set by the fixture
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(10)
        with served.engine.connect(10) as client:
            client.sendall(b"GET /rude/x HTTP/1.1\r\nHost: a\r\n\r\n")
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf \r\n")
            assert not read_all(client, 5).endswith(b"0\r\n\r\n")


@pytest.mark.row("1.26")
def test_the_next_member_is_asked_when_one_is_down(served: Served) -> None:
    for _ in range(4):
        assert served.client.post("/pair/echo", content=b"12345").json()["body"] == 5
    big = b"x" * 500_000  # which is passed on in pieces
    assert served.client.post("/pair/echo", content=big).json()["body"] == len(big)


@pytest.mark.row("11.33")
def test_proxypass_on_a_worker_thread(served: Served) -> None:
    assert served.client.get("/asked/echo/x").json()["path"] == "/echo/x"
    for promised in ("", "&promised=1"):
        assert len(served.client.get(f"/asked/pieces?count=40{promised}").content) == 40 * 65536
    refused = served.client.post("/asked/echo/x")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.row("11.33")
def test_proxypass_holds_neither_threads_nor_memory_for_clients_that_do_not_read(served: Served) -> None:
    worker = served.engine.workers[0]
    before = _resident(worker)
    with contextlib.ExitStack() as stack:
        for _ in range(6):  # the worker has four threads
            connection = stack.enter_context(served.engine.connect())
            connection.sendall(b"GET /asked/pieces?count=1000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.7)
        assert served.client.get("/plain").text == "at once"
        assert _resident(worker) - before < 120_000_000, "of 400 MB"


# WebSocket


@pytest.mark.parametrize("mounted", ["stars", "up", "pair"])
def test_websockets_go_both_ways(served: Served, mounted: str) -> None:
    address = f"ws://127.0.0.1:{served.engine.port}/{mounted}/talk"
    with connect(address, subprotocols=["chat"], compression=None) as talk:  # type: ignore[list-item]  # its own str
        assert talk.subprotocol == "chat"
        for message in ("grüß", b"\x00\xff", "x" * 300_000):
            talk.send(message)
            assert talk.recv(10) == message
        talk.send("end")
        with pytest.raises(ConnectionClosed) as end:
            talk.recv(10)
        assert end.value.rcvd is not None
        assert (end.value.rcvd.code, end.value.rcvd.reason) == (4001, "as you wish")


@pytest.mark.parametrize("mounted", ["stars", "up"])
def test_a_websocket_that_the_client_ends_ends_there_too(served: Served, mounted: str) -> None:
    log = served.upstream_log if mounted == "up" else served.engine.log
    with connect(f"ws://127.0.0.1:{served.engine.port}/{mounted}/talk") as talk:
        talk.send("hello")
        talk.recv(10)
        talk.close(4123)
    wait_until(lambda: "TALK ENDED 4123" in log.read_text(), 5)


@pytest.mark.parametrize(
    ("path", "status"),
    [("stars/talk?refuse=1", 403), ("up/talk?refuse=1", 403), ("up/echo", 403), ("closed/talk", 502), ("wsgi/x", 400)],
)
def test_a_handshake_may_be_refused(served: Served, path: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{served.engine.port}/{path}"):
        pass
    assert refused.value.response.status_code == status


def test_workers_are_replaced_while_guests_and_upstreams_answer(start: Start) -> None:
    script = """
    from tests.serving.foreign_apps import stars, unchecked
    skitai.mount("/stars", stars)
    skitai.alias("@self", skitai.PROTO_HTTP, f"127.0.0.1:{sys.argv[1]}")
    skitai.mount("/up", "@self")
    skitai.mount("/wsgi", unchecked)
    """
    engine = start(script, workers=2)
    statuses, old = [], set(engine.workers)
    with httpx.Client(base_url=engine.url, timeout=20) as client:
        engine.tell(signal.SIGHUP)
        while old & set(engine.workers):
            statuses += [client.get(path).status_code for path in ("/stars/echo", "/up/stars/echo", "/wsgi/x")]
    assert len(statuses) > 6
    assert set(statuses) == {200}


def test_a_stop_lets_running_requests_finish_and_ends_the_lifespan(start: Start) -> None:
    engine = start("from tests.serving.foreign_apps import stars\nskitai.mount('/', stars)\n")
    with engine.connect(10) as connection:
        connection.sendall(b"GET /slow?seconds=1 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.3)
        assert engine.stop() == 0
        assert status_of(connection.recv(65536)) == 200
    assert "LIFESPAN ENDED" in engine.output
