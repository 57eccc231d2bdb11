"""gRPC statuses: from an HTTP error to a status with its details and back (google.rpc.Code, google.rpc.Status)."""

from __future__ import annotations

from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2

from ..errors import HTTPError

# HTTP status -> the name of the gRPC status
STATUSES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    405: "UNIMPLEMENTED", 408: "DEADLINE_EXCEEDED", 409: "ABORTED", 410: "NOT_FOUND", 411: "INVALID_ARGUMENT",
    412: "FAILED_PRECONDITION", 413: "RESOURCE_EXHAUSTED", 415: "INVALID_ARGUMENT", 416: "OUT_OF_RANGE",
    421: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL",
    501: "UNIMPLEMENTED", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED", 530: "UNIMPLEMENTED",
}  # fmt: skip

# The way back, for clients: the comments in google/rpc/code.proto name these.
HTTP_STATUSES = {
    "OK": 200, "CANCELLED": 499, "UNKNOWN": 500, "INVALID_ARGUMENT": 400, "DEADLINE_EXCEEDED": 504, "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409, "PERMISSION_DENIED": 403, "UNAUTHENTICATED": 401, "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400, "ABORTED": 409, "OUT_OF_RANGE": 400, "UNIMPLEMENTED": 501, "INTERNAL": 500,
    "UNAVAILABLE": 503, "DATA_LOSS": 500,
}  # fmt: skip


def status_name(error: HTTPError) -> str:
    """Return the name of the gRPC status that an HTTP error becomes.

    A reason that is the name of one counts before the code: "409 Already Exists", "400 Out of Range", "500 Data Loss".
    """
    code = error.status.code
    said = _constant(error.status.reason)
    told = HTTP_STATUSES.get(said, 0)
    if code >= 400 and told // 100 == code // 100 and (said != "UNKNOWN" or code == told):
        return said
    return STATUSES.get(code, "FAILED_PRECONDITION" if code < 500 else "INTERNAL")


def status_number(name: str) -> int:
    """Return the number of a status, as it is on the wire. Raises ValueError for a name that is none."""
    return int(code_pb2.Code.Value(name))


def http_status(number: int) -> int:
    """Return the HTTP status that a gRPC status stands for; a number that is none is 500."""
    known = code_pb2.Code.DESCRIPTOR.values_by_number.get(number)
    return 500 if known is None else HTTP_STATUSES[known.name]


def status_text(error: HTTPError) -> str:
    """Return the message that goes with a gRPC status."""
    return error.message + (f": {error.detail}" if error.detail else "")


def rich_status(error: HTTPError, service: str, request_id: str) -> bytes:
    """Return the google.rpc.Status of an error, for the metadata `grpc-status-details-bin`.

    It has an ErrorInfo (reason, service, HTTP status and code), a RequestInfo, a BadRequest with every faulty
    parameter, a RetryInfo when the error has a Retry-After in seconds, and whatever was given as `details=`.
    """
    status = status_pb2.Status(code=status_number(status_name(error)), message=status_text(error))
    for detail in _details(error, service, request_id):
        status.details.add().Pack(detail)
    return bytes(status.SerializeToString())


def _details(error: HTTPError, service: str, request_id: str) -> list[Any]:
    facts = {"status": str(error.status.code), "code": str(error.code)}
    found: list[Any] = [
        error_details_pb2.ErrorInfo(reason=_constant(error.message), domain=service, metadata=facts),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    if error.reasons:
        violation = error_details_pb2.BadRequest.FieldViolation
        each = [violation(field=reason.name, description=reason.reason) for reason in error.reasons]
        found.append(error_details_pb2.BadRequest(field_violations=each))
    wait = next((value for name, value in error.headers if name.lower() == "retry-after"), "")
    if wait.isdecimal():
        found.append(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=int(wait))))
    return [*found, *error.details]


def _constant(text: str) -> str:
    """Return "Already Exists" as ALREADY_EXISTS; google.rpc.ErrorInfo takes 63 characters."""
    return "_".join("".join(each if each.isalnum() and each.isascii() else " " for each in text).upper().split())[:63]
