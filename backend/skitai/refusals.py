"""The answer to a request that no app took: a page for browsers, JSON for everybody else."""

from __future__ import annotations

import msgspec

from atila.errors import HTTPError
from atila.http.headers import accepts
from atila.http.problem import error_data
from atila.http.request import Request
from atila.http.response import Response
from atila.rendering.error_page import error_page


def refusal_of(request: Request, refused: int | HTTPError) -> Response:
    """Return the answer that says a status, or what an error says, to a request."""
    error = HTTPError(refused) if isinstance(refused, int) else refused
    status = error.status.code
    headers = [*error.headers, ("vary", "accept")]
    if accepts(request.get_header("accept"), "text/html"):
        page = error_page({"code": status, "reason": error.status.reason, "detail": error.detail})
        return Response(status, [("content-type", "text/html; charset=utf-8"), *headers], page.encode())
    return Response(status, [("content-type", "application/json"), *headers], msgspec.json.encode(error_data(error)))
