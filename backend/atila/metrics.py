"""Numbers of one process for whoever watches it: counters, gauges, histograms, as Prometheus knows them."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Literal, TypeVar

import msgspec

from .errors import SettingError

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[str, ...]
Cells = dict[Hashable, list[float]]

# Upper bounds of what takes seconds; one more holds what is above them all.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")  # https://prometheus.io/docs/concepts/data_model


class Family(msgspec.Struct):
    """All series of one name as they are now: what one process reports, and what is shown of all of them.

    A series has one number; that of a histogram has a sum and, for each bound and above, how often it was that much.
    """

    name: str
    kind: Kind
    help: str
    labels: Labels
    series: list[tuple[Labels, list[float]]]
    bounds: tuple[float, ...] = ()


class Counter:
    """A number that only grows, for each combination of labels. Lives as long as the process."""

    def __init__(self, name: str, help: str, labels: Labels = ()) -> None:
        self.name, self.help, self.labels = name, help, labels
        self._lock = threading.Lock()
        self._values: dict[Labels, float] = {}

    def add(self, *labels: str, amount: float = 1) -> None:
        """Count, from any thread: `sold.add("apples", amount=3)`. The labels come in their declared order."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + amount

    def collect(self) -> Family:
        """Return what was counted, a series for each combination of labels."""
        with self._lock:
            series = [(labels, [value]) for labels, value in self._values.items()]
        return Family(self.name, "counter", self.help, self.labels, series)


class Gauge:
    """A number that is read when somebody asks: one, or one for each combination of labels.

    One that only grows, processor time say, is of kind "counter".
    """

    def __init__(
        self,
        name: str,
        help: str,
        read: Callable[[], float | Mapping[Labels, float]],
        labels: Labels = (),
        kind: Kind = "gauge",
    ) -> None:
        self.name, self.help, self.labels, self.read, self.kind = name, help, labels, read, kind

    def collect(self) -> Family:
        """Read the number. Raises what `read` raises."""
        value = self.read()
        values = value if isinstance(value, Mapping) else {(): value}
        series = [(labels, [float(each)]) for labels, each in values.items()]
        return Family(self.name, self.kind, self.help, self.labels, series)


class Histogram:
    """How often something took how long, for each key. Lives as long as the process.

    Every thread counts in cells of its own, so that counting takes no lock and loses nothing; `describe` makes the
    labels of a key when somebody asks.
    """

    def __init__(
        self, name: str, help: str, labels: Labels = (), describe: Callable[[Any], Labels] = tuple,
        bounds: tuple[float, ...] = SECONDS,
    ) -> None:  # fmt: skip
        self.name, self.help, self.labels, self.describe, self.bounds = name, help, labels, describe, bounds
        self._own = threading.local()
        self._lock = threading.Lock()
        self._all: list[tuple[threading.Thread, Cells]] = []
        self._ended: Cells = {}  # of threads that are no more

    def observe(self, seconds: float, key: Hashable = ()) -> None:
        """Note one duration, from any thread."""
        try:
            cells = self._own.cells
        except AttributeError:
            cells = self._enlist()
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = [0.0] * (len(self.bounds) + 2)
        cell[0] += seconds
        cell[bisect_left(self.bounds, seconds) + 1] += 1

    def collect(self) -> Family:
        """Return the durations of all threads, those that ended included."""
        totals: dict[Labels, list[float]] = {}
        with self._lock:
            everybody = [self._ended.copy(), *(cells.copy() for _, cells in self._all)]  # copying a dict is atomic
        for cells in everybody:
            for key, cell in cells.items():
                _add(totals, self.describe(key), cell[:])
        return Family(self.name, "histogram", self.help, self.labels, list(totals.items()), self.bounds)

    def _enlist(self) -> Cells:
        """Give this thread its cells, and take over those of threads that have ended."""
        cells: Cells = {}
        with self._lock:
            ended = [pair for pair in self._all if not pair[0].is_alive()]
            for pair in ended:
                self._all.remove(pair)
                for key, cell in pair[1].items():
                    _add(self._ended, key, cell)
            self._all.append((threading.current_thread(), cells))
        self._own.cells = cells
        return cells


Made = TypeVar("Made", Counter, Gauge, Histogram)


class Metrics:
    """The numbers of one process by name. Lives as long as its platform."""

    def __init__(self) -> None:
        self._instruments: dict[str, Counter | Gauge | Histogram] = {}

    def counter(self, name: str, help: str, *labels: str) -> Counter:
        """Return the counter of a name (by custom it ends in `_total`). Raises SettingError for a name that is none."""
        known = self._instruments.get(name)
        return known if isinstance(known, Counter) else self.add(Counter(name, help, labels))

    def gauge(self, name: str, help: str, read: Callable[[], float | Mapping[Labels, float]], *labels: str) -> Gauge:
        """Have a number read whenever somebody asks; with labels, a number for each combination of their values."""
        known = self._instruments.get(name)
        return known if isinstance(known, Gauge) else self.add(Gauge(name, help, read, labels))

    def histogram(self, name: str, help: str, *labels: str) -> Histogram:
        """Return the histogram of durations of a name: `waits.observe(0.2, ("kitchen",))`. Raises SettingError."""
        known = self._instruments.get(name)
        return known if isinstance(known, Histogram) else self.add(Histogram(name, help, labels))

    def add(self, made: Made) -> Made:
        """Keep an instrument. Raises SettingError for a name that is none or taken, or for labels that are none."""
        wrong = [word for word in (made.name, *made.labels) if not _NAME.match(word)]
        if wrong or made.name in self._instruments:
            raise SettingError(f"metric {made.name!r}: {wrong[0]!r} is no name" if wrong else f"{made.name} is taken")
        self._instruments[made.name] = made
        return made

    def collect(self) -> list[Family]:
        """Return all families as they are now."""
        return [instrument.collect() for instrument in list(self._instruments.values())]


def _add(totals: dict[Any, list[float]], key: Hashable, numbers: list[float]) -> None:
    total = totals.get(key)
    totals[key] = numbers if total is None else [one + other for one, other in zip(total, numbers, strict=True)]


def merge(reports: Iterable[Iterable[Family]]) -> list[Family]:
    """Return the families of several processes as one: numbers of the same labels are added up."""
    found: dict[str, Family] = {}
    totals: dict[str, dict[Labels, list[float]]] = {}
    for family in (family for report in reports for family in report):
        known = found.setdefault(family.name, family)
        if known.labels != family.labels or known.bounds != family.bounds:
            continue  # two processes of different code, for the moment of a reload
        for labels, numbers in family.series:
            _add(totals.setdefault(family.name, {}), labels, numbers)
    return [
        msgspec.structs.replace(family, series=list(totals.get(name, {}).items())) for name, family in found.items()
    ]
