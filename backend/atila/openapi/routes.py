"""The routes that show an app's OpenAPI document: as JSON, as a page, and the page's style sheet."""

from __future__ import annotations

from typing import Any

from ..http.results import API
from ..routing.route import Route, RouteOptions
from ..routing.router import Router
from ..routing.rule import Rule
from .document import Info, build_document
from .page import STYLE, render_page


def add_routes(router: Router, info: Info, document_url: str, page_url: str | None, root: str) -> None:
    """Add GET routes for the document and, unless `page_url` is None, for the page; made at the first request."""
    made: list[dict[str, Any]] = []

    def document() -> dict[str, Any]:
        if not made:
            made.append(build_document(router.routes, info, root))
        return made[0]

    def openapi_document(was: Any) -> Any:
        return API(document())

    def openapi_page(was: Any) -> Any:
        return render_page(document(), root + document_url, f"{root}{page_url}/style.css")

    def openapi_style(was: Any) -> Any:
        return was.response("200 OK", STYLE, [("content-type", "text/css; charset=utf-8")])

    handlers = {document_url: openapi_document}
    if page_url is not None:
        handlers |= {page_url: openapi_page, f"{page_url}/style.css": openapi_style}
    for rule, handler in handlers.items():
        if not router.reaches(rule):
            router.add(Route(Rule(rule), handler, RouteOptions(("GET", "HEAD"), include_in_schema=False)))
