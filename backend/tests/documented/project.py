"""Service modules that tests write into a folder, and import."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
from pathlib import Path
from types import ModuleType

from atila import Atila

_numbers = itertools.count(1)


class Project:
    """A folder with an app and its services. Module names are its own, so that no test meets another's."""

    def __init__(self, folder: Path) -> None:
        self.name = f"project_{os.getpid()}_{next(_numbers)}"
        self.folder = folder / self.name
        (self.folder / "services").mkdir(parents=True)
        self.write("__init__", "")
        self.write("services/__init__", "")
        self.write("app", "from atila import Atila\n\napp = Atila(__name__)\n")
        sys.path.insert(0, str(folder))

    def write(self, name: str, text: str) -> Path:
        """Write a module: `name` is its path without suffix."""
        file = self.folder / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def service(self, name: str, text: str) -> ModuleType:
        """Write a module below services/ and import it."""
        self.write(f"services/{name}", text)
        importlib.invalidate_caches()
        return importlib.import_module(f"{self.name}.services.{name.replace('/', '.')}")

    def app(self) -> Atila:
        """Import the app."""
        importlib.invalidate_caches()
        app: Atila = importlib.import_module(f"{self.name}.app").app
        return app

    def forget(self) -> None:
        """Take everything that was imported out again."""
        sys.path.remove(str(self.folder.parent))
        for name in [name for name in sys.modules if name.partition(".")[0] == self.name]:
            del sys.modules[name]
