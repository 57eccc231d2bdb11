"""JSON-RPC calls in a test, through the adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..http.headers import Pairs

if TYPE_CHECKING:
    from .caller import Caller


class JsonRpcError(Exception):
    """The error object of an answer."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.data = data


class JsonRpcProxy:
    """The methods below a path: `proxy.photos.list(1, 20)`, by name `proxy.photos.list(page=1)`.

    `proxy._notify.photos.list()` waits for no result. Calls raise JsonRpcError for an error, ValueError for arguments
    by place and by name at once.
    """

    def __init__(self, client: Caller, path: str, headers: Pairs, name: str = "", *, notifies: bool = False) -> None:
        self._client = client
        self._path = path
        self._headers = headers
        self._name = name
        self._notifies = notifies

    def __getattr__(self, name: str) -> JsonRpcProxy:
        if name == "_notify":
            return JsonRpcProxy(self._client, self._path, self._headers, self._name, notifies=True)
        full = f"{self._name}.{name}" if self._name else name
        return JsonRpcProxy(self._client, self._path, self._headers, full, notifies=self._notifies)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if arguments and named:
            raise ValueError("JSON-RPC takes arguments by place or by name, not both")
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": self._name, "params": named or list(arguments)}
        if not self._notifies:
            message["id"] = 1
        headers = {"Content-Type": "application/json-rpc", **dict(self._headers)}
        answer = self._client.post(self._path, json=message, headers=headers)
        if not answer.content:
            return None
        data = answer.json()
        if "error" in data:
            raise JsonRpcError(**data["error"])
        return data["result"]
