"""A process that imports Atila and says what that changed of anybody else's modules; run as a script."""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

BACKEND = Path(__file__).parents[2]
_LIST = "import json, sys, atila.testing.client, atila.adapters.asgi; print(json.dumps(sorted(sys.modules)))"


def changes() -> dict[str, Any]:
    """Return how many functions and classes were looked at, and the names of those that are others now."""
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, cwd=BACKEND, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def _imported() -> list[str]:
    """Return the modules of others that Atila imports, imported here."""
    listed = subprocess.run([sys.executable, "-c", _LIST], capture_output=True, text=True, cwd=BACKEND, check=True)
    names = [name for name in json.loads(listed.stdout) if name.partition(".")[0] not in ("atila", "__main__")]
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            continue  # made by another module, such as six.moves
    return [name for name in names if name in sys.modules]


def _callables(names: list[str]) -> dict[str, Any]:
    found = {}
    for name in names:
        for key, value in list(vars(sys.modules[name]).items()):
            if callable(value):
                found[f"{name}.{key}"] = value
            if isinstance(value, type) and value.__module__ == name:
                methods = [item for item in list(vars(value).items()) if callable(item[1])]
                found.update({f"{name}.{key}.{method}": inner for method, inner in methods})
    return found


def _process() -> dict[str, Any]:
    signals = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    logs = [logging.root.level, *logging.root.handlers]
    return {
        "hooks": [sys.excepthook, sys.unraisablehook, sys.displayhook], "signals": signals, "logs": logs,
        "warnings": list(warnings.filters), "environment": dict(os.environ), "path": list(sys.path),
    }  # fmt: skip


def _watch() -> dict[str, Any]:
    names = _imported()
    before, process = _callables(names), _process()
    import atila
    from atila.adapters import asgi, rsgi

    app = atila.Atila("tests")
    app.route("/")(lambda was: "x")
    for adapter in (asgi.ASGI, rsgi.RSGI):
        with app.test_client(adapter=adapter.__name__.lower()) as client:
            assert client.get("/").text == "x"
    after, then = _callables(names), _process()
    changed = [name for name, value in before.items() if after.get(name) is not value]
    return {"looked_at": len(before), "changed": changed + [name for name in process if process[name] != then[name]]}


if __name__ == "__main__":
    sys.path[0] = str(BACKEND)
    sys.stdout.write(json.dumps(_watch()))
