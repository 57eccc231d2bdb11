"""What the tests of injection share: a client over both adapters, and the texts that try."""

from __future__ import annotations

from tests.documented.conftest import app, client_of

__all__ = ["app", "client_of"]
