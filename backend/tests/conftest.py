"""What every test gets: settings of its own, never the developer's, and no way to be skipped unseen in CI."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator

import pytest

from tests.servers.postgresql import database_url, postgresql_server, postgresql_url  # noqa: F401 - fixtures
from tests.servers.redis import redis_server  # noqa: F401 - a fixture
from tests.servers.upstream import upstream, upstreams  # noqa: F401 - fixtures

# Before any application module is imported: with APP_ENV=test the settings ignore .env.
os.environ["APP_ENV"] = "test"
os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(48))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one: what it needs must be installed."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {report.longrepr}"
    return report
