"""Service modules of an app: found in services/, mounted by their `__mount__`, unmounted by their `__umount__`."""

from __future__ import annotations

import html
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import RouteError
from .logs import one_line
from .reloading import Replacement, dependents
from .routing.router import MountScope, Router

HOOKS = ("__mount__", "__setup__", "mount")  # what mounts a module; the later names are older or newer ones


_chosen: ContextVar[Mapping[str, Any] | None] = ContextVar("mount options", default=None)


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
        self.mounts: list[Mount] = []  # what `mount` was asked for
        self.broken: dict[str, str] = {}  # modules that could not be reloaded, and why; their old version serves
        self._mounted: list[Mount] = []

    def mount(self, *what: str | ModuleType, **options: Any) -> None:
        """Mount modules, below a prefix if the first argument is one: `app.mount("/regist", auth, ns="regist")`.

        Options: ns (a namespace for names), authenticate, debug_only, mount (the prefix); others reach the module as
        `__mntopt__`. Raises RouteError for a prefix that is none or a module that has nothing to mount.
        """
        point = what[0] if what and isinstance(what[0], str) else options.pop("mount", options.pop("point", ""))
        modules = [item for item in what if not isinstance(item, str)]
        if point and not point.startswith("/"):
            raise RouteError(f"mount point {point!r} starts with no slash")
        if not modules:
            raise RouteError(f"app.mount({point!r}) names no module")
        for module in modules:
            if _hook(module) is None:
                raise RouteError(f"{getattr(module, '__name__', module)} has no __mount__(app) that could mount it")
            self.mounts.append(Mount(module, point.rstrip("/"), {**options, "point": point.rstrip("/")}))

    def mount_all(self, automatic: bool, debug: bool) -> None:
        """Mount what `mount` named and, when automatic, every imported module below services/ besides."""
        named = {id(mount.module) for mount in self.mounts}
        found = [Mount(module) for module in self._imported() if automatic and id(module) not in named]
        for mount in [*found, *self.mounts]:
            if mount not in self._mounted and (debug or not mount.options.get("debug_only")):
                self._run(mount)
                self._mounted.append(mount)

    def umount_all(self) -> None:
        """Run every module's `__umount__`, the last mounted first, and drop what they declared."""
        while self._mounted:
            mount = self._mounted.pop()
            self._leave(mount)
            self.router.remove_module(mount.module)

    def reload(self, files: Iterable[Path]) -> list[str]:
        """Load the mounted modules of these files anew, and those of services/ that use them; return their names.

        A module that cannot be loaded or mounted keeps serving as it is; `broken` says why, and the log.
        """
        changed = {Path(file).resolve() for file in files}
        modules = [module for module in self._watched() if Path(str(module.__file__)).resolve() in changed]
        names = [module.__name__ for module in dependents(modules, self._watched()) if self._reload(module)]
        self.app.hooks.notify(self._show_broken if self.broken and self.app.debug else None)
        return names

    def _show_broken(self, was: Any) -> None:
        """Say in every answer of a debugging app which modules are not what their files are."""
        response = was.response
        for name, reason in self.broken.items():
            text = one_line(f"{name} could not be reloaded, its old version answers: {reason}")
            response.headers.append(("x-reload-error", text.encode("ascii", "replace").decode()))
            if isinstance(response.body, bytes) and (response.get_header("content-type") or "").startswith("text/html"):
                response.body += f"<pre style='color:#b00'>{html.escape(text)}</pre>".encode()

    def _reload(self, old: ModuleType) -> bool:
        replacement = Replacement(old)
        try:
            new = replacement.load()
            self._exchange(old, new)
        except Exception as error:
            replacement.undo()
            self.broken[old.__name__] = f"{type(error).__name__}: {error}"
            self.app.logger.exception("%s could not be reloaded and stays as it was", old.__name__)
            return False
        replacement.finish([*self._watched(), sys.modules.get(self.app.import_name)])
        self.broken.pop(old.__name__, None)
        return True

    def _exchange(self, old: ModuleType, new: ModuleType) -> None:
        """Put the new version of a module in the place of the old one; requests meet the one or the other."""
        mounts = [mount for mount in self._mounted if mount.module is old]
        if mounts and _hook(new) is None:
            raise RouteError(f"{new.__name__} has no __mount__(app) any more")
        for mount in reversed(mounts):
            self._leave(mount)
        fresh = [Mount(new, mount.point, mount.options) for mount in mounts]
        try:
            with self.router.replacing(old):
                for mount in fresh:
                    self._run(mount)
        except Exception:
            with self.router.replacing(old):
                for mount in mounts:
                    self._run(mount)
            raise
        exchanged = dict(zip(map(id, mounts), fresh, strict=True))
        self._mounted = [exchanged.get(id(mount), mount) for mount in self._mounted]
        self.mounts = [Mount(new, item.point, item.options) if item.module is old else item for item in self.mounts]

    def _run(self, mount: Mount) -> None:
        hook = _hook(mount.module)
        assert hook is not None, "mount() and _imported() take only modules with a hook"
        options = self._tell_options(mount)
        several = isinstance(vars(mount.module)["__mntopt__"], ChosenOptions)
        guard = _choose if several else None
        scope = MountScope(mount.point, mount.options.get("ns", ""), mount.module, options, guard)
        with self.router.scoped(scope):
            if len(inspect.signature(hook).parameters) > 1:
                hook(self.app.wac, self.app)
            else:
                hook(self.app)

    def _leave(self, mount: Mount) -> None:
        hook = getattr(mount.module, "__umount__", None)
        self._tell_options(mount)
        if hook is not None:
            hook(self.app)
        for owner in (self.app.hooks, self.app.events, self.app.broadcasts, self.app.maintenance):
            owner.forget(lambda function: getattr(function, "__globals__", None) is vars(mount.module))

    def _tell_options(self, mount: Mount) -> dict[str, Any]:
        """Set the module's `__mntopt__`, as its functions see it, and return what it holds."""
        options = {**mount.options, "point": mount.point}
        mounts = [item for item in [*self.mounts, *self._mounted] if item.module is mount.module]
        if len({item.point for item in mounts}) > 1:
            vars(mount.module)["__mntopt__"] = ChosenOptions(options)
            _chosen.set(options)
        else:
            vars(mount.module)["__mntopt__"] = options
        return options

    def _watched(self) -> list[ModuleType]:
        """Return the modules that are reloaded when their file changes: the mounted ones and those below services/."""
        mounted = [mount.module for mount in self._mounted if getattr(mount.module, "__file__", None)]
        below = [item for item in list(sys.modules.values()) if _lies_below(item, self.home / "services")]
        return list(dict.fromkeys([*mounted, *below]))

    def _imported(self) -> list[ModuleType]:
        folder = self.home / "services"
        modules = [item for item in list(sys.modules.values()) if _lies_below(item, folder)]
        return [item for item in modules if _hook(item) is not None]


class ChosenOptions(Mapping[str, Any]):
    """`__mntopt__` of a module that is mounted more than once: the options of the mount whose handler runs."""

    def __init__(self, default: Mapping[str, Any]) -> None:
        self.default = default

    def __getitem__(self, name: str) -> Any:
        return self._options[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._options)

    def __len__(self) -> int:
        return len(self._options)

    @property
    def _options(self) -> Mapping[str, Any]:
        chosen = _chosen.get()
        return self.default if chosen is None else chosen


def _choose(was: Any) -> None:
    """The guard in front of the handlers of such a module."""
    _chosen.set(was.request.route.mounted_with)


def _lies_below(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and folder in Path(file).parents


def _hook(module: ModuleType) -> Callable[..., Any] | None:
    """Return what mounts a module: a function of that name that the module defines itself."""
    for name in HOOKS:
        hook = vars(module).get(name)
        if callable(hook) and (name != "mount" or getattr(hook, "__module__", "") == module.__name__):
            return hook  # type: ignore[no-any-return]  # a module's dict is untyped
    return None
