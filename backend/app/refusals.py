"""Refusals that routes tell of in the OpenAPI document, beside those that the framework knows of itself."""

from __future__ import annotations

from typing import Any

from atila.status import parse_status

SCHEMA = {"$ref": "#/components/schemas/ErrorBody"}


def refusals(*codes: int) -> dict[int, Any]:
    """The `responses` of a route that may refuse with these statuses."""
    content = {"application/json": {"schema": SCHEMA}}
    return {code: {"description": parse_status(code).reason, "content": content} for code in codes}
