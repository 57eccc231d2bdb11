"""Functions that set an option before `run()`: what scripts of the original engine call, and what took their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from atila.errors import SettingError

# Functions of the original that have no counterpart, and what to do instead.
REPLACED: Mapping[str, str] = {
    "set_worker_critical_point": "watch a worker's memory and processor time at metrics_port=, and let the service "
    "manager bound them (systemd: MemoryMax=, CPUQuota=)",
    "set_max_rcache": "files are read by the kernel's own cache; set_max_age says how long clients keep them",
    "enable_cachefs": "files are read by the kernel's own cache; set_max_age says how long clients keep them",
    "enable_proxy": 'a forward proxy is a program of its own; mount("/x", "@alias") passes requests on to an upstream',
    "enable_gateway": 'mount("/x", "@alias") passes requests on to an upstream, and an app\'s guards say who may call',
    "argopt": "the engine leaves alone what it does not know: read your options with argparse.parse_known_args()",
}


@dataclass(slots=True)
class Setters:
    """What a script set before `run()`, whose own keywords win. Lives as long as the process."""

    options: dict[str, Any] = field(default_factory=dict)
    max_ages: dict[str, int] = field(default_factory=dict)  # seconds, by the path they begin at

    def set_keep_alive(self, seconds: float) -> None:
        """Close a connection that is silent for so long, between requests or before its first: `header_timeout`."""
        self.options["header_timeout"] = _positive("set_keep_alive", seconds)

    def set_request_timeout(self, seconds: float) -> None:
        """Wait so long for a whole body: `body_timeout`."""
        self.options["body_timeout"] = _positive("set_request_timeout", seconds)

    def set_backend_keep_alive(self, seconds: float) -> None:
        """Keep idle connections to upstreams so long: `backend_keep_alive`."""
        self.options["backend_keep_alive"] = _positive("set_backend_keep_alive", seconds)

    def set_max_age(self, path: str, seconds: int) -> None:
        """Let clients keep the files below a path so long without asking: `set_max_age("/images", 3600)`."""
        if not path.startswith("/") or seconds < 0:
            raise SettingError(
                f"set_max_age({path!r}, {seconds!r}): a path that starts with '/', and 0 seconds or more"
            )
        self.max_ages[path.rstrip("/") + "/"] = int(seconds)

    def enable_ssl(self, certificate: str, key: str, password: str | None = None) -> None:
        """Speak TLS: PEM files of the certificate with its chain, and of its key."""
        self.options.update(certificate=Path(certificate), key=Path(key), key_password=password)

    def enable_forward(self, port: int, to: int | str) -> None:
        """Send those who come to another port to the right one: `enable_forward(80, 443)`, or to a whole origin."""
        self.options.update(forward_port=port, forward_to=str(to))

    def enable_file_logging(self, path: str | None = None) -> None:
        """Write log files, into a folder: `logpath`."""
        self.options["logpath"] = Path(path) if path is not None else Path("logs")

    def log_off(self, *globs: str) -> None:
        """Leave paths out of the access log: `log_off("/health/*", "*.png")`."""
        self.options["log_off"] = (*self.options.get("log_off", ()), *globs)

    def max_age_of(self, path: str) -> int | None:
        """Return the seconds that clients may keep the file of a URL's path; the longest setting that fits counts."""
        fitting = [prefix for prefix in self.max_ages if path.startswith(prefix)]
        return self.max_ages[max(fitting, key=len)] if fitting else None


def replaced(name: str) -> Callable[..., NoReturn]:
    """Return a function of the original's name that says what took its place."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise SettingError(f"skitai.{name} is no more: {REPLACED[name]}")

    refuse.__name__ = name
    return refuse


def _positive(function: str, seconds: float) -> float:
    if not seconds > 0:
        raise SettingError(f"{function}({seconds!r}): more than 0 seconds are expected")
    return float(seconds)
