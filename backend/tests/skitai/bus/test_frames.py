"""Frames on a stream of bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skitai.bus.frames import CHANGE, MESSAGE, Change, Frames, changed, frame, read_change


@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(1, 50))
def test_frames_come_out_as_they_went_in_however_they_are_cut(bodies: list[bytes], piece: int) -> None:
    stream = b"".join(frame(MESSAGE, body) for body in bodies)
    frames = Frames()
    got = [each for start in range(0, len(stream), piece) for each in frames.feed(stream[start : start + piece])]
    assert got == [(MESSAGE, body) for body in bodies]


def test_a_change_is_read_as_it_was_written() -> None:
    [(kind, body)] = Frames().feed(changed("use", "a key", 3, 1.5))
    assert (kind, read_change(body)) == (CHANGE, Change("use", "a key", 3, 1.5))
