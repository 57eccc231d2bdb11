"""What an app runs when it is mounted, reloaded and unmounted, in this order."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any, Literal

from .concurrency import settle
from .config import Config
from .facade import part
from .http.request import Request
from .logs import Log
from .platform import Platform
from .routing.route import AnyHandler, Handler
from .routing.urls import Urls
from .upstream.calls import Calls
from .upstream.db import Sessions
from .was import Was

Moment = Literal[
    "before_mount", "mounted", "mounted_or_reloaded", "before_reload", "reloaded", "before_umount", "umounted"
]  # fmt: skip


class Background(Was):
    """The was of what runs outside a request: steps of the app's life, maintenance jobs, events between them."""

    urls: part[Was, Urls] = part(lambda was: was.app.urls)
    logging: part[Was, Log] = part(lambda was: Log(was.app.logger, Request("", "")))
    calls: part[Was, Calls] = part(lambda was: Calls.of(was.app.platform, was.app.config))
    databases: part[Was, Sessions] = part(lambda was: Sessions.outside(was.app.platform, was.app.sqlmaps))

    def __init__(self, app: Any) -> None:
        self.app = app

    def __getattr__(self, name: str) -> Any:
        if name in ("request", "response"):
            raise RuntimeError(f"there is no was.{name} here: this code runs outside a request")
        return super().__getattr__(name)

    def beside(self, app: Any) -> Was:
        return self if app is self.app else Background(app)


class Loggers:
    """The logs of the process: `wac.logger.get("app")`, `wac.logger.make_logger("login", "daily")`."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def get(self, name: str) -> logging.Logger:
        """Return the log of a name."""
        return self.platform.logger(name)

    def make_logger(self, name: str, period: str = "daily") -> logging.Logger:
        """Return a log with a file of its own, a new one for each hour, day or week. Raises SettingError."""
        return self.platform.make_logger(name, period)


class Wac:
    """What every `was` of a process shares: no request in it. Lives as long as the process."""

    def __init__(self, platform: Platform, config: Config) -> None:
        self.platform = platform
        self.config = config
        self.logger = Loggers(platform)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.platform.attributes[name]
        except KeyError:
            raise AttributeError(f"wac has no {name!r}, and nothing registered it with wac.register") from None

    @property
    def numthreads(self) -> int:
        """Worker threads of this process."""
        return self.platform.num_threads

    def register(self, name: str, value: object) -> None:
        """Add an attribute to every `was` of the process. Raises ValueError for a name that is none or taken."""
        if not name.isidentifier() or name in self.platform.attributes:
            raise ValueError(f"was.{name} cannot be registered: the name is taken or no identifier")
        self.platform.attributes[name] = value

    def unregister(self, name: str) -> object:
        """Take an attribute back and return it. Raises KeyError when it is not there."""
        return self.platform.attributes.pop(name)


class Lifecycle:
    """The functions of one app for each moment of its life. Lives as long as the app."""

    def __init__(self) -> None:
        self.steps: dict[Moment, Handler] = {}

    def before_mount(self, step: AnyHandler) -> AnyHandler:
        """Set `f(wac)` to run before the app is mounted."""
        return self._set("before_mount", step)

    def mounted(self, step: AnyHandler) -> AnyHandler:
        """Set `f(was)` to run when the app was mounted."""
        return self._set("mounted", step)

    def mounted_or_reloaded(self, step: AnyHandler) -> AnyHandler:
        """Set `f(was)` to run when the app was mounted, and again whenever it was reloaded."""
        return self._set("mounted_or_reloaded", step)

    def before_reload(self, step: AnyHandler) -> AnyHandler:
        """Set `f(was)` to run before the app is reloaded."""
        return self._set("before_reload", step)

    def reloaded(self, step: AnyHandler) -> AnyHandler:
        """Set `f(was)` to run when the app was reloaded."""
        return self._set("reloaded", step)

    def before_umount(self, step: AnyHandler) -> AnyHandler:
        """Set `f(was)` to run before the app is unmounted."""
        return self._set("before_umount", step)

    def umounted(self, step: AnyHandler) -> AnyHandler:
        """Set `f(wac)` to run when the app was unmounted."""
        return self._set("umounted", step)

    async def run(self, moment: Moment, subject: Any) -> None:
        """Run the step of a moment, if there is one, with a was or a wac."""
        step = self.steps.get(moment)
        if step is not None:
            outcome = step(subject)
            if isinstance(outcome, Awaitable):
                await settle(outcome)

    def _set(self, moment: Moment, step: AnyHandler) -> AnyHandler:
        self.steps[moment] = step
        return step
