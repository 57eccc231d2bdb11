"""Compare a read of one row by its key with the bare drivers, in one run: `python -m bench.sql postgresql://…`.

The database given gets a table `bench_item`, which is dropped at the end. Candidates take turns; a round's figure is
the mean of many reads one after the other. "Over the driver" is what we add to it.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psycopg2

from atila.upstream.db import Database

ROWS = 1000
Read = Callable[[int], object]


class Figure(NamedTuple):
    """Microseconds for one read: by the clock, and of this process's processor time."""

    clock: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sql", description=__doc__)
    parser.add_argument("database", help="the URL of a PostgreSQL database in which a table may be made")
    parser.add_argument("--rounds", type=int, default=9, help="how often each is measured; the table has medians")
    parser.add_argument("--reads", type=int, default=2000, help="in a round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lite = f"sqlite:///{Path(folder) / 'bench.db'}"
        with readers(arguments.database, "PostgreSQL") as first, readers(lite, "SQLite") as second:
            print(table(measure(first | second, arguments.rounds, arguments.reads)))


@contextmanager
def readers(url: str, name: str) -> Iterator[dict[str, Read]]:
    """Make the table, and return ways to read from it by what they are called; the first one is the bare driver's."""
    database = Database(url)
    db = database.session()
    db.execute("CREATE TABLE bench_item (id INTEGER PRIMARY KEY, name TEXT, size INTEGER)").commit()
    try:
        rows = [{"id": number, "name": f"name {number}", "size": number} for number in range(ROWS)]
        db.insert("bench_item").data(*rows).execute().commit()
        bare, sql = bare_reader(url)
        yield {
            f"{name}: the driver, one open cursor": bare,
            f"{name}: was.db(…).execute(sql)": lambda key: db.execute(sql, (key,)).fetch(),
            f"{name}: was.db(…).select(…)": lambda key: (
                db.select("bench_item").get("id, name").filter(id=key).execute().fetch()
            ),
        }
    finally:
        db.execute("DROP TABLE bench_item").commit()
        database.close()


def bare_reader(url: str) -> tuple[Read, str]:
    """Return a read through the driver alone, and its SQL."""
    if url.startswith("sqlite"):
        lite = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        lite_sql = "SELECT [id], [name] FROM [bench_item] WHERE [id] = ?"
        return lambda key: lite.execute(lite_sql, (key,)).fetchall(), lite_sql
    connection = psycopg2.connect(url)
    connection.autocommit = True
    cursor = connection.cursor()
    sql = 'SELECT "id", "name" FROM "bench_item" WHERE "id" = %s'

    def read(key: int) -> object:
        cursor.execute(sql, (key,))
        return cursor.fetchall()

    return read, sql


def measure(ways: dict[str, Read], rounds: int, reads: int) -> dict[str, list[Figure]]:
    """Return each way's figures; a first round warms up."""
    figures: dict[str, list[Figure]] = defaultdict(list)
    for number in range(-1, rounds):
        for name, read in ways.items():
            clock, cpu = time.perf_counter(), time.process_time()
            for key in range(reads):
                read(key % ROWS)
            figure = Figure((time.perf_counter() - clock) / reads * 1e6, (time.process_time() - cpu) / reads * 1e6)
            if number >= 0:
                figures[name].append(figure)
    return figures


def table(figures: dict[str, list[Figure]]) -> str:
    """Return the medians as a Markdown table."""
    lines = ["| a row by its key | µs | over the driver | CPU µs | over the driver |", "|---|---|---|---|---|"]
    driver = Figure(0, 0)
    for name, found in figures.items():
        clock, cpu = median(figure.clock for figure in found), median(figure.cpu for figure in found)
        if "the driver" in name:
            driver = Figure(clock, cpu)
        lines.append(f"| {name} | {clock:.1f} | {clock - driver.clock:+.1f} | {cpu:.1f} | {cpu - driver.cpu:+.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
