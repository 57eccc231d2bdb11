"""W3C Trace Context: which headers continue a trace and which start one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atila.http.headers import Headers
from atila.http.request import Request
from atila.tracing import Trace

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADER = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]")


def request_with(*fields: tuple[str, str]) -> Request:
    return Request("GET", "/", source=Headers(fields))


def test_a_trace_goes_on_with_a_span_of_its_own() -> None:
    trace = request_with(("traceparent", f"00-{TRACE}-{PARENT}-01"), ("tracestate", "a=1"), ("tracestate", "b=2")).trace
    assert (trace.id, trace.parent, trace.sampled) == (TRACE, PARENT, True)
    assert trace.headers() == [("traceparent", f"00-{TRACE}-{trace.span}-01"), ("tracestate", "a=1,b=2")]
    assert trace.span != PARENT


@pytest.mark.parametrize(
    "value",
    [
        "", "00", f"ff-{TRACE}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01-more", f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}", f"00-{TRACE}x-{PARENT}-01", f"00-{TRACE}-{PARENT}-01\nx",
    ],
)  # fmt: skip
def test_what_is_malformed_starts_a_trace(value: str) -> None:
    trace = Trace.of(value, "a=1")
    assert trace.id != TRACE
    assert (trace.parent, trace.state, trace.sampled) == ("", "", False)
    assert HEADER.fullmatch(trace.headers()[0][1])


def test_a_later_version_is_understood_as_far_as_it_is_known() -> None:
    trace = Trace.of(f"cc-{TRACE}-{PARENT}-03-what-the-future-holds")
    assert (trace.id, trace.sampled) == (TRACE, True)
    assert trace.headers()[0][1].startswith(f"00-{TRACE}-")


def test_two_parents_are_none() -> None:
    twice = request_with(("traceparent", f"00-{TRACE}-{PARENT}-01"), ("traceparent", f"00-{TRACE}-{PARENT}-01"))
    assert twice.trace.id != TRACE


@pytest.mark.parametrize("state", ["x" * 513, "a=1\r\nset-cookie: b"])
def test_a_state_that_cannot_be_passed_on_is_dropped(state: str) -> None:
    assert Trace.of(f"00-{TRACE}-{PARENT}-00", state).state == ""


def test_a_request_knows_its_trace_when_somebody_does() -> None:
    assert request_with().known_trace is None
    fresh = request_with()
    assert fresh.trace is fresh.trace is fresh.known_trace
    assert request_with(("traceparent", f"00-{TRACE}-{PARENT}-01")).known_trace is not None


@given(st.text(max_size=80), st.text(max_size=600))
def test_whatever_is_sent_the_headers_stay_well_formed(parent: str, state: str) -> None:
    fields = dict(Trace.of(parent, state).headers())
    assert HEADER.fullmatch(fields["traceparent"])
    assert all(character.isprintable() for character in fields.get("tracestate", "").replace("\t", ""))
