"""Guards: what must hold before a handler runs. Decorators declare them, the pipeline asks them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..concurrency import then
from ..errors import HTTPError, RouteError
from ..routing.route import METHODS, AnyHandler, Handler, declarations
from .digest import Digest
from .schemes import Basic, BearerScheme, Scheme

Outcome = Any  # None goes on; text is a 401 with that reason; anything else is the answer


@dataclass(slots=True)
class PermissionRule:
    """What `permission_required` said: base permissions, and those of a path parameter or a method."""

    base: list[str] = field(default_factory=list)
    parameters: dict[str, list[str]] = field(default_factory=dict)
    methods: dict[str, list[str]] = field(default_factory=dict)

    def wanted(self, method: str, find: Callable[[str], Any]) -> list[str]:
        """Return the permissions that a request needs; `find` returns a parameter's value or None.

        A bound parameter that is absent or `me` asks for the base alone; an id, `new` or `notme` for its own besides.
        Raises HTTPError 421 for `notme` with a method that changes something.
        """
        wanted = list(self.base)
        values = {name: find(name) for name in self.parameters}
        for name, permissions in self.parameters.items():
            value = values[name]
            if value == "notme" and method not in ("GET", "HEAD"):
                raise HTTPError(
                    "421 Method Not Allowed", f"{name}=notme is for GET only, so that nothing of everybody is changed"
                )
            if value not in (None, "me"):
                wanted += [item for item in permissions if item not in wanted]
        if "me" not in values.values():
            wanted += [item for item in self.methods.get(method, ()) if item not in wanted]
        return wanted


class Guards:
    """The app's handlers for login and permission, and the decorators that ask them. Lives as long as the app."""

    def __init__(self) -> None:
        self.login: Handler | None = None
        self.staff: Handler | None = None
        self.permission: Handler | None = None
        self.bearer: Handler | None = None
        self.authorization: Handler | None = None
        bearer = BearerScheme(lambda: self.bearer)
        made: list[Scheme] = [Basic(self._find_user), Digest(self._find_user), bearer]
        self.schemes: dict[str, Scheme] = {scheme.name: scheme for scheme in made}

    # handlers of the app

    def login_handler(self, handler: AnyHandler) -> AnyHandler:
        """Set what `login_required` asks: `f(was)` returns None to go on, else the answer."""
        self.login = handler
        return handler

    def staff_member_check_handler(self, handler: AnyHandler) -> AnyHandler:
        """Set what `staff_member_required` asks: `f(was)` returns None to go on, else the answer."""
        self.staff = handler
        return handler

    def permission_check_handler(self, handler: AnyHandler) -> AnyHandler:
        """Set what `permission_required` asks: `f(was, permissions)`; None permits, else it is the answer."""
        self.permission = handler
        return handler

    def bearer_handler(self, handler: AnyHandler) -> AnyHandler:
        """Set what bearer authentication asks: `f(was, token)` returns None to go on, text to refuse with it."""
        self.bearer = handler
        return handler

    # decorators of handlers

    def login_required(self, handler: AnyHandler) -> AnyHandler:
        """Let a handler run only when the login handler agrees."""
        return _declare(handler, lambda was: _asked(self.login, "login_handler", handler)(was))

    def staff_member_required(self, handler: AnyHandler) -> AnyHandler:
        """Let a handler run only when the staff member check agrees."""
        return _declare(handler, lambda was: _asked(self.staff, "staff_member_check_handler", handler)(was))

    def testpass_required(self, test: Handler) -> Callable[[AnyHandler], AnyHandler]:
        """Let a handler run only when `test(was)` is True or None; False is 403, anything else the answer."""

        def judge(outcome: Any) -> Outcome:
            if outcome is False:
                raise HTTPError("403 Permission Denied")
            return None if outcome is True else outcome

        return lambda handler: _declare(handler, lambda was: then(test(was), judge))

    def permission_required(
        self, permissions: Sequence[str] | None = None, /, **conditions: Sequence[str]
    ) -> Callable[[AnyHandler], AnyHandler]:
        """Let a handler run only when the permission check agrees.

        `permissions` are always needed; `uid=["staff"]` besides when the path's uid is another's; `DELETE=["admin"]`
        for a method. Raises RouteError when used without parentheses, or with a condition that is no list.
        """
        if callable(permissions):
            raise RouteError("permission_required takes parentheses: @app.permission_required()")
        for name, value in [("permissions", permissions or []), *conditions.items()]:
            if isinstance(value, str):
                raise RouteError(f"permission_required: {name} is a list, not {value!r}")
        rule = PermissionRule(
            list(permissions or []),
            {name: list(value) for name, value in conditions.items() if name not in METHODS},
            {name: list(value) for name, value in conditions.items() if name in METHODS},
        )

        def declare(handler: AnyHandler) -> AnyHandler:
            declarations(handler).permissions.insert(0, rule)

            def guard(was: Any) -> Outcome:
                wanted = rule.wanted(was.request.method, was.request.find)
                return _asked(self.permission, "permission_check_handler", handler)(was, wanted)

            return _declare(handler, guard)

        return declare

    def authorization_required(self, scheme: str) -> Callable[[AnyHandler], AnyHandler]:
        """Let a handler run only for an authenticated request: "basic", "digest" or "bearer".

        Raises RouteError for an unknown scheme.
        """
        self.scheme(scheme)

        def declare(handler: AnyHandler) -> AnyHandler:
            declarations(handler).scheme = scheme
            return handler

        return declare

    # authentication

    def authorization_handler(self, handler: AnyHandler) -> AnyHandler:
        """Set where passwords come from in place of `app.users`: `f(was, name)`.

        It returns the password, (password, encrypted), (password, encrypted, info), or None for nobody.
        """
        self.authorization = handler
        return handler

    def scheme(self, name: str) -> Scheme:
        """Return an authentication scheme. Raises RouteError for an unknown one."""
        try:
            return self.schemes[name]
        except KeyError:
            known = ", ".join(self.schemes)
            raise RouteError(f"authentication by {name!r} is not available; there are {known}") from None

    def scheme_for(self, wanted: Sequence[str | bool | None], usual: str) -> Scheme | None:
        """Return the scheme of a route from what was said of it, the nearest first; True is the `usual` one."""
        said = next((item for item in wanted if item is not None), None)
        return self.scheme(usual if said is True else str(said)) if said else None

    def _find_user(self, was: Any, name: str) -> Any:
        return self.authorization(was, name) if self.authorization is not None else was.app.users.get(name)


def refuse(was: Any, outcome: object) -> object:
    """Return the answer that a guard's outcome stands for. Raises HTTPError 401 for a text (RFC 9110 15.5.2).

    Markup, as templates give it, is a page to show.
    """
    if not isinstance(outcome, str) or hasattr(outcome, "__html__"):
        return outcome
    if was.request.wire == "websocket":  # browsers do not ask for a password there
        raise HTTPError(401, outcome)
    scheme: Scheme = was.request.route.scheme or was.app.guards.schemes["bearer"]
    raise HTTPError(401, outcome, headers=scheme.challenge(was, outcome))


def _declare(handler: AnyHandler, guard: Callable[[Any], Outcome]) -> AnyHandler:
    declarations(handler).guards.insert(0, guard)
    return handler


def _asked(handler: Handler | None, name: str, view: Handler) -> Handler:
    if handler is None:
        raise HTTPError(500, f"{view.__qualname__} asks for @app.{name}, and the app has none")
    return handler
