"""The engine's logs: each record and each request is one line, or indented below its own."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from atila import Atila, Was
from skitai.logs import AccessLog, Form, JsonFormatter, PlainFormatter
from tests.documented.conftest import ClientOf
from tests.injection.attempts import ATTEMPTS

FORMATTERS: dict[Form, type[logging.Formatter]] = {"plain": PlainFormatter, "json": JsonFormatter}
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
RECORD = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) atila\.tests ")
REQUEST = re.compile(r'\S+Z [\w.-]+ \S+ http/1\.1 [A-Z]+ \S+ \d{3} \d+ [\d.]+ms "[^"]*"\n')


class Written(io.StringIO):
    """A log file in memory."""

    def lines(self) -> list[str]:
        """Return its lines, by every separator that any reader knows."""
        text = self.getvalue()
        assert not UNSEEN.search(text), text
        assert text.splitlines() == text.split("\n")[:-1]
        return text.splitlines()


@pytest.fixture(params=["plain", "json"])
def form(request: pytest.FixtureRequest) -> Form:
    chosen: Form = request.param
    return chosen


@pytest.fixture
def log(form: Form) -> Iterator[Written]:
    """What the engine would write to standard error."""
    written = Written()
    handler = logging.StreamHandler(written)
    handler.setFormatter(FORMATTERS[form]())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)


def records(log: Written, form: Form) -> list[str]:
    """Return the lines that begin a record; the rest must be below one, indented."""
    lines = log.lines()
    if form == "json":
        assert all(json.loads(line)["logger"] == "atila.tests" for line in lines)
        return lines
    begun = [line for line in lines if not line.startswith("    ")]
    assert all(RECORD.match(line) for line in begun), begun
    return begun


def test_a_handlers_text_is_one_line(app: Atila, client_of: ClientOf, log: Written, form: Form) -> None:
    @app.route("/")
    def page(was: Was, text: str) -> str:
        was.log(text)
        was.log("x", text)
        was.log({text: [text]})
        app.logger.warning("a %s", text)
        app.logger.info("b", extra={"request_id": text, "more": {"inner": text}})
        return "x"

    client = client_of(app)
    for text in ATTEMPTS:
        assert client.get(f"/?text={quote(text)}").status_code == 200
    assert len(records(log, form)) == 5 * len(ATTEMPTS)


def test_an_exceptions_text_is_below_its_record(app: Atila, client_of: ClientOf, log: Written, form: Form) -> None:
    @app.route("/")
    def page(was: Was, text: str) -> str:
        try:
            raise KeyError(text)
        except KeyError as error:
            was.traceback(text)
            raise ValueError(f"{text}\n2026-01-01T00:00:00.000Z ERROR atila.tests forged") from error

    client = client_of(app)
    for text in ATTEMPTS:
        assert client.get(f"/?text={quote(text)}").status_code == 500
    assert len(records(log, form)) == 2 * len(ATTEMPTS)


def test_half_a_character_and_odd_values_are_written(form: Form) -> None:
    circle: list[object] = []
    circle.append(circle)
    log = Written()
    handler = logging.StreamHandler(log)
    handler.setFormatter(FORMATTERS[form]())
    # In no tree, for pytest captures all of those, and cannot carry half a character between processes.
    logger = logging.Logger("atila.tests")  # noqa: LOG001 - as above
    logger.addHandler(handler)
    for value in ("\ud800", 10**30, circle, {("a",): 1}, object(), float("nan")):
        logger.info("value %s", value, extra={"value": value})
    written = [line.encode("utf-8", "backslashreplace") for line in records(log, form)]
    assert len(written) == 6


def test_a_request_is_one_line_of_the_access_log(app: Atila, client_of: ClientOf, tmp_path: Path, form: Form) -> None:
    app.route("/<path:rest>")(lambda was, rest, **query: "x")
    client = client_of(app)
    settings = client.adapter.settings
    settings.trusted_proxies = frozenset({"127.0.0.1"})
    with (tmp_path / "access.log").open("wb") as file:
        settings.on_answer = AccessLog(form, file.fileno())
        for text in ATTEMPTS:
            sent = text.encode("latin-1", "ignore").decode("latin-1")
            headers = {"User-Agent": sent, "X-Forwarded-For": f"1.1.1.1, {sent}", "X-Request-ID": sent}
            for path in (f"/{quote(text)}", f"/a?{quote(text)}", f"/a?{sent}", f"/x{sent}"):
                client.get(path, headers=headers)
    written = Written((tmp_path / "access.log").read_text(encoding="utf-8"))
    lines = written.lines()
    assert len(lines) == 4 * len(ATTEMPTS)
    for line in lines:
        if form == "json":
            assert json.loads(line).keys() >= {"time", "request_id", "remote", "path", "status", "user_agent"}
        else:
            assert REQUEST.fullmatch(f"{line}\n"), line
