"""What the engine writes down, and that nobody forges a line of it."""

from __future__ import annotations

import io
import json
import logging
import os
from pathlib import Path

import pytest

from atila.http.headers import Headers
from atila.http.request import Request
from atila.logs import streamed
from skitai.logs import AccessLog, Destination, Form, JsonFormatter, PlainFormatter, configure, name_request


def logged(formatter: logging.Formatter, message: str, error: Exception | None = None, **extra: object) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.Logger("shop")  # noqa: LOG001 - a logger of the test's own
    logger.addHandler(handler)
    logger.error("%s", message, exc_info=error, extra=extra)
    return stream.getvalue()


def access_line(tmp_path: Path, form: Form, path: str, agent: str) -> str:
    request = Request("GET", path, "q=1", Headers([("user-agent", agent)]), peer="10.0.0.9")
    request.id = "4f2a"
    with (tmp_path / "access.log").open("wb") as file:
        AccessLog(form, file.fileno())(request, 200, 12, 0.0034)
    return (tmp_path / "access.log").read_text()


def test_a_request_is_one_line_with_its_id(tmp_path: Path) -> None:
    line = access_line(tmp_path, "plain", "/photos", "curl/8")
    assert line.endswith(' 4f2a 10.0.0.9 http/1.1 GET /photos?q=1 200 12 3.4ms "curl/8"\n')


@pytest.mark.parametrize("form", ["plain", "json"])
def test_what_a_client_sends_stays_in_its_line(tmp_path: Path, form: Form) -> None:
    line = access_line(tmp_path, form, "/a\nFORGED\r\u2028\x1b[31m", 'evil"\nagent')
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_a_json_line_can_be_read_back(tmp_path: Path) -> None:
    entry = json.loads(access_line(tmp_path, "json", "/photos", 'a "b"'))
    assert entry["request_id"] == "4f2a"
    assert (entry["status"], entry["bytes"], entry["path"], entry["user_agent"]) == (200, 12, "/photos?q=1", 'a "b"')


def test_a_closed_access_log_fails_no_request(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    log = AccessLog("plain", writer)
    for _ in range(2):
        log(Request("GET", "/"), 200, None, 0.0)
    os.close(writer)
    assert caplog.text.count("cannot be written") == 1


def test_an_error_names_its_request_and_indents_its_traceback() -> None:
    try:
        raise ValueError("first\n2026-01-01T00:00:00.000Z ERROR forged")
    except ValueError as error:
        text = logged(PlainFormatter(), "failed\nFORGED", error, request_id="4f2a")
    first, *rest = text.splitlines()
    assert first.endswith("ERROR shop 4f2a failed\\nFORGED")
    assert rest
    assert all(line.startswith("    ") for line in rest)


def test_json_records_carry_their_extra_fields() -> None:
    entry = json.loads(logged(JsonFormatter(), "failed", request_id="4f2a", size=3, path=Path("/x")))
    assert (entry["message"], entry["request_id"], entry["size"], entry["path"]) == ("failed", "4f2a", 3, "/x")
    assert entry["level"] == "error"


def test_paths_can_be_left_out_of_the_access_log(tmp_path: Path) -> None:
    with (tmp_path / "access.log").open("wb") as file:
        log = AccessLog("plain", file.fileno(), off=("/health/*", "*.png"))
        for path in ("/health/live", "/a/b.png", "/healthy", "/a.png.html"):
            log(Request("GET", path), 200, 0, 0.0)
    lines = (tmp_path / "access.log").read_text().splitlines()
    assert [line.split()[5] for line in lines] == ["/healthy", "/a.png.html"]


@pytest.mark.usefixtures("kept_logging")
def test_files_tell_the_servers_lines_from_the_apps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure("plain", "INFO", where=Destination(tmp_path / "logs", console=True))
    logging.getLogger("skitai").info("serving")
    logging.getLogger("shop.cart").warning("empty")
    assert (tmp_path / "logs" / "server.log").read_text().endswith("INFO skitai serving\n")
    assert (tmp_path / "logs" / "app.log").read_text().endswith("WARNING shop.cart empty\n")
    assert capsys.readouterr().err.count("\n") == 2


def record_of(request: Request) -> logging.LogRecord:
    """A record that is written while a function of the framework answers a request."""
    made = logging.makeLogRecord({"name": "shop", "msg": "x"})
    namespace = {"__name__": "atila.pipeline", "name_request": name_request, "made": made}
    exec("def respond(request):\n    name_request(made)", namespace)
    namespace["respond"](request)  # type: ignore[operator]  # the function above
    return made


def test_a_record_gets_the_id_of_the_request_it_is_written_for() -> None:
    request = Request("GET", "/")
    request.id = "4f2a"
    assert vars(record_of(request))["request_id"] == "4f2a"
    assert "trace_id" not in vars(record_of(request))
    begun = request.trace.id
    assert vars(record_of(request))["trace_id"] == begun
    name_request(outside := logging.makeLogRecord({}))
    assert not hasattr(outside, "request_id")


def test_a_record_of_a_stream_gets_it_too() -> None:
    request = Request("GET", "/")
    request.id = "77"
    token = streamed.set(request)
    try:
        name_request(made := logging.makeLogRecord({}))
    finally:
        streamed.reset(token)
    assert vars(made)["request_id"] == "77"


def test_an_id_that_a_message_begins_with_is_not_written_twice() -> None:
    assert logged(PlainFormatter(), "4f2a called", request_id="4f2a").endswith("ERROR shop 4f2a called\n")
    assert logged(PlainFormatter(), "4f2abc", request_id="4f2a").endswith("ERROR shop 4f2a 4f2abc\n")


@pytest.mark.parametrize("form", ["plain", "json"])
def test_a_trace_is_in_the_json_line(tmp_path: Path, form: Form) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    request = Request("GET", "/", source=Headers([("traceparent", f"00-{trace}-b7ad6b7169203331-01")]))
    with (tmp_path / "access.log").open("wb") as file:
        AccessLog(form, file.fileno())(request, 200, 0, 0.0)
    assert (trace in (tmp_path / "access.log").read_text()) is (form == "json")
