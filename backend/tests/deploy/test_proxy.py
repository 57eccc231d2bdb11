"""nginx as deployed, in front of the real engine: everything passes on one TLS port, and only what should."""

from __future__ import annotations

import io
import json
import os
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from PIL import Image
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from contracts.photos.v1 import photos_pb2, photos_pb2_grpc
from tests.machine import need
from tests.serving.engine_process import free_ports

from .production import EMAIL, PASSWORD, SCRIPT, Production
from .web_server import BROTLI, WebServer, make_certificate, render

OLD_ASSET = "assets/index-of-last-week.js"


@dataclass(frozen=True)
class Site:
    """The public side. Lives as long as the module."""

    url: str
    plain_url: str
    port: int
    certificate: Path
    engine: Production
    nginx: WebServer

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    def client(self, *, http2: bool = False) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=self.trust, trust_env=False, timeout=20, http2=http2)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    certificate = make_certificate(folder)
    ports, engine_port = free_ports(), free_ports()
    url = f"https://localhost:{ports}"
    engine = Production(folder, engine_port, url)
    old = folder / "public" / OLD_ASSET
    old.parent.mkdir(parents=True)
    for asset in (folder / "dist" / "assets").iterdir():
        (old.parent / asset.name).write_bytes(asset.read_bytes())
    old.write_text("export {}\n")
    challenge = folder / "acme" / ".well-known" / "acme-challenge" / "token"
    challenge.parent.mkdir(parents=True)
    challenge.write_text("proof")
    configuration = render(
        DOMAIN="localhost", CERTIFICATE=certificate, KEY=folder / "key.pem", PUBLIC_URL=url,
        LISTEN_TLS=f"127.0.0.1:{ports}", LISTEN_PLAIN=f"127.0.0.1:{ports + 1}",
        HTTP=f"127.0.0.1:{engine_port}", GRPC=f"127.0.0.1:{engine_port + 1}", MAX_UPLOAD_MB=1,
        ASSETS=folder / "public", ACME=folder / "acme", LOGS=folder, BROTLI="yes" if BROTLI.exists() else "no",
    )  # fmt: skip
    nginx = WebServer(folder, configuration)
    try:
        engine.start()
        nginx.start()
        yield Site(url, f"http://localhost:{ports + 1}", ports, certificate, engine, nginx)
    finally:
        nginx.stop()
        engine.stop()


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    with site.client() as client:
        answer = client.post("/api/v1/auth/sign-in", json={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"].lower()
    assert "secure" in cookie
    assert "httponly" in cookie
    return str(answer.json()["access_token"])


def picture(side: int = 40) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), "teal").save(file, "PNG")
    return file.getvalue()


def test_plain_http_goes_to_tls_and_keeps_the_method(site: Site) -> None:
    answer = httpx.post(f"{site.plain_url}/api/v1/photos?page=2", trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (308, f"{site.url}/api/v1/photos?page=2")
    challenge = httpx.get(f"{site.plain_url}/.well-known/acme-challenge/token", trust_env=False)
    assert challenge.text == "proof"


@pytest.mark.parametrize("http2", [False, True])
def test_a_page_passes_with_its_careful_headers(site: Site, http2: bool) -> None:
    with site.client(http2=http2) as client:
        answer = client.get("/photos/7", headers={"Accept": "text/html"})
    assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert "<title>Atila" in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "max-age=31536000" in answer.headers["strict-transport-security"]
    assert "/" not in answer.headers["server"]  # no version


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        (["-servername", "localhost", "-tls1_2"], True),
        (["-servername", "localhost", "-tls1_3"], True),
        (["-servername", "localhost", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], False),
        (["-servername", "localhost", "-tls1_2", "-cipher", "AES128-SHA"], False),
        (["-servername", "other.example"], False),
        (["-noservername"], False),
    ],
)
def test_old_protocols_and_other_names_are_refused(site: Site, options: list[str], accepted: bool) -> None:
    command = [str(need("openssl")), "s_client", "-connect", f"127.0.0.1:{site.port}", *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
    assert ("BEGIN CERTIFICATE" in done.stdout) == accepted, done.stderr


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip", "gzip"), ("br, gzip", "br"), ("identity", None)])
def test_assets_come_compressed_and_forever(site: Site, accepted: str, encoding: str | None) -> None:
    if encoding == "br" and not BROTLI.exists():
        pytest.skip("nginx's brotli_static module is not installed")
    headers = {"Accept-Encoding": accepted}
    with site.client() as client, client.stream("GET", "/assets/index-0a1b2c3d.js", headers=headers) as answer:
        data = b"".join(answer.iter_raw())
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "javascript; charset=utf-8" in answer.headers["content-type"]
    assert data == SCRIPT if encoding is None else len(data) < 200


def test_assets_of_older_releases_stay_and_missing_ones_are_missing(site: Site) -> None:
    with site.client() as client:
        assert client.get(f"/{OLD_ASSET}").text == "export {}\n"
        missing = client.get("/assets/index-gone.js", headers={"Accept": "text/html"})
        assert missing.status_code == 404
        assert "immutable" not in missing.headers.get("cache-control", "")
        assert client.get("/assets/../index.html").status_code == 200  # httpx makes it /index.html
        assert client.get("/assets/").status_code == 404


def test_the_api_passes_and_knows_who_calls(site: Site, token: str) -> None:
    forged = {"Authorization": f"Bearer {token}", "X-Request-ID": "forged", "X-Forwarded-For": "203.0.113.9"}
    with site.client(http2=True) as client:
        me = client.get("/api/v1/auth/me", headers=forged)
        assert me.json()["email"] == EMAIL
        assert me.headers["x-request-id"] != "forged"
        missing = client.get("/api/v1/no/such/thing")
        assert (missing.status_code, missing.json()["code"]) == (404, 40400)
        broken = client.post("/api/v1/auth/sign-in", content=b"{", headers={"Content-Type": "application/json"})
        assert (broken.status_code, broken.json()["code"] // 100) == (400, 400)
    assert me.headers["x-request-id"] in (site.nginx.folder / "access.log").read_text()
    assert me.headers["x-request-id"] in site.engine.output
    assert "203.0.113.9" not in site.engine.output


@pytest.mark.parametrize("http2", [False, True])
def test_an_upload_passes_also_without_a_length(site: Site, token: str, http2: bool) -> None:
    form = httpx.Request("POST", site.url, files={"file": ("teal.png", picture())}, data={"title": "Teal"})
    body = form.read()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": form.headers["content-type"]}
    with site.client(http2=http2) as client:
        for content in (body, iter([body[:100], body[100:]])):  # the second one is chunked
            answer = client.post("/api/v1/users/me/photos", content=content, headers=headers)
            assert answer.status_code == 201, answer.text
            path = answer.headers["location"]
            assert client.get(path, headers=headers).json()["title"] == "Teal"


@pytest.mark.parametrize("size", [1_200_000, 4_000_000])
def test_too_large_an_upload_is_refused_in_json(site: Site, token: str, size: int) -> None:
    files = {"file": ("noise.jpg", os.urandom(size))}
    with site.client() as client:
        answer = client.post("/api/v1/users/me/photos", files=files, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 413
    assert answer.json()["code"] // 100 == 413
    assert answer.headers["x-request-id"]


def test_grpc_passes_on_the_same_port(site: Site, token: str) -> None:
    credentials = grpc.ssl_channel_credentials(site.certificate.read_bytes())
    bearer = (("authorization", f"Bearer {token}"),)
    with grpc.secure_channel(f"localhost:{site.port}", credentials, [("grpc.enable_http_proxy", 0)]) as channel:
        stub = stub_of(channel)
        made = stub.Create(
            photos_pb2.CreateRequest(user="me", filename="teal.png", content=picture(), title="By gRPC"),
            metadata=bearer,
            timeout=20,
        )
        assert made.title == "By gRPC"
        page = stub.List(photos_pb2.ListRequest(user="me", q="gRPC"), metadata=bearer, timeout=20)
        assert [photo.id for photo in page.items] == [made.id]
        with pytest.raises(grpc.RpcError) as refused:
            stub.List(photos_pb2.ListRequest(user="me"), timeout=20)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert first_change(stub, made.id, bearer).id == made.id


def test_grpc_of_browsers_passes_on_the_same_port(site: Site, token: str) -> None:
    sent = {"Content-Type": "application/grpc-web+proto", "Authorization": f"Bearer {token}"}
    message = photos_pb2.ListRequest(user="me").SerializeToString()
    body = b"\0" + len(message).to_bytes(4, "big") + message
    path = "/contracts.photos.v1.PhotoService/"
    with site.client(http2=True) as client:
        answer = client.post(path + "List", content=body, headers=sent)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/grpc-web+proto")
        assert b"grpc-status: 0\r\n" in answer.content
        refused = client.post(path + "List", content=body, headers={"Content-Type": "application/grpc-web+proto"})
        assert b"grpc-status: 16\r\n" in refused.content
        asked = {"Origin": "https://other.example", "Access-Control-Request-Method": "POST"}
        assert client.options(path + "List", headers=asked).json()["code"] == 40500  # the starter shares with nobody
    # Over HTTP/2 and TLS this nginx holds the head of a stream back until its first message.
    with site.client() as client, client.stream("POST", path + "Watch", content=body, headers=sent) as changes:
        assert changes.headers["content-type"] == "application/grpc-web+proto"


def test_health_and_reflection_pass_on_the_same_port(site: Site) -> None:
    credentials = grpc.ssl_channel_credentials(site.certificate.read_bytes())
    with grpc.secure_channel(f"localhost:{site.port}", credentials, [("grpc.enable_http_proxy", 0)]) as channel:
        make: Any = health_pb2_grpc.HealthStub  # generated, without types
        request = health_pb2.HealthCheckRequest(service="contracts.photos.v1.PhotoService")
        assert make(channel).Check(request, timeout=20).status == health_pb2.HealthCheckResponse.SERVING
        database = ProtoReflectionDescriptorDatabase(channel)
        assert "contracts.photos.v1.PhotoService" in database.get_services()


def stub_of(channel: grpc.Channel) -> Any:
    make: Any = photos_pb2_grpc.PhotoServiceStub  # generated, without types
    return make(channel)


def first_change(stub: Any, photo: int, bearer: tuple[tuple[str, str], ...]) -> Any:
    """Watch, and rename a photo until the watch, which begins somewhat later, tells of it."""
    changes = stub.Watch(photos_pb2.WatchRequest(user="me"), metadata=bearer, timeout=20)
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(lambda: next(changes))
        for number in range(100):
            request = photos_pb2.UpdateRequest(user="me", id=photo, title=f"Name {number}")
            stub.Update(request, metadata=bearer, timeout=20)
            if wait([told], timeout=0.2).done:
                break
        change = told.result()
    changes.cancel()
    return change.photo


def test_a_browser_on_a_grpc_path_is_told_so(site: Site) -> None:
    with site.client() as client:
        assert client.get("/contracts.photos.v1.PhotoService/List").status_code == 415


def test_changes_arrive_over_a_websocket(site: Site, token: str) -> None:
    """As a browser opens it: the page's origin, the token as a subprotocol; workers hear of each other's changes."""
    url = f"wss://localhost:{site.port}/api/v1/users/me/photos/changes"
    browser: Any = {"ssl": site.trust, "origin": site.url, "subprotocols": ["bearer", token], "proxy": None}
    with connect(url, **browser) as first, connect(url, **browser) as second, site.client() as client:
        assert (first.subprotocol, first.protocol.state.name) == ("bearer", "OPEN")
        sent: Any = {"files": {"file": ("a.png", picture())}, "headers": {"Authorization": f"Bearer {token}"}}
        made = client.post("/api/v1/users/me/photos", **sent).json()
        for connection in (first, second):
            told = json.loads(connection.recv(10))
            assert (told["kind"], told["photo"]) == ("created", made)
    for refused, status in (({"origin": "https://other.example"}, 403), ({"subprotocols": ["bearer", "forged"]}, 401)):
        with pytest.raises(InvalidStatus) as caught, connect(url, **{**browser, **refused}):
            pass
        assert caught.value.response.status_code == status


def test_without_the_engine_the_answer_says_try_again(tmp_path: Path) -> None:
    port = free_ports()
    certificate = make_certificate(tmp_path)
    nothing = free_ports()
    configuration = render(
        DOMAIN="localhost", CERTIFICATE=certificate, KEY=tmp_path / "key.pem", BROTLI="no", LOGS=tmp_path,
        LISTEN_TLS=f"127.0.0.1:{port}", LISTEN_PLAIN=f"127.0.0.1:{port + 1}",
        HTTP=f"127.0.0.1:{nothing}", GRPC=f"127.0.0.1:{nothing + 1}",
    )  # fmt: skip
    nginx = WebServer(tmp_path, configuration).start()
    try:
        trust = ssl.create_default_context(cafile=certificate)
        answer = httpx.get(f"https://localhost:{port}/api/v1/auth/me", verify=trust, trust_env=False)
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, 50300, "5")
        with grpc.secure_channel(
            f"localhost:{port}",
            grpc.ssl_channel_credentials(certificate.read_bytes()),
            [("grpc.enable_http_proxy", 0)],
        ) as channel:
            with pytest.raises(grpc.RpcError) as refused:
                stub_of(channel).Get(photos_pb2.GetRequest(user="me", id=1), timeout=10)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    finally:
        nginx.stop()
