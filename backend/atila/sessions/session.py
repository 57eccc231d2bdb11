"""A session: values kept in a signed cookie until they expire."""

from __future__ import annotations

import json
import time
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from ..http.response import Response
from .envelope import Carrier, Envelope, Keys

KIND = "atlsess_"


class State:
    """The values of one session, and when and from where they were changed. Lives as long as the request."""

    __slots__ = ("_refused", "changed", "envelope", "expiry", "hidden", "source", "timeout", "values")

    def __init__(self, envelope: Envelope, carrier: Carrier, timeout: int | None) -> None:
        self.envelope = envelope
        self.timeout = timeout  # seconds; None: until the browser closes
        self.changed = False
        self.values: dict[str, Any] = {}
        self.hidden: dict[str, str] = {}  # the framework's own: tokens
        self.expiry: float | None = None
        self.source: str | None = None  # the address of the last change
        content = envelope.open(carrier.cookies)
        self._refused = content is None and envelope.carried(carrier.cookies)
        if content is not None:
            self._read(content)

    @property
    def exists(self) -> bool:
        return bool(self.values or self.hidden)

    def change(self) -> None:
        """Note a change; the expiry moves to `timeout` seconds from now unless it is later already."""
        self.changed = True
        if self.timeout is not None:
            self.expiry = max(self.expiry or 0.0, time.time() + self.timeout)

    def write(self, response: Response, source: str) -> None:
        if not (self.changed or self._refused):
            return
        self.changed = self._refused = False  # a second attempt, for the error's answer, must not fail again
        if not self.exists:
            self.envelope.withdraw(response)
            return
        content: dict[str, Any] = {"v": self.values, "h": self.hidden, "s": source, "e": self.expiry}
        left = None if self.expiry is None else max(int(self.expiry - time.time() + 0.5), 1)
        self.envelope.send(response, {name: value for name, value in content.items() if value}, left)

    def _read(self, content: dict[str, Any]) -> None:
        expiry = content.get("e")
        if expiry is not None and expiry <= time.time():
            self._refused = True
            return
        self.values, self.hidden = content.get("v", {}), content.get("h", {})
        self.expiry, self.source = expiry, content.get("s")


class Session:
    """The session of a request, as a mapping; `mount` turns to a named one. Lives as long as the request.

    Every change moves the expiry to `app.session_timeout` seconds from now; reading does not. Nothing is secret from
    the client: values are signed, not encrypted.
    """

    def __init__(self, carrier: Carrier, timeout: int | None = None) -> None:
        self._carrier = carrier
        self._timeout = timeout
        self._states: dict[tuple[object, ...], State] = {}
        self._state = self._open(carrier.envelope(KIND), timeout)

    def mount(
        self,
        name: str | None = None,
        securekey: Keys = None,
        path: str | None = None,
        domain: str | None = None,
        secure: bool | None = None,
        http_only: bool = True,
        session_timeout: int | None = None,
    ) -> None:
        """Turn to the session of a name, new or not; None is the app's own. `path` None is the app's mount point."""
        envelope = self._carrier.envelope(KIND, name, securekey, path, domain, secure, http_only)
        self._state = self._open(envelope, self._timeout if session_timeout is None else session_timeout)

    def exists(self, name: str | None = None, securekey: Keys = None, path: str | None = None) -> bool:
        """Say whether the client has a session of a name that is signed and has not expired."""
        envelope = self._carrier.envelope(KIND, name, securekey, path)
        known = [state for key, state in self._states.items() if key[0] == name]
        return (known[-1] if known else State(envelope, self._carrier, None)).exists

    def __getitem__(self, key: str) -> Any:
        return self._state.values[key]

    def __setitem__(self, key: str, value: object) -> None:
        self.set(key, value)

    def __delitem__(self, key: str) -> None:
        del self._state.values[key]
        self._state.change()

    def __contains__(self, key: object) -> bool:
        return key in self._state.values

    def __iter__(self) -> Iterator[str]:
        return iter(self._state.values)

    def __len__(self) -> int:
        return len(self._state.values)

    def __bool__(self) -> bool:
        return True

    def set(self, key: str, val: object) -> None:
        """Set a value that JSON can hold. Raises TypeError for another, and for a key that is no text."""
        if not isinstance(key, str):
            raise TypeError(f"a session's keys are text, not {type(key).__name__}")
        try:
            json.dumps(val, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError(f"session[{key!r}] can be text, a number, a list or a dict: {error}") from error
        self._state.values[key] = val
        self._state.change()

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        return self._state.values.get(key, default)

    def getv(self, key: str, default: Any = None) -> Any:
        """Return a value if the client's address is still that of the last change, else the default."""
        return self.get(key, default) if self.source_verified() else default

    def source_verified(self) -> bool:
        """Say whether the client's address is that of the last change; true for a session that is new."""
        return self._state.source in (None, self._carrier.source)

    def has_key(self, key: str) -> bool:
        """Say whether there is a value of a key."""
        return key in self._state.values

    def remove(self, key: str) -> None:
        """Remove a value if it is there."""
        if self._state.values.pop(key, None) is not None:
            self._state.change()

    def clear(self) -> None:
        """Remove every value, and the session's tokens."""
        self._state.values.clear()
        self._state.hidden.clear()
        self._state.change()

    def keys(self) -> KeysView[str]:
        return self._state.values.keys()

    def values(self) -> ValuesView[Any]:
        return self._state.values.values()

    def items(self) -> ItemsView[str, Any]:
        return self._state.values.items()

    # how long it lives

    def touch(self) -> None:
        """Move the expiry to `session_timeout` seconds from now, without a change."""
        self._state.change()

    def set_expiry(self, timeout: float) -> None:
        """Let the session live for `timeout` seconds from now; changes move that only once less than usual is left."""
        self._state.changed = True
        self._state.expiry = time.time() + timeout

    def expire(self) -> None:
        """End the session; the client forgets its cookie."""
        self.clear()
        self._state.expiry = None

    @property
    def expires_in(self) -> float | None:
        """Seconds left; None for a session that lives until the browser closes."""
        return None if self._state.expiry is None else self._state.expiry - time.time()

    # what the framework keeps here for itself

    def keep(self, name: str, token: str) -> None:
        """Keep a token that is no value of the app's."""
        self._state.hidden[name] = token
        self._state.change()

    def kept(self, name: str) -> str | None:
        """Return a token that `keep` put here, or None."""
        return self._state.hidden.get(name)

    def drop(self, name: str) -> bool:
        """Forget a kept token. Returns False when there was none."""
        if self._state.hidden.pop(name, None) is None:
            return False
        self._state.change()
        return True

    def write(self, response: Response) -> None:
        """Add the cookies of every session that changed. Raises ValueError for one over 4096 bytes."""
        good = {state.envelope.cookie_name for state in self._states.values() if state.exists}
        for state in self._states.values():
            if state.exists or state.envelope.cookie_name not in good:  # another key may have opened the same cookie
                state.write(response, self._carrier.source)

    def _open(self, envelope: Envelope, timeout: int | None) -> State:
        key = envelope.identity
        if key not in self._states:
            self._states[key] = State(envelope, self._carrier, timeout)
        return self._states[key]
