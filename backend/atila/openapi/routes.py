"""The routes that show an app's OpenAPI document: as JSON, as a page, and the page's style sheet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..http.results import API
from ..routing.route import Route, RouteOptions
from ..routing.router import Router
from ..routing.rule import Rule
from .page import STYLE, render_page


class Shown:
    """The document as it is shown, written anew when the routes are others. Lives as long as the app's routes."""

    def __init__(self, router: Router, write: Callable[[], dict[str, Any]]) -> None:
        self.router = router
        self.write = write
        self._routes: list[Route] = []
        self._document: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        if self._routes != self.router.routes:
            self._document, self._routes = self.write(), list(self.router.routes)
        return self._document


def add_routes(
    router: Router, write: Callable[[], dict[str, Any]], document_url: str, page_url: str | None, root: str
) -> None:
    """Add GET routes for the document that `write` gives and, unless `page_url` is None, for the page to read it."""
    shown = Shown(router, write)

    def openapi_document(was: Any) -> Any:
        return API(shown.read())

    def openapi_page(was: Any) -> Any:
        return render_page(shown.read(), root + document_url, f"{root}{page_url}/style.css")

    def openapi_style(was: Any) -> Any:
        return was.response("200 OK", STYLE, [("content-type", "text/css; charset=utf-8")])

    handlers = {document_url: openapi_document}
    if page_url is not None:
        handlers |= {page_url: openapi_page, f"{page_url}/style.css": openapi_style}
    for rule, handler in handlers.items():
        if not router.reaches(rule):
            router.add(Route(Rule(rule), handler, RouteOptions(("GET", "HEAD"), include_in_schema=False)))
