"""HTTP over the real port: both versions, files, ranges, streams, logs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .engine_process import EngineProcess, wait_until

APP = """
@app.route("/hello")
async def hello(was):
    return was.API(version=was.request.version, scheme=was.request.scheme, id=was.request.id)

@app.route("/plain")
def plain(was):
    return was.API(thread=threading.current_thread().name)

@app.route("/remote")
def remote(was):
    return was.API(remote=was.request.get_remote_addr(), scheme=was.request.scheme)

@app.route("/echo", methods=["POST"])
def echo(was, **fields):
    return was.API(fields)

@app.route("/file")
def file(was):
    return was.File(skitai.joinpath("dist", "digits.txt"), "text/plain")

@app.route("/pieces")
def pieces(was):
    return (f"{number} " for number in range(1000))

@app.route("/async-pieces")
async def async_pieces(was):
    async def each():
        for number in range(1000):
            yield f"{number} "
    return each()

@app.route("/broken-pieces")
def broken_pieces(was):
    yield "half"
    raise ValueError("no more")

@app.route("/async-broken-pieces")
async def async_broken_pieces(was):
    async def each():
        yield "half"
        raise ValueError("no more")
    return each()

@app.route("/fails")
def fails(was):
    raise ValueError("inside\\nFORGED LINE")

skitai.mount("/", "dist", headers={"Content-Security-Policy": "default-src 'self'"})
skitai.mount("/", app)
"""
BIG = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    folder = tmp_path_factory.mktemp("http")
    (folder / "dist" / "assets").mkdir(parents=True)
    (folder / "dist" / "index.html").write_text("the application")
    (folder / "dist" / "digits.txt").write_text("0123456789")
    (folder / "dist" / "assets" / "big.bin").write_bytes(BIG)
    (folder / "dist" / "assets" / "app.js").write_text("export default 1;" * 50)
    (folder / "dist" / "assets" / "app.js.gz").write_bytes(gzip.compress(b"export default 1;" * 50))
    (folder / "dist" / ".env").write_text("SECRET")
    running = EngineProcess(folder, APP, log_format="json", trusted_proxies=["127.0.0.1"]).ready()
    yield running
    running.end()


@pytest.fixture(params=["http/1.1", "http/2"])
def client(engine: EngineProcess, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    two = request.param == "http/2"
    with httpx.Client(base_url=engine.url, http1=not two, http2=two) as client:
        yield client


def test_both_versions_on_one_port(client: httpx.Client) -> None:
    answer = client.get("/hello")
    assert answer.status_code == 200
    assert answer.json()["version"] == ("2" if answer.http_version == "HTTP/2" else "1.1")
    assert answer.json()["id"] == answer.headers["x-request-id"]


def test_a_plain_handler_runs_on_a_thread_of_ours(client: httpx.Client) -> None:
    assert client.get("/plain").json()["thread"].startswith("atila-")


def test_many_requests_on_one_connection(client: httpx.Client) -> None:
    for number in range(300):
        assert client.post("/echo", json={"number": number}).json() == {"number": number}


def test_files_whole_in_part_and_not_at_all(client: httpx.Client) -> None:
    whole = client.get("/assets/big.bin")
    assert whole.content == BIG
    assert whole.headers["content-length"] == str(len(BIG))
    assert "immutable" in whole.headers["cache-control"]
    part = client.get("/assets/big.bin", headers={"range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, BIG[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(BIG)}"
    assert client.get("/assets/big.bin", headers={"range": f"bytes={len(BIG)}-"}).status_code == 416
    again = client.get("/assets/big.bin", headers={"if-none-match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head("/assets/big.bin")
    assert (head.headers["content-length"], head.content) == (str(len(BIG)), b"")


def test_a_precompressed_file_is_taken(client: httpx.Client) -> None:
    answer = client.get("/assets/app.js", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == "export default 1;" * 50
    assert answer.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in client.get("/assets/app.js", headers={"accept-encoding": "identity"}).headers


def test_deep_links_and_real_404s(client: httpx.Client) -> None:
    page = {"accept": "text/html"}
    deep = client.get("/photos/7", headers=page)
    assert (deep.status_code, deep.text) == (200, "the application")
    assert deep.headers["cache-control"] == "no-cache"
    assert deep.headers["content-security-policy"] == "default-src 'self'"
    for path in ("/.env", "/assets/old.js", "/api/nothing", "/..%2f..%2fetc/passwd", "/%2e%2e/serve_test.py"):
        assert client.get(path, headers=page).status_code in (400, 404), path
    assert client.get("/photos/7").json()["code"] == 40400


def test_a_file_of_a_handler(client: httpx.Client) -> None:
    assert client.get("/file").text == "0123456789"


@pytest.mark.parametrize("path", ["/pieces", "/async-pieces"])
def test_a_stream_arrives_whole_and_head_has_none_of_it(client: httpx.Client, path: str) -> None:
    assert client.get(path).text == "".join(f"{number} " for number in range(1000))
    assert client.head(path).content == b""


def test_a_proxy_that_is_trusted_is_believed(client: httpx.Client) -> None:
    forwarded = {"x-forwarded-for": "6.6.6.6, 203.0.113.7", "x-forwarded-proto": "https"}
    assert client.get("/remote", headers=forwarded).json() == {"remote": "203.0.113.7", "scheme": "https"}
    assert client.get("/remote").json() == {"remote": "127.0.0.1", "scheme": "http"}


def test_a_failure_is_one_500_and_one_entry_with_the_request(engine: EngineProcess, client: httpx.Client) -> None:
    answer = client.get("/fails")
    assert (answer.status_code, answer.json()["code"]) == (500, 50000)
    assert "inside" not in answer.text
    identity = answer.headers["x-request-id"]
    wait_until(lambda: identity in engine.output, 3)
    entries = [json.loads(line) for line in engine.output.splitlines() if identity in line]
    assert [entry.get("level") for entry in entries if "level" in entry] == ["error"]
    assert "ValueError" in entries[0]["traceback"]


def test_every_line_of_the_log_is_json(engine: EngineProcess, client: httpx.Client) -> None:
    client.get("/hello?a=%0aFORGED", headers={"user-agent": "x"})
    wait_until(lambda: "FORGED" in engine.output, 3)
    for line in engine.output.splitlines():
        json.loads(line)


def test_a_file_may_change_while_it_is_served(engine: EngineProcess, client: httpx.Client) -> None:
    file = Path(engine.folder) / "dist" / "note.txt"
    for text in ("one", "twice as long"):
        file.write_text(text)
        assert client.get("/note.txt").text == text
    file.unlink()
    assert client.get("/note.txt").status_code == 404


@pytest.mark.parametrize("path", ["/broken-pieces", "/async-broken-pieces"])
def test_half_an_answer_is_never_taken_for_a_whole_one(engine: EngineProcess, path: str) -> None:
    answer = engine.send(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert not answer.endswith(b"0\r\n\r\n")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(engine.url + path)
    assert httpx.get(engine.url + "/plain").status_code == 200
