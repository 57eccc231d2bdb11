"""Parts of a facade: made at first use, their methods and attributes lent."""

from __future__ import annotations

from atila.facade import forward, part


class Bell:
    """A part that counts."""

    def __init__(self, owner: object) -> None:
        self.owner = owner
        self.rung = 0

    def ring(self, times: int = 1) -> int:
        self.rung += times
        return self.rung


class House:
    """A facade with one part."""

    bell: part[House, Bell] = part(Bell)
    ring = bell.forward(Bell.ring)
    rung = bell.attribute("rung")


def test_a_part_is_made_at_first_use_and_kept() -> None:
    house = House()
    assert "bell" not in vars(house)
    assert house.bell is house.bell
    assert house.bell.owner is house
    assert House().bell is not house.bell


def test_a_method_and_an_attribute_are_lent() -> None:
    house = House()
    assert (house.ring(), house.ring(times=2), house.rung) == (1, 3, 3)
    assert house.bell.rung == 3


def test_the_class_itself_gives_the_declarations() -> None:
    assert isinstance(House.bell, part)
    assert (House.bell.name, House.bell.make) == ("bell", Bell)
    assert isinstance(House.ring, forward)
    assert (House.ring.name, House.ring.source) == ("ring", House.bell)
