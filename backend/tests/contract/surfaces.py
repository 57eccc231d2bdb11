"""The same six calls over plain HTTP, the standard library's XML-RPC client, JSON-RPC and a generated gRPC stub."""

from __future__ import annotations

import base64
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import grpc
import httpx
from google.protobuf.json_format import MessageToDict

from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1.photos_pb2_grpc import PhotoServiceStub

Answer = dict[str, Any]
TIMEOUT = 10  # seconds

# How gRPC says what HTTP says with a status.
GRPC_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 413,
}


@dataclass
class RefusedError(Exception):
    """A call was refused: with which HTTP status, and why."""

    status: int
    reason: str


class Surface(Protocol):
    """One way to the photos of a user, in the name of whoever has the token."""

    def list(self, user: int | str, **query: Any) -> Answer: ...
    def get(self, user: int | str, id: int) -> Answer: ...
    def create(self, user: int | str, filename: str, content: bytes, title: str, description: str) -> Answer: ...
    def update(self, user: int | str, id: int, changes: dict[str, Any]) -> Answer: ...
    def delete(self, user: int | str, id: int) -> None: ...
    def close(self) -> None: ...


class Rest:
    """Plain HTTP."""

    def __init__(self, url: str, token: str | None) -> None:
        self.base = f"{url}/api/v1/users"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(headers=headers, timeout=TIMEOUT, trust_env=False)

    def list(self, user: int | str, **query: Any) -> Answer:
        page = self._send("GET", f"{user}/photos", params=query)
        return {**page, "items": [normal(photo) for photo in page["items"]]}

    def get(self, user: int | str, id: int) -> Answer:
        return normal(self._send("GET", f"{user}/photos/{id}"))

    def create(self, user: int | str, filename: str, content: bytes, title: str, description: str) -> Answer:
        texts = {"title": title, "description": description}
        return normal(self._send("POST", f"{user}/photos", data=texts, files={"file": (filename, content)}))

    def update(self, user: int | str, id: int, changes: dict[str, Any]) -> Answer:
        return normal(self._send("PATCH", f"{user}/photos/{id}", json=changes))

    def delete(self, user: int | str, id: int) -> None:
        self._send("DELETE", f"{user}/photos/{id}")

    def close(self) -> None:
        self.client.close()

    def _send(self, method: str, path: str, **options: Any) -> Any:
        answer = self.client.request(method, f"{self.base}/{path}", **options)
        if answer.is_error:
            error = answer.json()
            assert error["code"] // 100 == answer.status_code
            raise RefusedError(answer.status_code, f"{error['message']}: {error.get('more_info')}")
        return answer.json() if answer.content else None


class XmlRpc:
    """The standard library's client."""

    def __init__(self, url: str, token: str | None) -> None:
        headers = [("Authorization", f"Bearer {token}")] if token else []
        self.server = xmlrpc.client.ServerProxy(f"{url}/rpc2", headers=headers)
        self.photos = self.server.photos

    def list(self, user: int | str, **query: Any) -> Answer:
        wanted = {"page": 1, "size": 24, "sort": "-created_at", "q": "", **query}
        page = self._call(lambda: self.photos.list(user, *wanted.values()))
        return {**page, "items": [normal(photo) for photo in page["items"]]}

    def get(self, user: int | str, id: int) -> Answer:
        return normal(self._call(lambda: self.photos.get(user, id)))

    def create(self, user: int | str, filename: str, content: bytes, title: str, description: str) -> Answer:
        binary = xmlrpc.client.Binary(content)
        return normal(self._call(lambda: self.photos.create(user, filename, binary, title, description)))

    def update(self, user: int | str, id: int, changes: dict[str, Any]) -> Answer:
        return normal(self._call(lambda: self.photos.update(user, id, changes)))

    def delete(self, user: int | str, id: int) -> None:
        assert self._call(lambda: self.photos.delete(user, id)) is True

    def close(self) -> None:
        self.server("close")()

    def _call(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except xmlrpc.client.Fault as fault:
            raise RefusedError(fault.faultCode, fault.faultString) from fault


class JsonRpc:
    """JSON-RPC 2.0 with arguments by name, by hand."""

    CODES = {-32602: 400, -32601: 404}  # noqa: RUF012 - a table; what has no code of the specification has its status

    def __init__(self, url: str, token: str | None) -> None:
        self.url = f"{url}/rpc2"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(headers=headers, timeout=TIMEOUT, trust_env=False)

    def list(self, user: int | str, **query: Any) -> Answer:
        page = self._call("list", uid=user, **query)
        return {**page, "items": [normal(photo) for photo in page["items"]]}

    def get(self, user: int | str, id: int) -> Answer:
        return normal(self._call("get", uid=user, id=id))

    def create(self, user: int | str, filename: str, content: bytes, title: str, description: str) -> Answer:
        text = base64.b64encode(content).decode()
        made = self._call("create", uid=user, filename=filename, content=text, title=title, description=description)
        return normal(made)

    def update(self, user: int | str, id: int, changes: dict[str, Any]) -> Answer:
        return normal(self._call("update", uid=user, id=id, changes=changes))

    def delete(self, user: int | str, id: int) -> None:
        assert self._call("delete", uid=user, id=id) is True

    def close(self) -> None:
        self.client.close()

    def _call(self, method: str, **params: Any) -> Any:
        call = {"jsonrpc": "2.0", "method": f"photos.{method}", "params": params, "id": 1}
        answer = self.client.post(self.url, json=call)
        assert answer.status_code == 200
        if (error := answer.json().get("error")) is not None:
            data = error.get("data", {})
            status = self.CODES.get(error["code"], error["code"])
            raise RefusedError(status, f"{data.get('message')}: {data.get('more_info')}")
        return answer.json()["result"]


class Grpc:
    """The generated stub."""

    def __init__(self, target: str, token: str | None) -> None:
        self.channel = grpc.insecure_channel(target)
        self.stub: Any = PhotoServiceStub(self.channel)  # type: ignore[no-untyped-call]  # generated
        self.metadata = [("authorization", f"Bearer {token}")] if token else []

    def list(self, user: int | str, **query: Any) -> Answer:
        page = self._call(self.stub.List, pb.ListRequest(user=str(user), **query))
        items = [plain(photo) for photo in page.items]
        return {"items": items, "total": page.total, "page": page.page, "size": page.size}

    def get(self, user: int | str, id: int) -> Answer:
        return plain(self._call(self.stub.Get, pb.GetRequest(user=str(user), id=id)))

    def create(self, user: int | str, filename: str, content: bytes, title: str, description: str) -> Answer:
        request = pb.CreateRequest(
            user=str(user), filename=filename, content=content, title=title, description=description
        )
        return plain(self._call(self.stub.Create, request))

    def update(self, user: int | str, id: int, changes: dict[str, Any]) -> Answer:
        return plain(self._call(self.stub.Update, pb.UpdateRequest(user=str(user), id=id, **changes)))

    def delete(self, user: int | str, id: int) -> None:
        self._call(self.stub.Delete, pb.DeleteRequest(user=str(user), id=id))

    def close(self) -> None:
        self.channel.close()

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, metadata=self.metadata, timeout=TIMEOUT)
        except grpc.RpcError as error:
            raise RefusedError(GRPC_STATUS.get(error.code(), 500), error.details() or "") from error


def normal(photo: Answer) -> Answer:
    """A photo with its times as moments."""
    return photo | {name: datetime.fromisoformat(photo[name]) for name in ("created_at", "updated_at")}


def plain(photo: pb.Photo) -> Answer:
    """A message as the other surfaces show it."""
    fields = MessageToDict(photo, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    numbers = {name: int(fields[name]) for name in ("id", "user_id", "size")}  # JSON of protobuf: int64 as text
    return normal(fields | numbers)
