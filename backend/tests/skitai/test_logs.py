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
from skitai.logs import AccessLog, Form, JsonFormatter, PlainFormatter


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
