"""The numbers of all workers, those that have ended included, as Prometheus reads them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import msgspec

from atila.metrics import Family, Labels, merge

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # https://prometheus.io/docs/instrumenting/exposition_formats
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_decoder = msgspec.json.Decoder(list[Family])


class Reports:
    """What the workers reported last. Lives as long as the main process; written by one thread, read by others.

    What a worker had counted stays when it is gone: a counter never goes back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[int, tuple[int, list[Family]]] = {}  # by process: its place, and what it said
        self._past: list[Family] = []
        self.ended = 0  # workers that died

    def take(self, process: int, slot: int, data: bytes) -> None:
        """Keep what a worker reports. Raises msgspec.DecodeError."""
        families = _decoder.decode(data)
        with self._lock:
            self._latest[process] = slot, families

    def part(self, process: int, *, died: bool) -> None:
        """A worker is gone: keep what it counted, forget its state."""
        with self._lock:
            _, families = self._latest.pop(process, (0, []))
            self._past = merge([self._past, [family for family in families if family.kind != "gauge"]])
            self.ended += died

    def families(self) -> list[Family]:
        """Return the numbers of all workers: added up, states with the worker they are of."""
        with self._lock:
            living = [(slot, families) for slot, families in self._latest.values()]
            past, ended = self._past, self.ended
        reports = [past, *([_of_worker(slot, family) for family in families] for slot, families in living)]
        return [
            Family("atila_workers", "gauge", "Workers that serve", (), [((), [len(living)])]),
            Family("atila_workers_died_total", "counter", "Workers that ended unasked", (), [((), [ended])]),
            *merge(reports),
        ]


def _of_worker(slot: int, family: Family) -> Family:
    if family.kind != "gauge":
        return family
    series = [((*labels, str(slot + 1)), numbers) for labels, numbers in family.series]
    return msgspec.structs.replace(family, labels=(*family.labels, "worker"), series=series)


def exposition(families: Iterable[Family]) -> str:
    """Return families as Prometheus's text."""
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    explained = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    yield f"# HELP {family.name} {explained}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, numbers in sorted(family.series):
        if family.kind != "histogram":
            yield f"{family.name}{_labels(family.labels, labels)} {_number(numbers[0])}"
            continue
        total, counts = numbers[0], numbers[1:]
        so_far = 0.0
        for bound, count in zip([*map(_number, family.bounds), "+Inf"], counts, strict=True):
            so_far += count
            yield f"{family.name}_bucket{_labels((*family.labels, 'le'), (*labels, bound))} {_number(so_far)}"
        yield f"{family.name}_sum{_labels(family.labels, labels)} {_number(total)}"
        yield f"{family.name}_count{_labels(family.labels, labels)} {_number(so_far)}"


def _labels(names: Labels, values: Labels) -> str:
    pairs = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in zip(names, values, strict=True))
    return f"{{{pairs}}}" if pairs else ""


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
