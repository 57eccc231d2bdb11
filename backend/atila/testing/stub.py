"""A client written as a path: `stub.apis.pets(45).get()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from .answer import Answer
    from .caller import Caller


class Stub:
    """A path that grows by attributes and calls; get, post, put, patch, delete, options, head and upload send it."""

    def __init__(self, client: Caller, parts: tuple[str, ...] = ()) -> None:
        self._client = client
        self._parts = parts

    def __getattr__(self, name: str) -> Stub:
        return Stub(self._client, (*self._parts, name))

    def __call__(self, *parts: object) -> Stub:
        return Stub(self._client, (*self._parts, *(quote(str(part), safe="") for part in parts)))

    def get(self, **params: Any) -> Answer:
        """Send GET to the path; keywords are the query."""
        return self._client.get(self._path, params)

    def delete(self, **params: Any) -> Answer:
        """Send DELETE; keywords are the query."""
        return self._client.request("DELETE", self._path, params=params)

    def head(self, **params: Any) -> Answer:
        """Send HEAD; keywords are the query."""
        return self._client.request("HEAD", self._path, params=params)

    def options(self, **params: Any) -> Answer:
        """Send OPTIONS; keywords are the query."""
        return self._client.request("OPTIONS", self._path, params=params)

    def post(self, data: Any = None, /, **fields: Any) -> Answer:
        """Send POST; a mapping and keywords together are the JSON body."""
        return self._client.post(self._path, json={**(data or {}), **fields})

    def put(self, data: Any = None, /, **fields: Any) -> Answer:
        """Send PUT; a mapping and keywords together are the JSON body."""
        return self._client.put(self._path, json={**(data or {}), **fields})

    def patch(self, data: Any = None, /, **fields: Any) -> Answer:
        """Send PATCH; a mapping and keywords together are the JSON body."""
        return self._client.patch(self._path, json={**(data or {}), **fields})

    def upload(self, data: dict[str, Any], /) -> Answer:
        """Post a multipart form; open files and (name, bytes) are its files."""
        return self._client.upload(self._path, data)

    @property
    def _path(self) -> str:
        path = "/".join(self._parts)
        return path if path.startswith("/") else f"/{path}"
