"""Templates of an app: which engine renders which file, and what every template can use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..http.markup import Html

if TYPE_CHECKING:
    from jinja2 import Environment

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])
CHAMELEON = (".pt", ".zpt")  # suffixes of page templates for Chameleon; all others are Jinja's


class Templates:
    """The templates of one app, in the folder `templates` of its home. Lives as long as the app.

    Engines are imported at first use: an app without templates does not pay for them.
    """

    def __init__(self, home: Callable[[], Path], fresh: Callable[[], bool]) -> None:
        self._home = home
        self._fresh = fresh  # look at every use whether a file has changed
        self._globals: dict[str, Callable[..., Any]] = {}
        self._filters: dict[str, Callable[..., Any]] = {}
        self._delimiters: dict[str, str] = {}
        self._environment: Environment | None = None
        self._pages: Any = None
        self._here = threading.local()  # the was of the template that this thread renders
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        return self._home() / "templates"

    @property
    def environment(self) -> Environment:
        """The Jinja environment, made at first use. Raises SettingError when jinja2 is not installed."""
        if self._environment is None:
            with self._lock:
                if self._environment is None:
                    self._environment = self._make_environment()
        return self._environment

    def template_global(self, name: str) -> Callable[[AnyFunction], AnyFunction]:
        """Lend a function to every template: `f(was, …)`, called there without `was`."""

        def declare(function: AnyFunction) -> AnyFunction:
            self._globals[name] = lambda *args, **kwargs: function(self._here.was, *args, **kwargs)
            if self._environment is not None:
                self._environment.globals[name] = self._globals[name]
            return function

        return declare

    def template_filter(self, name: str) -> Callable[[AnyFunction], AnyFunction]:
        """Lend a filter to every template: `f(value, …)`, used as `{{ value | name }}`."""

        def declare(function: AnyFunction) -> AnyFunction:
            self._filters[name] = function
            if self._environment is not None:
                self._environment.filters[name] = function
            return function

        return declare

    def jinja_overlay(
        self,
        variable_start_string: str = "{{",
        variable_end_string: str = "}}",
        block_start_string: str = "{%",
        block_end_string: str = "%}",
        comment_start_string: str = "{#",
        comment_end_string: str = "#}",
        line_statement_prefix: str | None = None,
        line_comment_prefix: str | None = None,
    ) -> None:
        """Set other delimiters. Where start and end are the same mark, the mark doubled stands for itself."""
        given = {name: value for name, value in locals().items() if name != "self" and value is not None}
        self._delimiters = given
        if self._environment is not None:
            self._environment = self._environment.overlay(**given)

    def render(self, was: Any, template: str, params: Mapping[str, Any]) -> Html:
        """Return a template filled in. Every template sees `was` besides its parameters."""
        before = getattr(self._here, "was", None)
        self._here.was = was
        try:
            if template.endswith(CHAMELEON):
                return Html(self._page(template).render(**{**params, "was": was}))
            return Html(self.environment.get_template(template).render({**params, "was": was}))
        finally:
            self._here.was = before

    def _make_environment(self) -> Environment:
        from .jinja import make_environment  # Jinja costs a start 70 ms

        made = make_environment(self.folder, self._fresh(), self._delimiters)
        made.globals.update(self._globals, was=_Current(self._here))
        made.filters.update(self._filters)
        return made

    def _page(self, template: str) -> Any:
        if self._pages is None:
            from .chameleon import make_pages  # only where it is used

            self._pages = make_pages(self.folder, self._fresh())
        return self._pages[template]


class _Current:
    """`was` in a macro that was imported without the context of the page. Lives as long as the app."""

    def __init__(self, here: threading.local) -> None:
        self._here = here

    def __getattr__(self, name: str) -> Any:
        return getattr(self._here.was, name)


class Renderer:
    """Renders templates for one request."""

    def __init__(self, templates: Templates, was: Any, tell: Callable[[str, Mapping[str, Any]], object]) -> None:
        self._templates = templates
        self._was = was
        self._tell = tell

    def render(self, template: str, params: Mapping[str, Any] | None = None, /, **named: Any) -> Html:
        """Return a page: `render("a.html", {"x": 1})` or `render("a.html", x=1)`.

        Raises TypeError for a dict and keywords at once; what the engine raises for a template that is missing.
        """
        if params is not None and named:
            raise TypeError(f"render({template!r}): the parameters are a dict or keywords, not both")
        given = dict(params) if params is not None else named
        self._tell(template, given)
        return self._templates.render(self._was, template, given)
