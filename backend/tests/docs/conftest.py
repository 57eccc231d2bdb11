"""Makes the scripts importable: they count the rows."""

from __future__ import annotations

import sys

from tests.docs.pages import ROOT

sys.path.append(str(ROOT / "scripts"))  # last: scripts/serve.py must not hide backend/serve.py
