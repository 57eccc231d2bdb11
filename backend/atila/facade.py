"""How a facade lists what it offers: `part` builds a part at first use, `forward` lends one of its methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

Owner = TypeVar("Owner")
Part = TypeVar("Part")
Params = ParamSpec("Params")
Result = TypeVar("Result")


class part(Generic[Owner, Part]):  # noqa: N801 - reads as a keyword in the class that uses it
    """A part of an object, made by `make(owner)` at first use and kept in the owner's `__dict__`."""

    def __init__(self, make: Callable[[Owner], Part]) -> None:
        self.make = make
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, owner: None, kind: type) -> part[Owner, Part]: ...
    @overload
    def __get__(self, owner: Owner, kind: type) -> Part: ...
    def __get__(self, owner: Owner | None, kind: type) -> part[Owner, Part] | Part:
        if owner is None:
            return self
        made = owner.__dict__[self.name] = self.make(owner)
        return made

    def forward(self, method: Callable[Concatenate[Part, Params], Result]) -> forward[Params, Result]:
        """Return a descriptor that lends the part's method to the owner."""
        return forward(self, method.__name__)

    def attribute(self, name: str) -> Any:
        """Return a descriptor that lends one of the part's attributes to the owner."""
        return property(lambda owner: getattr(getattr(owner, self.name), name))


class forward(Generic[Params, Result]):  # noqa: N801 - reads as a keyword in the class that uses it
    """A method of a part, called as if it were the owner's own."""

    def __init__(self, source: part[Any, Any], name: str) -> None:
        self.source = source
        self.name = name

    @overload
    def __get__(self, owner: None, kind: type) -> forward[Params, Result]: ...
    @overload
    def __get__(self, owner: object, kind: type) -> Callable[Params, Result]: ...
    def __get__(self, owner: object | None, kind: type) -> forward[Params, Result] | Callable[Params, Result]:
        if owner is None:
            return self
        return cast(Callable[Params, Result], getattr(getattr(owner, self.source.name), self.name))
