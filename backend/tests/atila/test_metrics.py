"""Counters, gauges, histograms: counted from many threads, and added up over processes."""

from __future__ import annotations

import threading

import pytest

from atila import SettingError
from atila.metrics import Family, Gauge, Metrics, merge


def test_a_counter_counts_by_label() -> None:
    metrics = Metrics()
    sold = metrics.counter("sold_total", "What was sold", "fruit")
    sold.add("apples", amount=3)
    sold.add("apples")
    sold.add("pears")
    assert metrics.counter("sold_total", "again", "fruit") is sold
    assert metrics.collect() == [
        Family("sold_total", "counter", "What was sold", ("fruit",), [(("apples",), [4]), (("pears",), [1])])
    ]


def test_a_gauge_is_read_when_somebody_asks() -> None:
    metrics, waiting = Metrics(), [1]
    metrics.gauge("waiting", "How many wait", lambda: len(waiting))
    metrics.gauge("open", "Open by kind", lambda: {("a",): 1, ("b",): 2}, "kind")
    waiting.append(2)
    assert [family.series for family in metrics.collect()] == [[((), [2.0])], [(("a",), [1.0]), (("b",), [2.0])]]


def test_a_histogram_of_many_threads_loses_nothing() -> None:
    metrics = Metrics()
    waits = metrics.histogram("wait_seconds", "Waits", "place")

    def wait() -> None:
        for _ in range(5000):
            waits.observe(0.03, ("kitchen",))

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        metrics.collect()
    (family,) = metrics.collect()
    ((labels, (total, *counts)),) = family.series
    assert labels == ("kitchen",)
    assert total == pytest.approx(600)
    assert sum(counts) == counts[family.bounds.index(0.05)] == 20000


def test_what_threads_that_are_gone_counted_stays_and_takes_no_room() -> None:
    waits = Metrics().histogram("wait_seconds", "Waits", "place")
    for _ in range(50):
        thread = threading.Thread(target=waits.observe, args=(0.5, ("kitchen",)))
        thread.start()
        thread.join()
    waits.observe(0.5, ("kitchen",))
    assert len(waits._all) < 3
    assert sum(waits.collect().series[0][1][1:]) == 51


def test_a_number_that_only_grows_may_be_read() -> None:
    metrics = Metrics()
    metrics.add(Gauge("seconds_total", "Seconds", lambda: 7.5, kind="counter"))
    assert metrics.collect() == [Family("seconds_total", "counter", "Seconds", (), [((), [7.5])])]


def test_a_bound_belongs_to_its_bucket_and_the_rest_lies_above() -> None:
    waits = Metrics().histogram("wait_seconds", "Waits")
    for seconds in (0.001, 10.0, 11.0):
        waits.observe(seconds)
    counts = waits.collect().series[0][1][1:]
    assert (counts[0], counts[-2], counts[-1]) == (1, 1, 1)


@pytest.mark.parametrize(("name", "label"), [("a-b", "x"), ("", "x"), ("a", "x y"), ("a\n", "x")])
def test_a_name_that_is_none_is_told(name: str, label: str) -> None:
    with pytest.raises(SettingError, match="is no name"):
        Metrics().counter(name, "", label)


def test_a_name_stands_for_one_kind() -> None:
    metrics = Metrics()
    metrics.counter("a", "")
    with pytest.raises(SettingError, match="a is taken"):
        metrics.histogram("a", "")


def test_the_numbers_of_processes_are_added_up() -> None:
    first = [Family("a", "counter", "A", ("x",), [(("1",), [1]), (("2",), [5])])]
    second = [Family("a", "counter", "A", ("x",), [(("1",), [2])]), Family("b", "counter", "B", (), [((), [7])])]
    other = [Family("a", "counter", "A", ("x", "y"), [(("1", "2"), [100])])]  # of code before a reload
    assert merge([first, second, other]) == [
        Family("a", "counter", "A", ("x",), [(("1",), [3]), (("2",), [5])]),
        Family("b", "counter", "B", (), [((), [7])]),
    ]
    assert first[0].series == [(("1",), [1]), (("2",), [5])]
