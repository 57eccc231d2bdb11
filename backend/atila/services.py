"""Service modules of an app: found in services/, mounted by their `__mount__`, unmounted by their `__umount__`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import RouteError
from .routing.router import MountScope, Router

HOOKS = ("__mount__", "__setup__", "mount")  # what mounts a module; the later names are older or newer ones


@dataclass(frozen=True, slots=True)
class Mount:
    """A module, the prefix of its routes, and the options it was mounted with."""

    module: ModuleType
    point: str = ""
    options: dict[str, Any] = field(default_factory=dict)


class Services:
    """The service modules of one app. Lives as long as the app."""

    def __init__(self, app: Any, router: Router, home: Path) -> None:
        self.app = app
        self.router = router
        self.home = home
        self.mounts: list[Mount] = []
        self._mounted: list[Mount] = []

    def mount(self, *what: str | ModuleType, **options: Any) -> None:
        """Mount modules, below a prefix if the first argument is one: `app.mount("/regist", auth, ns="regist")`.

        Options: ns (a namespace for names), authenticate, debug_only; others reach the module as `__mntopt__`.
        Raises RouteError for a prefix that is none or a module that has nothing to mount.
        """
        point = what[0] if what and isinstance(what[0], str) else options.pop("point", "")
        modules = [item for item in what if not isinstance(item, str)]
        if point and not point.startswith("/"):
            raise RouteError(f"mount point {point!r} starts with no slash")
        if not modules:
            raise RouteError(f"app.mount({point!r}) names no module")
        for module in modules:
            if _hook(module) is None:
                raise RouteError(f"{getattr(module, '__name__', module)} has no __mount__(app), so it cannot be mounted")
            self.mounts.append(Mount(module, point.rstrip("/"), options))

    def mount_all(self, automatic: bool, debug: bool) -> None:
        """Mount what `mount` named and, when automatic, every imported module below services/ besides."""
        named = {id(mount.module) for mount in self.mounts}
        found = [Mount(module) for module in self._imported() if automatic and id(module) not in named]
        for mount in [*found, *self.mounts]:
            if mount not in self._mounted and (debug or not mount.options.get("debug_only")):
                self._run(mount)
                self._mounted.append(mount)

    def umount_all(self) -> None:
        """Run every module's `__umount__`, the last mounted first, and drop their routes."""
        while self._mounted:
            mount = self._mounted.pop()
            hook = getattr(mount.module, "__umount__", None)
            if hook is not None:
                hook(self.app)
            self.router.remove_module(mount.module)

    def _run(self, mount: Mount) -> None:
        hook = _hook(mount.module)
        assert hook is not None, "mount() and _imported() take only modules with a hook"
        mount.module.__mntopt__ = {**mount.options, "point": mount.point}  # type: ignore[attr-defined]  # documented
        scope = MountScope(mount.point, mount.options.get("ns", ""), mount.module, mount.options)
        with self.router.scoped(scope):
            if len(inspect.signature(hook).parameters) > 1:
                hook(self.app.wac, self.app)
            else:
                hook(self.app)

    def _imported(self) -> list[ModuleType]:
        folder = self.home / "services"
        modules = [item for item in list(sys.modules.values()) if _lies_below(item, folder)]
        return [item for item in modules if _hook(item) is not None]


def _lies_below(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and folder in Path(file).parents


def _hook(module: ModuleType) -> Callable[..., Any] | None:
    for name in HOOKS:
        hook = vars(module).get(name) if isinstance(module, ModuleType) else getattr(module, name, None)
        if callable(hook):
            return hook  # type: ignore[no-any-return]  # a module's dict is untyped
    return None
