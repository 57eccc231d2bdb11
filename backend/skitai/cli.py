"""What the command line and the environment say to the engine: `python serve.py ---production`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PRODUCTION = "---production"  # three hyphens, so that no option of the script's own can be meant
ENVIRONMENT = "SKITAI_ENV"


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What was asked for when the script was started."""

    production: bool = False  # the kill switch: debug and reloading are off, whatever apps and preferences say


def read(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> CommandLine:
    """Return what `sys.argv` and the environment ask for."""
    arguments = sys.argv[1:] if arguments is None else arguments
    environment = os.environ if environment is None else environment
    return CommandLine(PRODUCTION in arguments or environment.get(ENVIRONMENT, "").upper() == "PRODUCTION")
