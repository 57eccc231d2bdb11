"""Apps of other frameworks, mounted on a real engine: WSGI, ASGI with lifespan."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from ..conftest import Start
from ..engine_process import read_all, status_of, wait_until
from .conftest import Served

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
    script = "from tests.serving.mounted.foreign_apps import broken\nskitai.mount('/', broken)\n"
    engine = start(script, ready=False)
    assert engine.process.wait(30) == 1
    assert "could not start: no room in the attic" in engine.output


def test_workers_are_replaced_while_guests_and_upstreams_answer(start: Start) -> None:
    script = """
    from tests.serving.mounted.foreign_apps import stars, unchecked
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
    engine = start("from tests.serving.mounted.foreign_apps import stars\nskitai.mount('/', stars)\n")
    with engine.connect(10) as connection:
        connection.sendall(b"GET /slow?seconds=1 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.3)
        assert engine.stop() == 0
        assert status_of(connection.recv(65536)) == 200
    assert "LIFESPAN ENDED" in engine.output
