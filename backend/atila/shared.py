"""What requests and workers share: times of the last update, whole numbers, limits; and the app's own store."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from .broadcasting import Broadcaster
from .errors import HTTPError, SettingError
from .platform import Platform


class Shared:
    """Times of updates and shared numbers, as one request uses them. Setting one tells every app of every process."""

    __slots__ = ("broadcaster", "platform")

    def __init__(self, platform: Platform, broadcaster: Broadcaster) -> None:
        self.platform = platform
        self.broadcaster = broadcaster

    def setlu(self, key: str, /, *args: Any, **kwargs: Any) -> None:
        """Stamp a key with the time, and broadcast `model-changed:<key>` and `<key>` with the other arguments.

        Raises SettingError for a key that was not declared.
        """
        self.platform.updates.write(key, time.time())
        self.broadcaster.send(f"model-changed:{key}", *args, **kwargs)
        self.broadcaster.send(key, *args, **kwargs)

    def getlu(self, *keys: str) -> float:
        """Return the newest time of the keys, in seconds since 1970; that of the process's start when none was set."""
        if not keys:
            raise TypeError("getlu takes at least one key")
        return max(self.platform.updates.read(key) for key in keys)

    def setgs(self, key: str, value: int, /, *args: Any, **kwargs: Any) -> None:
        """Set a shared whole number and broadcast its key with the other arguments. Raises SettingError, TypeError."""
        if not isinstance(value, int):
            raise TypeError(f"setgs({key!r}) takes a whole number, not {value!r}")
        self.platform.numbers.write(key, value)
        self.broadcaster.send(key, *args, **kwargs)

    def getgs(self, key: str) -> int:
        """Return a shared whole number, 0 when it was never set. Raises SettingError for an undeclared key."""
        return int(self.platform.numbers.read(key))

    def addgs(self, key: str, value: int = 1, /, *args: Any, **kwargs: Any) -> int:
        """Add to a shared whole number, broadcast its key, and return the sum; no addition is lost, whoever else adds.

        Raises SettingError for an undeclared key, TypeError, OverflowError for a sum of more than 64 bits.
        """
        if not isinstance(value, int):
            raise TypeError(f"addgs({key!r}) takes a whole number, not {value!r}")
        total = self.platform.numbers.add(key, value)
        self.broadcaster.send(key, *args, **kwargs)
        return total

    def rate_limit(self, key: str, limit: int, seconds: float) -> int:
        """Count one use of a key; return how many more are free within `seconds` after the first one.

        Raises HTTPError 429 with Retry-After (RFC 9110, 10.2.3) when `limit` uses were counted already.
        """
        left, wait = self.platform.rates.use(key, limit, seconds)
        if left < 0:
            pause = math.ceil(wait)
            raise HTTPError(429, f"try again in {pause} s", headers=[("retry-after", str(pause))])
        return left


class SharedKeys:
    """The shared keys that an app declares; its platform gets them when it starts. Lives as long as the app."""

    def __init__(self) -> None:
        self.updates: list[str] = []
        self.numbers: list[str] = []

    def deflu(self, *keys: str) -> None:
        """Declare keys of times for setlu and getlu."""
        self.updates.extend(_checked(keys))

    def defgs(self, *keys: str) -> None:
        """Declare keys of whole numbers for setgs and getgs."""
        self.numbers.extend(_checked(keys))

    def declare(self, platform: Platform) -> None:
        """Give the keys to the platform. Raises SettingError when it takes no more."""
        platform.updates.declare(*self.updates)
        platform.numbers.declare(*self.numbers)


class Store:
    """The app's own values, for all its threads: `app.store.set("total", 3)`. Lives as long as the app.

    Reading and writing one value is safe; what is read, changed and written back goes through `change`.
    """

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._lock = threading.RLock()

    def set(self, key: str, value: Any) -> None:
        """Set a value."""
        with self._lock:
            self._values[key] = value

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        with self._lock:
            return self._values.get(key, default)

    def change(self, key: str, change: Callable[[Any], Any], default: Any = None) -> Any:
        """Set a key to `change(value)` while nobody else can, and return that: `change("hits", lambda n: n + 1, 0)`."""
        with self._lock:
            value = self._values[key] = change(self._values.get(key, default))
            return value

    def remove(self, key: str) -> None:
        """Take a key out; nothing happens when it is not there."""
        with self._lock:
            self._values.pop(key, None)

    def __getitem__(self, key: str) -> Any:
        with self._lock:
            return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.set(key, value)

    def __delitem__(self, key: str) -> None:
        with self._lock:
            del self._values[key]

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._values

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._values))

    def __len__(self) -> int:
        with self._lock:
            return len(self._values)


def _checked(keys: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [key for key in keys if not isinstance(key, str) or not key]
    if wrong:
        raise SettingError(f"a shared key is a text, not {wrong[0]!r}")
    return keys
