"""A module's new version in place of the old one, while the old one still serves."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType


class Replacement:
    """Loads a module anew beside its old version: `load`, then `finish`, or `undo` when the new one is no good."""

    def __init__(self, old: ModuleType) -> None:
        self.old = old
        self.new = old

    def load(self) -> ModuleType:
        """Return the new version. Raises SyntaxError, and whatever the module's own code raises."""
        old = self.old
        file = Path(str(old.__file__))
        code = compile(file.read_bytes(), str(file), "exec")  # not by its loader, whose cache may be older
        spec = importlib.util.spec_from_file_location(
            old.__name__, file, submodule_search_locations=getattr(old, "__path__", None)
        )
        assert spec is not None, "the file was loaded once already"
        self.new = sys.modules[old.__name__] = importlib.util.module_from_spec(spec)
        exec(code, vars(self.new))  # noqa: S102 - this is what importing is
        return self.new

    def undo(self) -> None:
        """Put the old version back."""
        sys.modules[self.old.__name__] = self.old

    def finish(self, users: Iterable[ModuleType | None]) -> None:
        """Let the package and the modules that imported the old version have the new one."""
        package = sys.modules.get(self.old.__name__.rpartition(".")[0])
        for module in (package, *users):
            for name, value in list(vars(module).items()) if module is not None else ():
                if value is self.old:
                    setattr(module, name, self.new)


def dependents(changed: list[ModuleType], watched: list[ModuleType]) -> list[ModuleType]:
    """Return the changed modules, and after them the watched ones that took something from them, directly or not."""
    found = list(changed)
    for module in found:  # it grows meanwhile
        found.extend(user for user in watched if user not in found and _uses(user, module))
    return found


def _uses(user: ModuleType, module: ModuleType) -> bool:
    if module.__name__.startswith(f"{user.__name__}."):
        return False  # a package has its modules as attributes
    return any(
        value is module or getattr(value, "__module__", None) == module.__name__ for value in list(vars(user).values())
    )
