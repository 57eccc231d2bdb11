"""What `import atila` brings along: only what every app needs, so that a process starts quickly and stays small."""

from __future__ import annotations

import subprocess
import sys

NEEDED = {"blinker", "itsdangerous", "msgspec", "multipart", "typing_extensions"}
SAID = """
import sys
before = set(sys.modules)
import atila
print(*{name.partition(".")[0] for name in set(sys.modules) - before})
"""


def test_importing_atila_brings_only_what_every_app_needs() -> None:
    done = subprocess.run([sys.executable, "-c", SAID], capture_output=True, text=True, check=True)
    brought = set(done.stdout.split()) - set(sys.stdlib_module_names) - {"atila"}
    assert brought <= NEEDED, f"loaded when atila is imported, and not when it is used: {sorted(brought - NEEDED)}"
