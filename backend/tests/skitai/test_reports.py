"""The numbers of all workers as Prometheus's text, read back by Prometheus's own parser."""

from __future__ import annotations

import math

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from atila.metrics import Family, Metrics
from skitai.reports import Reports, exposition


def report_of(count: int, busy: int = 0) -> bytes:
    metrics = Metrics()
    counter = metrics.counter("sold_total", "What was sold", "fruit")
    counter.add("apples", amount=count)
    metrics.gauge("busy", "Busy now", lambda: busy)
    waits = metrics.histogram("wait_seconds", "Waits", "place")
    for _ in range(count):
        waits.observe(0.03, ("kitchen",))
    return msgspec.json.encode(metrics.collect())


def parsed(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(reports: Reports, name: str, **labels: str) -> float | None:
    return parsed(exposition(reports.families())).get((name, tuple(sorted(labels.items()))))


def test_counts_are_added_up_and_states_told_apart() -> None:
    reports = Reports()
    reports.take(100, 0, report_of(3, busy=1))
    reports.take(101, 1, report_of(4, busy=2))
    assert value(reports, "sold_total", fruit="apples") == 7
    assert value(reports, "wait_seconds_count", place="kitchen") == 7
    assert value(reports, "wait_seconds_bucket", place="kitchen", le="0.025") == 0
    assert value(reports, "wait_seconds_bucket", place="kitchen", le="0.05") == 7
    assert value(reports, "wait_seconds_bucket", place="kitchen", le="+Inf") == 7
    assert value(reports, "busy", worker="1") == 1
    assert value(reports, "busy", worker="2") == 2
    assert value(reports, "atila_workers") == 2


def test_a_counter_never_goes_back() -> None:
    reports = Reports()
    reports.take(100, 0, report_of(3, busy=1))
    reports.take(100, 0, report_of(5, busy=1))
    reports.part(100, died=True)
    reports.part(99, died=False)  # it never said anything
    assert value(reports, "sold_total", fruit="apples") == 5
    assert value(reports, "busy", worker="1") is None
    reports.take(102, 0, report_of(1))
    assert value(reports, "sold_total", fruit="apples") == 6
    assert value(reports, "wait_seconds_count", place="kitchen") == 6
    assert (value(reports, "atila_workers"), value(reports, "atila_workers_died_total")) == (1, 1)


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", "ä € \u2028", "\\n", ""])
def test_labels_and_explanations_are_read_back_as_they_were(text: str) -> None:
    shown = exposition([Family("odd", "gauge", f"Help {text}", ("label",), [((text,), [1.5])])])
    (family,) = text_string_to_metric_families(shown)
    assert family.samples[0].labels == {"label": text}
    assert family.samples[0].value == 1.5
    assert shown.count("\n") == 3


def test_numbers_are_written_as_they_are_read() -> None:
    numbers = [0.0, 1e300, 1e-9, 0.1 + 0.2, -7.0, 123456789012.0]
    shown = exposition([Family("n", "gauge", "", ("i",), [((str(i),), [x]) for i, x in enumerate(numbers)])])
    assert list(parsed(shown).values()) == numbers
    assert all(math.isfinite(number) for number in parsed(shown).values())


def test_a_report_that_is_none_is_told() -> None:
    with pytest.raises(msgspec.DecodeError):
        Reports().take(1, 0, b'[{"name": 1}]')
