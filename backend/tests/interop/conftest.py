"""The engine that clients in other languages call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving.engine_process import EngineProcess

SCRIPT = """
from tests.interop import validator

app.config.jsonrpc_path = "/"
app.mount("/validator1", validator)
skitai.mount("/rpc2", app)
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine with the validator's methods at /rpc2."""
    engine = EngineProcess(tmp_path_factory.mktemp("engine"), SCRIPT)
    try:
        yield engine.ready()
    finally:
        engine.end()
