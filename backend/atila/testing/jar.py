"""The cookies that a test's client keeps, by path, as a browser does (RFC 6265 5.3, 5.4)."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping


class Jar(MutableMapping[str, str]):
    """Cookies by name; `jar["a"] = "1"` is for every path. Lives as long as the client."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[str, bool]] = {}  # (name, path) -> value, for TLS only

    def __getitem__(self, name: str) -> str:
        for (key, _), (value, _) in reversed(self._kept.items()):
            if key == name:
                return value
        raise KeyError(name)

    def __setitem__(self, name: str, value: str) -> None:
        self._kept[name, "/"] = value, False

    def __delitem__(self, name: str) -> None:
        found = [key for key in self._kept if key[0] == name]
        if not found:
            raise KeyError(name)
        for key in found:
            del self._kept[key]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self._kept))

    def __len__(self) -> int:
        return len({name for name, _ in self._kept})

    def __repr__(self) -> str:
        return f"Jar({dict(self)!r})"

    def keep(self, field: str) -> None:
        """Take a Set-Cookie field; one whose lifetime is over removes its cookie."""
        first, *rest = field.split(";")
        name, _, value = first.partition("=")
        attributes = {key.strip().lower(): text for key, _, text in (item.partition("=") for item in rest)}
        key = (name.strip(), attributes.get("path") or "/")
        self._kept.pop(key, None)
        if int(attributes.get("max-age") or 1) > 0:
            self._kept[key] = value, "secure" in attributes

    def header(self, path: str, tls: bool) -> str:
        """Return the Cookie header for a path, "" when no cookie is for it; longer paths come first."""
        fitting = [
            (where, name, value)
            for (name, where), (value, secure) in self._kept.items()
            if _within(path, where) and (tls or not secure)
        ]
        fitting.sort(key=lambda item: -len(item[0]))
        return "; ".join(f"{name}={value}" for _, name, value in fitting)


def _within(path: str, where: str) -> bool:
    return path == where or path.startswith(where if where.endswith("/") else f"{where}/")
