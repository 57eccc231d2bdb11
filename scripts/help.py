"""List the commands: each target of the Makefile with the comment behind it."""

from __future__ import annotations

import re

from workspace import ROOT, main, say


def list_commands() -> int:
    """One line for each target; every one also runs without make, as `python3 scripts/NAME.py`."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    say("make COMMAND, or python3 scripts/COMMAND.py where there is no make:\n")
    for name, purpose in re.findall(r"^([a-z]+):.*?## (.*)$", makefile, re.MULTILINE):
        say(f"  {name:<10} {purpose}")
    return 0


if __name__ == "__main__":
    main(list_commands)
