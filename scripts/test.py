"""Run every check there is: linters, types, unit, contract and serving tests, the build, and a real browser."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import debian
import toolchain
from build import compile_frontend
from generate import write_descriptors
from lint import add_stages
from production import serving
from stages import Stages
from workspace import BACKEND, FRONTEND, ROOT, environment, main, run, say

WORKERS = "2"  # processes of pytest


def test() -> int:
    """All stages, whatever fails; the exit code is non-zero when one did."""
    debian.install_missing()
    python, node = toolchain.python(), toolchain.node()
    toolchain.frontend_packages(node)
    stages = Stages()
    for program in debian.TEST_PROGRAMS[:3]:
        stages.has(program)
    add_stages(stages, python, node)
    stages.command("generated code", [python, ROOT / "scripts" / "generate.py", "--check"])
    stages.command("pytest", [python, "-m", "pytest", *pytest_flags()], cwd=BACKEND, env=test_environment(node))
    stages.command("vitest", [*node.npm, "run", "--silent", "test"], cwd=FRONTEND, env=node.environment())
    built = stages.step("build", lambda: compile_frontend(node))
    if debian.CHROMIUM.find() and built:
        stages.step("playwright", lambda: playwright(python, node))
    return stages.sum_up()


def pytest_flags() -> list[str]:
    """How pytest runs here, before the arguments of the command line."""
    coverage = ["--cov", "--cov-config=pyproject.toml", "--cov-report=term:skip-covered"]
    return ["-n", WORKERS, *coverage, *sys.argv[1:]]


def test_environment(node: toolchain.Node) -> dict[str, str]:
    """What pytest gets: never the developer's .env nor database."""
    programs = [Path(found).parent for program in debian.TEST_PROGRAMS if (found := program.find())]
    test = {"APP_ENV": "test", "SECRET_KEY": secrets.token_urlsafe(48)}
    return environment(test, path=[*node.folders, *programs])


def playwright(python: Path, node: toolchain.Node) -> bool:
    """Whether the browser tests pass against the built frontend, served by the production backend."""
    log = BACKEND / "var" / "e2e.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with serving(python, log) as env:
        contracts = log.with_name("contracts.binpb")
        write_descriptors(python, contracts)
        browser = {
            "E2E_CONTRACTS": str(contracts),
            "E2E_BASE_URL": env["PUBLIC_URL"],
            "E2E_ADMIN_EMAIL": env["ADMIN_EMAIL"],
            "E2E_ADMIN_PASSWORD": env["ADMIN_PASSWORD"],
            "CHROMIUM_PATH": debian.CHROMIUM.find() or "",
        }
        cli = FRONTEND / "node_modules" / "@playwright" / "test" / "cli.js"
        passed = run([node.program, cli, "test"], cwd=FRONTEND, env=node.environment(**browser)) == 0
    if not passed:
        say(f"The backend's log: {log.relative_to(ROOT)}")
    return passed


if __name__ == "__main__":
    main(test)
