"""The committed generated code is what its sources generate."""

from __future__ import annotations

import sys
from pathlib import Path

from generate import stale_contracts, stale_document

PYTHON = Path(sys.executable)


def test_the_contracts_follow_the_protos() -> None:
    assert stale_contracts(PYTHON) == []


def test_the_document_follows_the_routes() -> None:
    assert stale_document(PYTHON) == []
