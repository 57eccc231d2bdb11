"""Shared memory: cells and rates in several processes, some of which are killed while they change them."""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from atila.errors import SettingError
from skitai.bus.cells import SharedNumbers, SharedUpdates
from skitai.bus.memory import Memory
from skitai.bus.rates import SharedRates

BACKEND = Path(__file__).parents[3]
ADD = """
import sys
from skitai.bus.cells import SharedNumbers
from skitai.bus.memory import Memory
numbers = SharedNumbers(Memory(int(sys.argv[1])))
numbers.declare("before", "n")
print("ready", flush=True)
for _ in range(int(sys.argv[2])):
    numbers.add("n", 1)
"""


@pytest.fixture
def memory() -> Memory:
    return Memory.make(64, 64)


def child(memory: Memory, times: int) -> subprocess.Popen[bytes]:
    assert memory.descriptor is not None
    process = subprocess.Popen(
        [sys.executable, "-c", ADD, str(memory.descriptor), str(times)],
        cwd=BACKEND, pass_fds=[memory.descriptor], stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    return process


def test_cells_start_with_their_first_value_and_keep_what_they_hold(memory: Memory) -> None:
    updates, numbers = SharedUpdates(memory), SharedNumbers(memory)
    updates.declare("a", "b")
    numbers.declare("a")
    assert updates.read("a") == updates.read("b") == pytest.approx(time.time(), abs=5)
    numbers.write("a", -5)
    again = SharedNumbers(memory)
    again.declare("a", "c")
    assert (again.read("a"), again.read("c")) == (-5, 0)
    assert again.names == ["a", "c"]
    for use in (again.read, lambda name: again.write(name, 1), lambda name: again.add(name, 1)):
        with pytest.raises(SettingError, match="no shared key 'x'; there are a, c"):
            use("x")


def test_a_time_only_grows(memory: Memory) -> None:
    updates = SharedUpdates(memory)
    updates.declare("a")
    first = updates.read("a")
    updates.write("a", first - 100)
    second = updates.read("a")
    assert first < second < first + 1
    updates.write("a", first + 50)
    assert updates.read("a") == first + 50


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_numbers_have_64_bits(memory: Memory, value: int) -> None:
    numbers = SharedNumbers(memory)
    numbers.declare("a")
    with pytest.raises(OverflowError, match="'a' has 64 bits"):
        numbers.write("a", value)
    with pytest.raises(OverflowError, match="'a' has 64 bits"):
        numbers.add("a", value)
    numbers.write("a", 2**63 - 1)
    assert numbers.read("a") == 2**63 - 1


def test_there_is_room_for_so_many_keys() -> None:
    numbers = SharedNumbers(Memory.make(3, 8))
    numbers.declare("a", "b", "c")
    numbers.declare("c", "a")
    with pytest.raises(SettingError, match=r"room for 3 shared keys; make more with run\(shared_keys"):
        numbers.declare("d")


def test_other_hosts_are_told_of_every_change(memory: Memory) -> None:
    told: list[tuple[str, str, float]] = []
    updates, numbers = SharedUpdates(memory), SharedNumbers(memory)
    for cells in (updates, numbers):
        cells.declare("a")
        cells.tell = lambda what, name, value: told.append((what, name, value))
    updates.write("a", 2e9)
    numbers.write("a", 4)
    numbers.add("a", 3)
    numbers.put("a", 0)
    updates.grow("a", 0)
    assert told == [("stamp", "a", 2e9), ("set", "a", 4), ("add", "a", 3)]


def test_no_addition_is_lost_between_processes_and_threads(memory: Memory) -> None:
    numbers = SharedNumbers(memory)
    numbers.declare("n")
    processes = [child(memory, 2000) for _ in range(3)]
    threads = [threading.Thread(target=lambda: [numbers.add("n", 1) for _ in range(1000)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert numbers.read("n") == 3 * 2000 + 2 * 1000


def test_a_process_that_is_killed_holds_nobody_up(memory: Memory) -> None:
    numbers = SharedNumbers(memory)
    numbers.declare("n")
    for _ in range(5):
        process = child(memory, 10**9)
        time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = numbers.read("n")
        assert numbers.add("n", 1) == before + 1


def test_a_block_of_one_process() -> None:
    memory = Memory.make(8, 8, shared=False)
    numbers = SharedNumbers(memory)
    numbers.declare("n")
    assert numbers.add("n", 2) == 2
    assert memory.descriptor is None


def test_where_memory_has_no_files_a_temporary_file_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    numbers = SharedNumbers(Memory.make(8, 8))
    numbers.declare("n")
    process = child(numbers.memory, 5)
    assert process.wait(30) == 0
    assert numbers.read("n") == 5


# rates


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock of the rates."""
    now = [1000.0]
    monkeypatch.setattr("skitai.bus.rates.time.monotonic", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


def test_a_limit_begins_with_the_first_use_and_ends_with_its_time(
    memory: Memory, clock: Callable[[float], None]
) -> None:
    rates = SharedRates(memory)
    assert [rates.use("a", 2, 60)[0] for _ in range(2)] == [1, 0]
    clock(20)
    assert rates.use("a", 2, 60) == (-1, 40)
    assert SharedRates(memory).use("a", 2, 60) == (-1, 40)
    assert rates.use("b", 2, 60) == (1, 0)
    clock(40)
    assert rates.use("a", 2, 60) == (1, 0)


def test_uses_of_other_hosts_count(memory: Memory, clock: Callable[[float], None]) -> None:
    here, there = SharedRates(memory), SharedRates(Memory.make(8, 8))
    told: list[tuple[str, float]] = []
    there.tell = lambda key, seconds: told.append((key, seconds))
    there.use("a", 5, 60)
    [(key, seconds)] = told
    here.count(key, 2, seconds)
    here.use("a", 5, 60)
    here.count(key, 1, seconds)
    assert here.use("a", 5, 60)[0] == 0
    assert here.use("a", 5, 60) == (-1, 60)


def test_of_too_many_keys_the_ones_that_end_first_make_room(clock: Callable[[float], None]) -> None:
    rates = SharedRates(Memory.make(8, 8))  # one set of eight places
    rates.use("brief", 1, 10)
    for number in range(7):
        rates.use(f"key {number}", 1, 100)
    rates.use("one more", 1, 100)
    assert rates.use("brief", 1, 10)[0] == 0
    assert rates.use("one more", 1, 100)[0] == 0 or rates.use("key 0", 1, 100)[0] == 0


def test_clients_cannot_tell_which_keys_crowd_out_another(clock: Callable[[float], None]) -> None:
    rates, sets = SharedRates(Memory.make(8, 512)), 64

    def place(key: str) -> int:
        return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=16).digest()[:8], "little") % sets

    rates.use("login victim", 1, 60)
    near = (key for key in map(str, itertools.count()) if place(key) == place("login victim"))
    for key in itertools.islice(near, 24):
        rates.use(key, 1, 600)
    assert rates.use("login victim", 1, 60)[0] == -1
