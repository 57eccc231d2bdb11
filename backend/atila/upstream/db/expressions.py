"""What a query may say where a value stands: columns (`F`), arithmetic, functions (`Fn`), and queries."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from .dialect import check_identifier
from .nodes import BOUND, Binary, Call, Name, Nested, Node

# Written into the text, so nothing that ends a literal or means something to a driver.
_KEY = re.compile(r"[\w .:@/+-]{1,100}")


class Expression:
    """A part of a query, and the values it binds: `F("size") + 1`. Never changes."""

    __slots__ = ("node", "values")

    def __init__(self, node: Node, values: tuple[Any, ...] = ()) -> None:
        self.node = node
        self.values = values

    def concat(self, /, *others: Any) -> Expression:
        """Append texts: `F("first").concat(" ", F("last"))`."""
        joined: Expression = self
        for other in others:
            joined = _combine("||", joined, other)
        return joined

    def __add__(self, other: Any) -> Expression:
        return _combine("+", self, other)

    def __radd__(self, other: Any) -> Expression:
        return _combine("+", other, self)

    def __sub__(self, other: Any) -> Expression:
        return _combine("-", self, other)

    def __rsub__(self, other: Any) -> Expression:
        return _combine("-", other, self)

    def __mul__(self, other: Any) -> Expression:
        return _combine("*", self, other)

    def __rmul__(self, other: Any) -> Expression:
        return _combine("*", other, self)

    def __truediv__(self, other: Any) -> Expression:
        return _combine("/", self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return _combine("/", other, self)

    def __mod__(self, other: Any) -> Expression:
        return _combine("%", self, other)

    def __rmod__(self, other: Any) -> Expression:
        return _combine("%", other, self)


class F(Expression):
    """A column where a value could stand: `F("size")`, `F("p.size") + 1`, `F("extra")["owner"]["name"]`.

    Raises ValueError for what is no name.
    """

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__(parse_name(name))

    def __getitem__(self, key: str | int) -> F:
        """What lies under a key, or at a place, of a column that holds JSON."""
        name = self._name
        return self._changed(name._replace(path=(*name.path, check_key(str(key)))))

    def text(self) -> F:
        """Read what lies at a path of JSON as text."""
        return self._changed(self._name._replace(cast="text"))

    def number(self) -> F:
        """Read what lies at a path of JSON as a number, NULL when it is none."""
        return self._changed(self._name._replace(cast="number"))

    @property
    def _name(self) -> Name:
        assert isinstance(self.node, Name), "made in __init__"
        return self.node

    def _changed(self, name: Name) -> F:
        changed = object.__new__(F)
        Expression.__init__(changed, name)
        return changed


class Fn(Expression):
    """A function of the database: `Fn("coalesce", F("size"), 0)`. Arguments that are no expressions are bound.

    Raises ValueError for a name that is no identifier.
    """

    __slots__ = ()

    def __init__(self, function: str, /, *arguments: Any) -> None:
        read = [read_value(argument) for argument in arguments]
        nodes = tuple(node for node, _ in read)
        super().__init__(
            Call(check_identifier(function), nodes), tuple(value for _, values in read for value in values)
        )


# Most values are one of these, which says at once that they are no expression and no query.
PLAIN = frozenset({str, int, float, bool, type(None), bytes, datetime, date})


def read_value(value: Any) -> tuple[Node, tuple[Any, ...]]:
    """Return the node of what stands for a value, and the values it binds: a query binds itself."""
    if type(value) in PLAIN:
        return BOUND, (value,)
    if isinstance(value, Expression):
        return value.node, value.values
    if is_query(value):
        return Nested(value), (value,)
    return BOUND, (value,)


def is_query(value: Any) -> bool:
    """Say whether a value is a query, whose text and values become part of the one that holds it."""
    return hasattr(value, "compile") and hasattr(value, "shape")


@lru_cache(maxsize=2048)
def parse_name(text: str) -> Name:
    """Read "size", "photo.size" or "extra->owner->name". Raises ValueError, naming the part that is no name."""
    name, *path = text.split("->")
    for part in name.split("."):
        check_identifier(part)
    return Name(name, tuple(map(check_key, path)))


def check_key(key: str) -> str:
    """Return a key of JSON. Raises ValueError for one that cannot be written into a query."""
    if _KEY.fullmatch(key) is None:
        raise ValueError(f"{key[:80]!r} is not a key of JSON: letters, digits, spaces and '_.:@/+-' only, 100 at most")
    return key


def _combine(operator: str, left: Any, right: Any) -> Expression:
    first, before = read_value(left)
    second, after = read_value(right)
    return Expression(Binary(operator, first, second), before + after)
