"""Is the process alive, and can it serve? `app.mount("/health", atila.health)` answers `/health/live` and `/ready`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .errors import SettingError
from .logs import one_line

if TYPE_CHECKING:
    from .app import Atila

Check = Callable[[Any], str | None]
AnyCheck = TypeVar("AnyCheck", bound=Callable[..., str | None])

FINE = "ok"
_FRESH = [("Cache-Control", "no-store")]


@dataclass(frozen=True, slots=True)
class _Kept:
    check: Check
    required: bool


class Health:
    """What an app can say of itself. Lives as long as the app.

    The bus is looked at by itself: while other hosts cannot be reached this one serves on, so it is told and no more.
    """

    def __init__(self) -> None:
        self.facts: dict[str, object] = {}  # shown beside "ready": the name of the release, say
        self._checks: dict[str, _Kept] = {"bus": _Kept(_bus, required=False)}

    @overload
    def ready_check(self, check: AnyCheck, /) -> AnyCheck: ...
    @overload
    def ready_check(self, /, *, required: bool = True) -> Callable[[AnyCheck], AnyCheck]: ...
    def ready_check(self, check: Any = None, /, *, required: bool = True) -> Any:
        """Set `f(was)`, a plain function, as a check under its name: None is well, a text is the reason why not.

        When a required one fails, or raises, the process is not ready. Raises SettingError for an `async def`.
        """
        if check is None:
            return lambda function: self._keep(function, required)
        return self._keep(check, required)

    def _keep(self, check: AnyCheck, required: bool) -> AnyCheck:
        if inspect.iscoroutinefunction(check):
            raise SettingError(f"ready_check {check.__name__}: a plain function is expected, it may block")
        self._checks[check.__name__] = _Kept(check, required)
        return check

    def needs_database(self, alias: str) -> None:
        """Let the process be ready only while the database of an alias answers."""

        def check(was: Any) -> str | None:
            return None if was.db(alias).execute("SELECT 1").dispatch().usable else "does not answer"

        self._checks[alias.lstrip("@")] = _Kept(check, required=True)

    def examine(self, was: Any) -> tuple[bool, dict[str, str]]:
        """Run every check; return whether the process is ready, and what each said."""
        if was.app.platform.stopping.is_set():
            return False, {"engine": "is stopping"}
        said = {name: _outcome(was, name, kept.check) for name, kept in self._checks.items()}
        return all(said[name] == FINE for name, kept in self._checks.items() if kept.required), said


def __mount__(app: Atila) -> None:  # noqa: N807 - the documented name
    @app.route("/live", methods=["GET"], authenticate=False, include_in_schema=False)
    async def live(was: Any) -> Any:
        """Whether the process answers."""
        was.response.set_headers(_FRESH)
        return was.API(status="alive")

    @app.route("/ready", methods=["GET"], authenticate=False, include_in_schema=False)
    def ready(was: Any) -> Any:
        """Whether requests can be served, and what stands in the way."""
        was.response.set_headers(_FRESH)
        well, said = app.health.examine(was)
        if well:
            return was.API(status="ready", **app.health.facts, checks=said)
        return was.Fault("503 Service Unavailable", "not ready", checks=said)


def _outcome(was: Any, name: str, check: Check) -> str:
    try:
        return check(was) or FINE
    except Exception as error:  # noqa: BLE001 - whatever it raises, the process is not ready; the log says more
        was.log(f"ready check {name}: {one_line(f'{type(error).__name__}: {error}')}", "error")
        return "failed"


def _bus(was: Any) -> str | None:
    report = was.app.platform.bus.health()
    if report["status"] == "ok":
        return None
    since = report.get("away_since")
    return f"away since {since:.0f}" if since else "away"
