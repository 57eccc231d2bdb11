"""From what a mount names to the app: an object, './myapp/app.py', 'pkg.mod:app', a module, (module, 'file.py')."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from .preference import Preference

Target = Any  # an app, a path, "pkg.mod:app", a module, or (module, "file.py")


class LoadError(ImportError):
    """A mount's target that is no app: the message says what was looked for and where."""


def load(target: Target, pref: Preference | None = None, name: str = "app", base: Path | None = None) -> Any:
    """Return the app of a target, with `bootstrap(pref)` run and the preference applied.

    `name` is the app's name in its module, `base` the folder that relative paths start from (default: where the
    process runs). Raises LoadError when there is no such module or app; an error inside the module passes through.
    """
    pref = Preference() if pref is None else pref
    app = find(target, pref, name, base)
    if not is_app(app):
        raise LoadError(f"{target!r} is no app of Atila; skitai.mount takes WSGI and ASGI apps too")
    pref.apply(app)
    return app


def find(target: Target, pref: Preference, name: str = "app", base: Path | None = None) -> Any:
    """Return what a target names, an app of Atila or of another framework, with `bootstrap(pref)` run.

    Raises LoadError when there is no such module, or nothing of that name in it.
    """
    if is_app(target) or (callable(target) and not isinstance(target, ModuleType)):
        bootstrap(sys.modules.get(getattr(target, "import_name", "")), pref)
        return target
    if isinstance(target, str) and ":" in target and not _absolute(target, base).exists():
        target, _, name = target.rpartition(":")
    module = _module_of(target, base, pref)
    app = getattr(module, name, None)
    if not is_app(app) and not callable(app):
        raise LoadError(f"{_where(module)} has no app named {name!r}; mount it with the name it has there")
    return app


def is_app(target: object) -> bool:
    """Say whether an object can be mounted as an app."""
    return callable(getattr(target, "resolve", None)) and callable(getattr(target, "start", None))


def bootstrap(module: ModuleType | None, pref: Preference) -> None:
    """Run `bootstrap(pref)` of the `__init__.py` beside a module; a module that is a package has its own."""
    file = getattr(module, "__file__", None)
    if module is None or file is None:
        return
    beside = Path(file).parent / "__init__.py"
    if not beside.is_file():
        return
    hook = getattr(_import_file(beside), "bootstrap", None)
    if callable(hook):
        hook(pref)


def _module_of(target: Target, base: Path | None, pref: Preference) -> ModuleType:
    file = _file_of(target, base)
    if file is not None:
        beside = file.parent / "__init__.py"
        if beside.is_file():
            bootstrap(_import_file(beside), pref)
        return _import_file(file)
    if isinstance(target, ModuleType):
        module = target
    elif isinstance(target, str) and all(part.isidentifier() for part in target.split(".")):
        module = _import_name(target)
    else:
        raise LoadError(f"{target!r} is no app, module, Python file or folder")
    bootstrap(module, pref)
    return module


def _file_of(target: Target, base: Path | None) -> Path | None:
    """Return the Python file that a target names, or None when it names a module."""
    if isinstance(target, tuple):
        module, name = target
        return _existing(_home(module) / name)
    if isinstance(target, ModuleType):
        exported = _home(target) / "export" / "skitai" / "__export__.py"
        return exported if exported.is_file() else None
    if isinstance(target, (str, os.PathLike)):
        path = _absolute(target, base)
        if path.suffix == ".py":
            return _existing(path)
        if path.is_dir() and (path / "app.py").is_file():
            return path / "app.py"
        if path.with_suffix(".py").is_file():
            return path.with_suffix(".py")
    return None


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise LoadError(f"there is no file {path}")
    return path.resolve()


def _absolute(target: str | os.PathLike[str], base: Path | None) -> Path:
    return ((base or Path.cwd()) / target).resolve()


def _home(module: ModuleType) -> Path:
    """Return the folder a module lies in."""
    file = module.__file__
    if file is None:
        raise LoadError(f"module {module.__name__} has no file: a namespace package cannot be mounted")
    return Path(file).parent


def _import_name(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise LoadError(f"there is no module {name!r}, and no such file or folder") from error
        raise


def _import_file(file: Path) -> ModuleType:
    """Import a file under the name its package gives it, so that its own relative and absolute imports work."""
    for module in list(sys.modules.values()):
        known = getattr(module, "__file__", None)
        if known is not None and known == str(file):
            return module
    top, parts = _package_of(file)
    if str(top) not in sys.path:
        sys.path.insert(0, str(top))
    name = ".".join(parts)
    if len(parts) > 1 or file.name == "__init__.py":
        return importlib.import_module(name)
    if name in sys.modules or name in sys.stdlib_module_names:  # another app.py of another folder
        name = f"{name}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise LoadError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _package_of(file: Path) -> tuple[Path, list[str]]:
    """Return the folder to import from, and the parts of the module's dotted name."""
    parts = [] if file.name == "__init__.py" else [file.stem]
    folder = file.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, parts


def _where(module: ModuleType) -> str:
    return str(module.__file__ or module.__name__)
