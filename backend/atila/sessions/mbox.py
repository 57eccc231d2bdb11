"""Messages for this page or the next ones, kept in a signed cookie while they wait."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from ..http.response import Response
from .envelope import Carrier, Envelope, Keys

KIND = "atlmbox_"


class Message(NamedTuple):
    """One message. `valid` is in seconds, 0 for a message that is shown once; `created` in seconds since 1970."""

    id: int
    category: str
    created: int
    valid: int
    msg: str
    extra: dict[str, Any]


class Box:
    """The messages of one box. Lives as long as the request."""

    __slots__ = ("_before", "envelope", "messages", "next_id", "refused", "shown", "source")

    def __init__(self, envelope: Envelope, carrier: Carrier) -> None:
        self.envelope = envelope
        content = envelope.open(carrier.cookies) or {}
        now = int(time.time())
        found = [Message(*item) for item in content.get("m", ())]
        self.messages = [item for item in found if not item.valid or item.created + item.valid > now]
        self.next_id: int = content.get("n", 1)
        self.source: str | None = content.get("s")
        self.shown: set[int] = set()
        self.refused = not content and envelope.carried(carrier.cookies)  # by this key
        self._before: list[Message] | None = None if self.refused else found

    def write(self, response: Response, source: str) -> None:
        """Add the cookie if the messages changed; those shown once leave when the answer is a success."""
        left = [item for item in self.messages if item.valid or item.id not in self.shown or response.status >= 400]
        if left == self._before:
            return
        self._before = left
        if left:
            self.envelope.send(response, {"m": left, "n": self.next_id, "s": source}, "never")
        else:
            self.envelope.withdraw(response)


class MessageBox:
    """The message box of a request; `mount` turns to a named one. Lives as long as the request."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._boxes: dict[tuple[object, ...], Box] = {}
        self._box = self._open(carrier.envelope(KIND))

    def mount(
        self,
        name: str | None = None,
        securekey: Keys = None,
        path: str | None = None,
        domain: str | None = None,
        secure: bool | None = None,
        http_only: bool = True,
    ) -> None:
        """Turn to the box of a name, new or existing; None is the app's own. `path` None is the app's mount point."""
        self._box = self._open(self._carrier.envelope(KIND, name, securekey, path, domain, secure, http_only))

    def send(self, msg: object, category: str = "info", valid: int = 0, **extra: Any) -> int:
        """Add a message and return its id. `valid`: seconds it is shown at every request; 0 shows it once, whenever."""
        box = self._box
        message = Message(box.next_id, category, int(time.time()), valid, str(msg), extra)
        box.messages.append(message)
        box.next_id += 1
        return message.id

    push = send

    def get(self, *wanted: Any) -> list[Message]:
        """Return messages, and note that they were shown: all, those of categories, or of an extra `key, value`.

        Two words are categories when the first is the category of any message here; `search` leaves no doubt.
        """
        found = self._find(*wanted)
        self._box.shown.update(message.id for message in found)
        return found

    def getv(self, *wanted: Any) -> list[Message]:
        """Return `get(...)` if the client's address is still that of the last change, else nothing."""
        return self.get(*wanted) if self.source_verified() else []

    def source_verified(self) -> bool:
        """Say whether the client's address is that of the last change; true for a box that is new."""
        return self._box.source in (None, self._carrier.source)

    def search(self, key: str, val: object = None) -> list[int]:
        """Return the ids of messages whose extra `key` is `val`; without `val`, those of the category `key`."""
        if val is None:
            return [item.id for item in self._box.messages if item.category == key]
        return [item.id for item in self._box.messages if key in item.extra and item.extra[key] == val]

    def remove(self, message_id: int) -> None:
        """Remove a message if it is there."""
        self._box.messages = [item for item in self._box.messages if item.id != message_id]

    def write(self, response: Response) -> None:
        """Add the cookies of every box that changed. Raises ValueError for one over 4096 bytes."""
        good = {box.envelope.cookie_name for box in self._boxes.values() if not box.refused}
        for box in self._boxes.values():
            if not box.refused or box.messages or box.envelope.cookie_name not in good:
                box.write(response, self._carrier.source)

    def _find(self, *wanted: Any) -> list[Message]:
        messages = self._box.messages
        if not wanted:
            return list(messages)
        categories = {item.category for item in messages}
        if len(wanted) == 2 and wanted[0] not in categories:
            key, val = wanted
            return [item for item in messages if key in item.extra and item.extra[key] == val]
        return [item for item in messages if item.category in wanted]

    def _open(self, envelope: Envelope) -> Box:
        key = envelope.identity
        if key not in self._boxes:
            self._boxes[key] = Box(envelope, self._carrier)
        return self._boxes[key]
