"""This process's engine: what the script declared, and the platform that its apps stand on."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atila.errors import SettingError
from atila.loader import Target, load
from atila.platform import LocalPlatform
from atila.preference import Preference

from .bus.member import MemberBus
from .mounts import DEFAULT_HOST, Mounts
from .refusals import refusal_of
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


class Engine(LocalPlatform):
    """What the script declares, then the Platform of the apps it mounted. Lives as long as the process.

    Relative paths start from `folder`, where the script lies.
    """

    def __init__(self, folder: Path | None = None, name: str = "skitai") -> None:
        super().__init__(name)
        self.folder = script_folder() if folder is None else folder.resolve()
        self.declared: list[Mount] = []

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
        """Mount an app or a folder at a path. Nothing is loaded before a worker starts.

        The target is an app object, "file.py", "pkg.mod:app", a module, (module, "file.py"), or a folder of files.

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

    def abspath(self, *parts: str) -> str:
        """Return a path, relative to the script's folder, as an absolute one."""
        return str(self.folder.joinpath(*parts).resolve())

    joinpath = abspath

    def getswd(self) -> str:
        """Return the folder of the script."""
        return str(self.folder)

    def build(self) -> Mounts:
        """Load what was declared, in its order, and return it as one site. Raises LoadError, SettingError, or whatever
        a module raises while it is imported."""
        mounts = Mounts(refusal_of)
        for mount in self.declared:
            if not self._is_folder(mount.target):
                mounts.add_app(mount.point, self._load_app(mount), mount.host)
        hosts = {mount.host for mount in self.declared if not self._is_folder(mount.target)}
        for mount in self.declared:
            if self._is_folder(mount.target):
                folder = Folder(self.abspath(mount.target), immutable=mount.immutable, headers=mount.headers)
                single = mount.host in hosts if mount.single_page is None else mount.single_page
                mounts.add_folder(mount.point, folder, mount.host, single_page=single)
        return mounts

    def _load_app(self, mount: Mount) -> Any:
        app = load(mount.target, mount.pref, mount.name, self.folder)
        if self.production:
            app.debug = app.use_reloader = False
        self._aliases.update(app.platform.aliases)  # those the app named before it knew its engine
        app.platform = self
        app.root = mount.point.rstrip("/")
        return app

    def _is_folder(self, target: Target) -> bool:
        """A folder holds files to serve; with an app.py it is an app; one that is not there yet may be built later."""
        if not isinstance(target, str) or target.endswith(".py") or ":" in target:
            return False
        path = self.folder / target
        if path.is_dir():
            return not (path / "app.py").is_file()
        return ("/" in target or target.startswith(".")) and not path.with_suffix(".py").is_file()


def script_folder() -> Path:
    """Return the folder of the script that this process runs, or where it runs when there is none."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file).resolve().parent if file else Path.cwd()
