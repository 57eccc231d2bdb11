"""Judge the sign-in page by Lighthouse, in a real Chromium: three runs as a phone, one as a desktop computer."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import debian
import toolchain
from build import compile_frontend
from production import serving
from workspace import BACKEND, FRONTEND, Stop, main, require, say

VERSION = "13.5.0"  # fetched when it is asked for: too large to be in everybody's node_modules
RUNS = 3  # as a phone; the median counts
PERFECT = ("accessibility", "best-practices", "seo", "agentic-browsing")
SHIFT = 0.02  # of the layout, at most
PHONE, DESKTOP = 0.90, 0.95  # of the performance, at least: it depends on the machine's load


def lighthouse() -> int:
    """Zero when the page reaches every mark; needs Chromium."""
    browser = debian.CHROMIUM.find()
    if browser is None:
        raise Stop("no Chromium is installed: Lighthouse looks through it.")
    python, node = toolchain.python(), toolchain.node()
    toolchain.frontend_packages(node)
    compile_frontend(node)
    log = BACKEND / "var" / "lighthouse.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with serving(python, log) as env, tempfile.TemporaryDirectory() as folder:

        def judge(name: str, *flags: str) -> dict[str, float]:
            report = Path(folder) / f"{name}.json"
            command = [*node.npm, "exec", "--yes", f"lighthouse@{VERSION}", "--", env["PUBLIC_URL"], "--quiet"]
            command += ["--output=json", f"--output-path={report}", *flags]
            command += ["--chrome-flags=--headless --no-sandbox --disable-gpu"]
            require(command, "Lighthouse gave up.", cwd=FRONTEND, env=node.environment(CHROME_PATH=browser))
            return marks(json.loads(report.read_text(encoding="utf-8")))

        phone = [judge(f"phone-{number}") for number in range(RUNS)]
        desktop = judge("desktop", "--preset=desktop")
    middle = {name: median(run[name] for run in phone) for name in phone[0]}
    for device, found in (("phone", middle), ("desktop", desktop)):
        say(f"{device}: " + ", ".join(f"{name} {value:g}" for name, value in found.items()))
    missed = shortcomings("phone", middle, PHONE) + shortcomings("desktop", desktop, DESKTOP)
    for line in missed:
        say(line)
    return 1 if missed else 0


def marks(report: dict[str, Any]) -> dict[str, float]:
    """The score of each category of a report, 0 to 1, and the layout's shift."""
    found = {name: float(category["score"] or 0) for name, category in report["categories"].items()}
    return {**found, "layout-shift": float(report["audits"]["cumulative-layout-shift"]["numericValue"])}


def shortcomings(device: str, found: dict[str, float], performance: float) -> list[str]:
    """What is not as it should be, a sentence each."""
    wanted = {**dict.fromkeys(PERFECT, 1.0), "performance": performance}
    lines = [
        f"{device}: {name} is {found[name]:g}, and should be {mark:g}"
        for name, mark in wanted.items()
        if found[name] < mark
    ]
    if found["layout-shift"] > SHIFT:
        lines.append(f"{device}: the layout shifts by {found['layout-shift']:g}, and may by {SHIFT:g}")
    return lines


if __name__ == "__main__":
    main(lighthouse)
