"""Calls of other protocols: XML-RPC, JSON-RPC and gRPC."""

from __future__ import annotations

import contextlib
import time
import xmlrpc.client as rpc

from google.protobuf.struct_pb2 import Struct

from atila.errors import HTTPError
from atila.http.call import Call as GrpcCall
from atila.rpc.grpc import Method, metadata_of
from atila.rpc.grpc_web import _deadline, _trailers, read_frames
from atila.rpc.jsonrpc import JsonRpc
from atila.rpc.methods import Call
from atila.rpc.xmlreader import _parse, _scan, read_call
from atila.rpc.xmlrpc import dump_fault, is_call
from tests.fuzz.outcome import REFUSED, outcome, written

_HEAD = b"<?xml version='1.0'?><methodCall><methodName>a.b</methodName><params><param><value>"
_TAIL = b"</value></param></params></methodCall>"
_METHOD = Method("/fuzz.Service/Get", Struct, Struct, takes_stream=False, gives_stream=False)


def call(data: bytes) -> None:
    """A methodCall reads as a name and values, which can be sent back and read the same."""
    for body in (data, _HEAD + data + _TAIL):
        assert is_call(body) in (True, False)
        read = outcome(read_call, body, 20)
        if (short := _scan(body)) is not None:
            assert short == _parse(body, 20)
        if read is not REFUSED:
            assert isinstance(read.method, str)
            _send_back(read)


def _send_back(read: Call) -> None:
    written(read)
    dump_fault(HTTPError(400, read.method))
    value = list(read.arguments)
    if "\\r" in repr(value) or "tzinfo" in repr(value):
        return  # that client writes \r as it is, which XML reads as \n, and moments without their zone
    with contextlib.suppress(OverflowError):  # no client writes whole numbers of over 32 bits
        sent = rpc.dumps((value,), "echo", allow_none=True).encode()
        assert repr(read_call(sent, 21).arguments) == repr([value])


def batch(data: bytes) -> None:
    """A JSON-RPC message reads as calls, or is refused with an error object."""
    codec = JsonRpc(20, 5)
    read = outcome(codec.read, data)
    if read is REFUSED:
        return
    for made in read.calls:
        written(made.method)
        assert isinstance(made.arguments, list | dict)


def web_frames(data: bytes) -> None:
    """A gRPC-Web body reads as messages, none of them over the limit, or is refused."""
    for encoding in ("gzip", "identity"):
        read = outcome(lambda encoding=encoding: list(read_frames(data, encoding, 1000)))
        if read is not REFUSED:
            assert sum(map(len, read)) <= 1000
            sent = b"".join(b"\0" + len(each).to_bytes(4, "big") + each for each in read)
            assert list(read_frames(sent, "identity", 1000)) == read


def message(data: bytes) -> None:
    """A message that can be read is written and reads the same."""
    read = outcome(_METHOD.read, data)
    if read is not REFUSED:
        first = _METHOD.write(read)
        again = _METHOD.read(first)
        assert again.SerializeToString(deterministic=True) == read.SerializeToString(deterministic=True)


def metadata(data: bytes) -> None:
    """Metadata is taken when both kinds of gRPC can carry it; a deadline is a time to come, or none."""
    name, _, rest = data.decode("latin-1").partition("\n")
    value, _, timeout = rest.partition("\n")
    began = time.monotonic()
    deadline = _deadline(timeout)
    assert deadline is None or began <= deadline < began + 4e11  # eight digits of hours
    call = GrpcCall(deadline)
    with contextlib.suppress(ValueError):
        call.add_trailer(name, value)
    for known, sent in metadata_of(call.trailers):
        assert known == name.lower()
        assert isinstance(sent, bytes) if known.endswith("-bin") else sent == value
    *pairs, end = _trailers(0, value, call.trailers).split(b"\r\n")
    assert (len(pairs), end) == (2 + len(call.trailers), b"")
    assert all(pair.isascii() for pair in pairs)
