"""Types that routes take and give: a Struct, a dataclass, a TypedDict and an Enum."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, TypedDict

import msgspec


class Colour(Enum):
    """What a pet looks like."""

    RED = "red"
    BLUE = "blue"


class Owner(msgspec.Struct):
    """Who feeds it."""

    name: str


class Pet(msgspec.Struct, forbid_unknown_fields=True):
    """A pet."""

    id: int
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    owner: Owner | None = None
    colours: list[Colour] = []


@dataclass
class Cage:
    """Where it lives."""

    width: float
    pets: dict[str, Pet]


class Food(TypedDict, total=False):
    """What it eats."""

    grams: int
