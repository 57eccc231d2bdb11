"""What the command line and the environment say to the engine: `python serve.py restart ---production`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Command = Literal["start", "stop", "restart", "reload", "status"]

COMMANDS: tuple[Command, ...] = get_args(Command)
BACKGROUND = "-d"
PRODUCTION = "---production"  # three hyphens, so that no option of the script's own can be meant
ENVIRONMENT = "SKITAI_ENV"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What was asked for when the script was started."""

    production: bool = False  # the kill switch: debug and reloading are off, whatever apps and preferences say
    command: Command = "start"
    background: bool = False  # start, and give the terminal back


def read(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> CommandLine:
    """Return what `sys.argv` and the environment ask for; other arguments, and all after `--`, are the script's own.

    Raises SystemExit for two commands at once.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    environment = os.environ if environment is None else environment
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    asked = [command for command in COMMANDS if command in ours]
    if len(asked) > 1:
        raise SystemExit(f"{' and '.join(asked)}: one command at a time")
    return CommandLine(
        PRODUCTION in ours or environment.get(ENVIRONMENT, "").upper() == "PRODUCTION",
        asked[0] if asked else "start",
        BACKGROUND in ours,
    )
