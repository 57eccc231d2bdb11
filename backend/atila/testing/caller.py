"""A client for tests: every method's call, cookies, redirections, stubs. How a call is sent is its subclass's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from .answer import Answer
from .forms import encode_multipart
from .jar import Jar
from .stub import Stub
from .wires import ServerCall

if TYPE_CHECKING:
    from xmlrpc.client import ServerProxy

    from .jsonrpc import JsonRpcProxy

MAX_REDIRECTS = 10
Files = Mapping[str, Any]  # field name -> path, (file name, bytes), (file name, bytes, type), or an open file


class Caller(ABC):
    """Calls a site and keeps its cookies. A context manager: what it calls lives as long as the block."""

    def __init__(self, base_url: str, headers: Mapping[str, str] | None = None, peer: str = "127.0.0.1") -> None:
        self.base_url = base_url
        self.headers = {"Host": urlsplit(base_url).netloc, "User-Agent": "atila-test", **(headers or {})}
        self.cookies = Jar()
        self.peer = peer  # the address that requests come from

    @abstractmethod
    def open(self) -> None:
        """Start what is called."""

    @abstractmethod
    def close(self) -> None:
        """Stop what is called."""

    @abstractmethod
    def send(self, call: ServerCall) -> Answer:
        """Send one request, and return what comes back."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.close()

    def request(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        files: Files | None = None,
        headers: Mapping[str, str] | None = None,
        follow_redirects: bool = False,
        scheme: str = "http",
    ) -> Answer:
        """Send a request. `data`: bytes or text as they are, a mapping as a form; `json`: any value.

        `files` makes a multipart form of them and `data`.
        """
        body, kind = _encode_body(data, json, files)
        own = {"content-type": kind} if kind else {}
        if body is not None:
            own["content-length"] = str(len(body))
        answer = self.send(self.prepare(method, path, params or {}, {**own, **(headers or {})}, body, scheme))
        for field in answer.headers.get_all("set-cookie"):
            self.cookies.keep(field)
        if follow_redirects and answer.redirected:
            return self._follow(answer, method, path, data, json=json, files=files, headers=headers, scheme=scheme)
        return answer

    def prepare(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        body: bytes | None = None,
        scheme: str = "http",
    ) -> ServerCall:
        """Return a request with the client's own header fields and cookies."""
        sent = {name.lower(): value for name, value in self.headers.items()}
        target, _, query = urljoin(self.base_url + "/", path).removeprefix(self.base_url).partition("?")
        if cookies := self.cookies.header(target, scheme == "https"):
            sent["cookie"] = cookies
        sent.update({name.lower(): value for name, value in headers.items()})
        query = "&".join(part for part in (query, urlencode(params, doseq=True)) if part)
        return ServerCall(method.upper(), target, query, list(sent.items()), body, scheme, self.peer)

    def _follow(self, answer: Answer, method: str, path: str, data: Any, **options: Any) -> Answer:
        """Go where redirections lead, ten at most; 307 and 308 repeat the request, others GET (RFC 9110 15.4)."""
        for _ in range(MAX_REDIRECTS):
            path = urljoin(urljoin(self.base_url, path), answer.headers["location"])
            if not path.startswith(self.base_url):
                return answer  # another host's
            if answer.status_code not in (307, 308) and method != "HEAD":
                method, data, options = "GET", None, {**options, "json": None, "files": None}
            answer = self.request(method, path.removeprefix(self.base_url), data, **options)
            if not answer.redirected:
                return answer
        raise RuntimeError(f"over {MAX_REDIRECTS} redirections, the last to {path}")

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Answer:
        """Send GET; `params` are the query."""
        return self.request("GET", path, params=params, **options)

    def head(self, path: str, **options: Any) -> Answer:
        """Send HEAD."""
        return self.request("HEAD", path, **options)

    def options(self, path: str, **options: Any) -> Answer:
        """Send OPTIONS."""
        return self.request("OPTIONS", path, **options)

    def delete(self, path: str, data: Any = None, **options: Any) -> Answer:
        """Send DELETE, with a body when `data` or `json=` is given."""
        return self.request("DELETE", path, data, **options)

    def post(self, path: str, data: Any = None, **options: Any) -> Answer:
        """Send POST: bytes and text as they are, a mapping as a form, `json=` as JSON."""
        return self.request("POST", path, data, **options)

    def put(self, path: str, data: Any = None, **options: Any) -> Answer:
        """Send PUT; the body is as that of `post`."""
        return self.request("PUT", path, data, **options)

    def patch(self, path: str, data: Any = None, **options: Any) -> Answer:
        """Send PATCH; the body is as that of `post`."""
        return self.request("PATCH", path, data, **options)

    def upload(self, path: str, data: Mapping[str, Any], **options: Any) -> Answer:
        """Post a multipart form; values that are open files, or (name, bytes), are its files."""
        files = {name: value for name, value in data.items() if hasattr(value, "read") or isinstance(value, tuple)}
        fields = {name: value for name, value in data.items() if name not in files}
        return self.request("POST", path, fields, files=files, **options)

    def rpc(self, path: str = "/", **headers: str) -> ServerProxy:
        """Return an XML-RPC proxy of the methods below a path: `cli.rpc("/rpc2").photos.list()`.

        Keywords are header fields, with _ for -: `cli.rpc("/rpc2", authorization="Bearer …")`.
        """
        from .rpc import xmlrpc_proxy  # few tests call by RPC, and its modules cost a start

        return xmlrpc_proxy(self, path, [(name.replace("_", "-"), value) for name, value in headers.items()])

    def jsonrpc(self, path: str = "/", **headers: str) -> JsonRpcProxy:
        """Return a JSON-RPC proxy of the methods below a path: `cli.jsonrpc("/rpc2").photos.list(page=1)`."""
        from .jsonrpc import JsonRpcProxy  # as above

        return JsonRpcProxy(self, path, [(name.replace("_", "-"), value) for name, value in headers.items()])

    def api(self, point: str = "") -> Stub:
        """Return a stub whose attributes and calls are path segments: `cli.api().apis.pets(45).get()`."""
        return Stub(self, (point.rstrip("/"),) if point.rstrip("/") else ())


def _encode_body(data: Any, json: Any, files: Files | None) -> tuple[bytes | None, str | None]:
    if files is not None:
        return encode_multipart(data or {}, files)
    if json is not None:
        return msgspec.json.encode(json), "application/json"
    if isinstance(data, Mapping):
        return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"
    if isinstance(data, str):
        return data.encode(), None
    return data, None
