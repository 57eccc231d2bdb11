"""This process's engine: what the script declared, and the platform that its apps stand on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atila.alias import Alias, Kind
from atila.concurrency import WorkerThreads
from atila.errors import SettingError
from atila.loader import Target, find, is_app
from atila.platform import LocalPlatform
from atila.preference import Preference

from .bus.member import MemberBus
from .control import Line, Wish
from .mounts import DEFAULT_HOST, Mounts
from .proxy import Upstream
from .refusals import refusal_of
from .setters import Setters
from .static import Folder


@dataclass(frozen=True, slots=True)
class Mount:
    """One call of `mount`, as the script wrote it."""

    point: str
    target: Target
    name: str = "app"
    pref: Preference = field(default_factory=Preference)
    host: str = DEFAULT_HOST
    single_page: bool | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    immutable: Sequence[str] = ("assets",)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker stands: its line to the main process, and its threads for plain handlers."""

    line: Line
    threads: WorkerThreads | None


class Engine(LocalPlatform):
    """What the script declares, then the Platform of the apps it mounted. Lives as long as the process.

    Relative paths start from `folder`, where the script lies.
    """

    def __init__(self, folder: Path | None = None, name: str = "skitai") -> None:
        super().__init__(name)
        self.folder = script_folder() if folder is None else folder.resolve()
        self.declared: list[Mount] = []
        self.setters = Setters()
        self.place: Place | None = None  # there once it serves

    def mount(
        self,
        point: str,
        target: Target,
        appname: str = "app",
        pref: Preference | None = None,
        host: str = DEFAULT_HOST,
        *,
        single_page: bool | None = None,
        headers: Mapping[str, str] | None = None,
        immutable: Sequence[str] = ("assets",),
    ) -> None:
        """Mount an app, an upstream or a folder at a path. Nothing is loaded before a worker starts.

        The target is an app object, "file.py", "pkg.mod:app", a module, (module, "file.py"), "@alias" of an HTTP
        upstream, or a folder of files. An app is one of Atila, or any of WSGI or ASGI.

        For a folder, `headers` are added to its HTML documents, `immutable` names the sub-folders whose files never
        change, and `single_page` says whether its index.html answers deep links (default: when an app shares its host).
        Raises SettingError for a point that does not start with '/'.
        """
        if not point.startswith("/"):
            raise SettingError(f"mount point {point!r}: it starts with '/'")
        self.declared.append(
            Mount(point, target, appname, pref or Preference(), host, single_page, headers or {}, immutable)
        )

    def deflu(self, *keys: str) -> None:
        """Declare keys of times for setlu and getlu, for all apps."""
        self.updates.declare(*keys)

    def defgs(self, *keys: str) -> None:
        """Declare keys of whole numbers for setgs, addgs and getgs, for all apps."""
        self.numbers.declare(*keys)

    def join(self, bus: MemberBus) -> None:
        """Share from now on with the other workers what they share; the keys declared so far too."""
        bus.updates.declare(*self.updates.names)
        bus.numbers.declare(*self.numbers.names)
        self.bus, self.updates, self.numbers, self.rates = bus, bus.updates, bus.numbers, bus.rates

    def close(self) -> None:
        """Close every resource that can be closed, and hang up."""
        super().close()
        if isinstance(self.bus, MemberBus):
            self.bus.close()

    def alias(self, name: str, kind: str, members: str | Sequence[str], **options: Any) -> Alias:
        """Name an upstream or a database, or the one of a Django project by its settings.py.

        Raises ValueError for what cannot be read.
        """
        if kind == Kind.DJANGO and isinstance(members, str):
            members = self.abspath(members)
        return super().alias(name, kind, members, **options)

    def abspath(self, *parts: str) -> str:
        """Return a path, relative to the script's folder, as an absolute one."""
        return str(self.folder.joinpath(*parts).resolve())

    joinpath = abspath

    def status(self) -> dict[str, Any]:
        """Return what is known of this worker, as JSON can write it; no password is among it."""
        place = self.place
        if place is None:
            return super().status()
        busy, waiting = (place.threads.busy, place.threads.waiting) if place.threads else (0, 0)
        return super().status() | {"worker": place.line.slot + 1, "busy": busy, "queue": waiting}

    def restart(self) -> None:
        """Replace the workers, one after the other; no request is lost. Raises SettingError where nothing serves."""
        self._wish(Wish("restart"))

    def shutdown(self) -> None:
        """Stop the engine; running requests finish, this one too. Raises SettingError where nothing serves."""
        self._wish(Wish("shutdown"))

    def _wish(self, wish: Wish) -> None:
        if self.place is None or self.place.line.control is None:  # on Windows there is no line
            raise SettingError(f"{wish.wish}: no engine serves here that could be told")
        with contextlib.suppress(OSError):  # the main process is gone: this worker stops anyway
            self.place.line.tell(wish)

    def getswd(self) -> str:
        """Return the folder of the script."""
        return str(self.folder)

    def build(self) -> Mounts:
        """Load what was declared, in its order, and return it as one site. Raises LoadError, SettingError, or whatever
        a module raises while it is imported."""
        mounts = Mounts(refusal_of)
        for mount in self.declared:
            if not self._is_folder(mount.target) and not _is_upstream(mount.target):
                self._mount_app(mount, mounts)
        for mount in self.declared:
            if _is_upstream(mount.target):  # after the apps, which may name it
                upstream = Upstream(self.find_alias(mount.target), mount.pref, refusal_of)
                mounts.add_site(mount.point, upstream, mount.host)
        hosts = {mount.host for mount in self.declared if not self._is_folder(mount.target)}
        for mount in self.declared:
            if self._is_folder(mount.target):
                folder = self._folder_of(mount)
                single = mount.host in hosts if mount.single_page is None else mount.single_page
                mounts.add_folder(mount.point, folder, mount.host, single_page=single)
        return mounts

    def _folder_of(self, mount: Mount) -> Folder:
        root, prefix = self.abspath(str(mount.target)), mount.point.rstrip("/")
        return Folder(
            root, immutable=mount.immutable, headers=mount.headers,
            max_age=lambda path: self.setters.max_age_of(f"{prefix}/{path}"),
        )  # fmt: skip

    def _mount_app(self, mount: Mount, mounts: Mounts) -> None:
        app = find(mount.target, mount.pref, mount.name, self.folder)
        if is_app(app):
            mounts.add_app(mount.point, self._adopt(app, mount), mount.host)
            return
        from .guests import make_guest  # loaded only where there is one

        guest = make_guest(app, mount.point, mount.pref, refusal_of, production=self.production)
        mounts.add_site(mount.point, guest.site, mount.host)
        if guest.alias is not None:
            self._aliases.setdefault(guest.alias.name, guest.alias)
        for point, folder in guest.folders:
            mounts.add_folder(point, folder, mount.host)

    def _adopt(self, app: Any, mount: Mount) -> Any:
        mount.pref.apply(app)
        if self.production:
            app.debug = app.use_reloader = False
        self._aliases.update(app.platform.aliases)  # those the app named before it knew its engine
        app.platform = self
        app.root = mount.point.rstrip("/")
        return app

    def _is_folder(self, target: Target) -> bool:
        """A folder holds files to serve; with an app.py it is an app; one that is not there yet may be built later."""
        if not isinstance(target, str) or target.endswith(".py") or ":" in target or _is_upstream(target):
            return False
        path = self.folder / target
        if path.is_dir():
            return not (path / "app.py").is_file()
        return ("/" in target or target.startswith(".")) and not path.with_suffix(".py").is_file()


def _is_upstream(target: Target) -> bool:
    return isinstance(target, str) and target.startswith("@")


def script_folder() -> Path:
    """Return the folder of the script that this process runs, or where it runs when there is none."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file).resolve().parent if file else Path.cwd()
