"""Atila: an application. It owns its parts and lists what each offers; holds no logic."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import pipeline
from .auth.guards import Guards
from .auth.jwt import Tokens
from .broadcasting import Audience
from .config import Config, default_config
from .events import Bus
from .faults import Faults
from .health import Health
from .hooks import Hooks
from .http.request import Request
from .http.site import Job
from .lifecycle import Background, Lifecycle, Wac
from .maintenance import Maintenance
from .params.checks import check_params
from .platform import LocalPlatform, Platform
from .rendering.templates import Templates
from .routing.router import Router
from .routing.urls import Urls
from .services import Services
from .shared import SharedKeys, Store
from .upstream.db import SqlMaps
from .websocket.design import websocket
from .websocket.switchboard import Switchboard

if TYPE_CHECKING:
    from .testing.client import TestClient


class Atila:
    """An application: routes, hooks, handlers, settings. One for each module; lives as long as its mount."""

    root = ""  # where it is mounted: "" or "/sub"
    debug = False  # error answers show the traceback
    use_reloader = False  # the engine restarts the app when its files change
    auto_mount = True  # imported modules below services/ mount themselves
    session_timeout: int | None = None  # seconds a session lives after its last change; None ends it with the browser
    authenticate: str | bool = False  # "basic", "digest" or "bearer" for every route; True means `authorization`
    authorization = "digest"  # the scheme that True stands for
    realm: str | None = None  # what a browser's password dialogue shows; None is "App"
    access_control_allow_origin: list[str] | None = None  # origins that may call, such as "https://app.example", or "*"
    access_control_max_age = 0  # seconds a browser keeps the answer to a preflight
    title = "API"  # of the OpenAPI document
    version = "1.0.0"  # of the OpenAPI document
    description = ""  # of the OpenAPI document
    openapi_url: str | None = "/openapi.json"  # below the mount point; None shows no document
    docs_url: str | None = "/docs"  # the page to read it; None shows none
    built = False  # its services are mounted and its routes complete

    def __init__(self, import_name: str = "__main__") -> None:
        self._take_place(import_name)
        self._make_events()
        self._make_routing()
        self._make_hooks()
        self._make_guards()

    def _take_place(self, import_name: str) -> None:
        self.import_name = import_name
        self.home, self.name = home_of(self.import_name), name_of(self.import_name)
        self.config: Config = default_config()
        self.users: dict[str, Any] = {}
        self.platform: Platform = LocalPlatform()

    def _make_events(self) -> None:
        self.logger: logging.Logger = logging.getLogger(f"atila.{self.name}")
        self.events: Bus = Bus(self.logger, self.background)
        self.broadcasts: Bus = Bus(self.logger, self.background)
        self._lend_events(self.events, self.broadcasts)
        self._lend_shared()

    def _lend_events(self, events: Bus, broadcasts: Bus) -> None:
        self.audience = Audience(broadcasts, self.background)
        self.on, self.emit = events.on, events.emit
        self.on_broadcast = broadcasts.on
        events.on_first = lambda: self.hooks.observe(events)
        broadcasts.on_first = lambda: self.hooks.observe(events)

    def _lend_shared(self) -> None:
        self.store, self.shared_keys = Store(), SharedKeys()
        self.deflu, self.defgs = self.shared_keys.deflu, self.shared_keys.defgs
        self.maintenance, self.health = Maintenance(self.logger), Health()
        self.maintain, self.ready_check = self.maintenance.maintain, self.health.ready_check

    def _make_routing(self) -> None:
        self.router: Router = Router()
        self.route = self.router.route
        self.services = Services(self, self.router, self.home)
        self.mount = self.services.mount
        self._make_sockets()

    def _make_sockets(self) -> None:
        self.sockets: Switchboard = Switchboard(lambda: self.name + self.root, lambda: self.platform.bus)
        self.websocket, self.websocket_send = websocket, self.sockets.send

    def _make_hooks(self) -> None:
        self.hooks, self.faults, self.lifecycle = Hooks(self.shared_keys), Faults(), Lifecycle()
        self._lend_hooks(self.hooks)
        self._lend_faults(self.faults)
        self._lend_moments(self.lifecycle)
        self._lend_reloads(self.lifecycle)

    def _lend_checks(self) -> None:
        self.test_params = self.spec = self.inspect = self.require = check_params

    def _lend_hooks(self, hooks: Hooks) -> None:
        self.before_request, self.finish_request = hooks.before_request, hooks.finish_request
        self.failed_request, self.teardown_request = hooks.failed_request, hooks.teardown_request
        self.run_before, self.run_after = hooks.run_before, hooks.run_after
        self.if_file_modified, self.if_updated = hooks.if_file_modified, hooks.if_updated
        self.emit_after, self.broadcast_after = hooks.emit_after, hooks.broadcast_after

    def _lend_faults(self, faults: Faults) -> None:
        self.error_handler = faults.error_handler
        self.default_error_handler = faults.default_error_handler
        self._lend_templates()

    def _lend_templates(self) -> None:
        self.templates: Templates = Templates(lambda: self.home, lambda: self.debug or self.use_reloader)
        self.template_global, self.template_filter = self.templates.template_global, self.templates.template_filter
        self.jinja_overlay = self.templates.jinja_overlay
        self._lend_sql()

    def _lend_sql(self) -> None:
        self.sqlmaps: SqlMaps = SqlMaps(lambda: self.home, lambda: self.debug or self.use_reloader)
        self.setup_sqlphile = self.sqlmaps.setup

    def _lend_moments(self, lifecycle: Lifecycle) -> None:
        self.before_mount, self.mounted = lifecycle.before_mount, lifecycle.mounted
        self.before_umount, self.umounted = lifecycle.before_umount, lifecycle.umounted

    def _lend_reloads(self, lifecycle: Lifecycle) -> None:
        self.before_reload, self.reloaded = lifecycle.before_reload, lifecycle.reloaded
        self.mounted_or_reloaded = lifecycle.mounted_or_reloaded

    def _make_guards(self) -> None:
        self.guards = Guards()
        self.tokens: Tokens = Tokens(())
        self._lend_checks()
        self._lend_handlers(self.guards)
        self._lend_requirements(self.guards)

    def _lend_handlers(self, guards: Guards) -> None:
        self.login_handler, self.bearer_handler = guards.login_handler, guards.bearer_handler
        self.authorization_handler = guards.authorization_handler
        self.staff_member_check_handler = guards.staff_member_check_handler
        self.permission_check_handler = guards.permission_check_handler

    def _lend_requirements(self, guards: Guards) -> None:
        self.login_required, self.permission_required = guards.login_required, guards.permission_required
        self.staff_member_required = guards.staff_member_required
        self.authorization_required = guards.authorization_required
        self.testpass_required = guards.testpass_required

    # settings

    @property
    def securekey(self) -> str | Sequence[str] | None:
        """What sessions, messages and tokens are signed with: a key, or several: the first signs, all verify."""
        return self._securekey

    @securekey.setter
    def securekey(self, key: str | Sequence[str] | None) -> None:
        self._securekey = key
        self.tokens = Tokens.of(key, self.config.jwt_cache_size)

    secret_key = securekey
    _securekey: str | Sequence[str] | None = None

    @property
    def jinja_env(self) -> Any:
        """The Jinja environment of the templates. Raises SettingError when jinja2 is not installed."""
        return self.templates.environment

    def get_resource(self, *parts: str) -> str:
        """Return a path below the app's resources folder; without parts the folder itself."""
        return os.path.join(self.home, "resources", *parts)

    # what it offers its platform: it is a Site

    @property
    def wac(self) -> Wac:
        """What every request shares; a new view of it each time."""
        return Wac(self.platform, self.config)

    def background(self) -> Background:
        """Return a was for code that runs outside a request."""
        return Background(self)

    def broadcast(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Tell an event to every app of every process: what `@app.on_broadcast(event)` set runs."""
        self.events.subject().broadcast(event, *args, **kwargs)

    @property
    def urls(self) -> Urls:
        """The URLs of this app, without a request."""
        return Urls(self.router, self.root, self.platform.apps)

    def build_url(self, thing: Any, /, *args: object, **kwargs: object) -> str:
        """Return the URL of a route, by name or handler; the arguments read like a call of the handler."""
        return self.urls.build(thing, *args, **kwargs)

    def alias(self, name: str, kind: str, members: str | Sequence[str], **options: Any) -> Any:
        """Name an upstream or a database for this app's platform: `app.alias("@db", DB_SQLITE3, "app.db")`."""
        return self.platform.alias(name, kind, members, **options)

    def plugged(self, name: str) -> Any:
        """Return what `wac.register` added to every `was`. Raises AttributeError when nothing did."""
        return plugged(self.platform, name)

    def build(self) -> None:
        """Mount the services and complete every route, once. Raises RouteError for what cannot work."""
        pipeline.build_app(self)

    def resolve(self, request: Request) -> Job:
        """Return how a request is answered; see `atila.http.site`."""
        return pipeline.resolve(self, request)

    async def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Build the app and run what waits for it to be mounted."""
        await pipeline.start(self)

    async def reload(self, files: Sequence[Path]) -> list[str]:
        """Load the service modules of changed files anew; return their names. A broken one keeps its old version."""
        return await pipeline.reload(self, files)

    async def stop(self) -> None:
        """Run what waits for it to be unmounted."""
        await pipeline.stop(self)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI 3.1 document of the routes."""
        return pipeline.document(self)

    def test_client(self, point: str = "/", approot: str | None = None, **options: Any) -> TestClient:
        """Return a client that calls this app in process, mounted at `point`; a context manager."""
        module = importlib.import_module(".testing.client", __package__)  # it lies above, so it is found at the call
        client: TestClient = module.TestClient(self, point, approot, **options)
        return client


def home_of(import_name: str) -> Path:
    """Return the folder of a module, or the working folder when the module has no file."""
    file = getattr(sys.modules.get(import_name), "__file__", None)
    return Path(file).resolve().parent if file else Path.cwd()


def name_of(import_name: str) -> str:
    """Return the name other apps know the app of a module by: its file's, without suffix."""
    file = getattr(sys.modules.get(import_name), "__file__", None)
    stem = Path(file or "__init__").stem
    return import_name.rpartition(".")[2] if stem == "__init__" else stem


def plugged(platform: Platform, name: str) -> Any:
    """Return an attribute that was registered with the platform. Raises AttributeError for another."""
    try:
        return platform.attributes[name]
    except KeyError:
        raise AttributeError(f"was has no {name!r}, and nothing registered it with wac.register") from None
