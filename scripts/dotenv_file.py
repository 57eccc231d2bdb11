"""The file .env: written once with random secrets, read by scripts as the backend reads it."""

from __future__ import annotations

import os
import re
import secrets

from workspace import ROOT, say

ENV = ROOT / ".env"
EXAMPLE = ROOT / ".env.example"
ASSIGNMENT = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


def write() -> None:
    """Make .env from .env.example with secrets of its own, readable by its owner only; an existing one stays."""
    if ENV.exists():
        return
    fresh = {"SECRET_KEY": secrets.token_urlsafe(48), "ADMIN_PASSWORD": secrets.token_urlsafe(12)}
    example = EXAMPLE.read_text(encoding="utf-8")
    text = ASSIGNMENT.sub(lambda match: f"{match[1]}={fresh.get(match[1], match[2])}", example)
    descriptor = os.open(ENV, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    say("Wrote .env with random secrets.")


def values() -> dict[str, str]:
    """The settings as the backend sees them: .env.example's, over them .env's, over them the environment's."""
    stated: dict[str, str] = {}
    for path in (EXAMPLE, ENV):
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        stated.update({name: value.strip().strip("\"'") for name, value in ASSIGNMENT.findall(text) if value.strip()})
    return {**stated, **{name: os.environ[name] for name in stated if os.environ.get(name)}}


def names() -> list[str]:
    """The environment variables that are settings."""
    return [name for name, _ in ASSIGNMENT.findall(EXAMPLE.read_text(encoding="utf-8"))]
