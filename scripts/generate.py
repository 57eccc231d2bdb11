"""Write the generated code: messages and stubs from protos/, the API's document and its TypeScript client.

python3 scripts/generate.py            writes them
python3 scripts/generate.py --check    only says whether the committed ones are what would be written
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import toolchain
from stamps import Stamp
from workspace import BACKEND, FRONTEND, ROOT, Stop, environment, main, output, require, run, say

PROTOS = ROOT / "protos"
DOCUMENT = FRONTEND / "openapi.json"


def generate() -> int:
    """Write everything, or check everything."""
    python, node = toolchain.python(), toolchain.node()
    toolchain.frontend_packages(node)
    if "--check" in sys.argv[1:]:
        return _report([*stale_contracts(python), *stale_document(python), *stale_client(node)])
    write_contracts(python, BACKEND)
    write_document(python)
    write_client(node)
    return 0


def refresh(python: Path, node: toolchain.Node) -> None:
    """Write what was made from other inputs than today's."""
    steps: tuple[tuple[Callable[[], Stamp], Callable[[], None]], ...] = (
        (contracts_stamp, lambda: write_contracts(python, BACKEND)),
        (document_stamp, lambda: write_document(python)),
        (client_stamp, lambda: write_client(node)),
    )
    for stamp_of, write in steps:
        stamp = stamp_of()  # only now: a step's inputs are what the one before it wrote
        if not stamp.fresh():
            write()
            stamp.record()


def contracts_stamp() -> Stamp:
    """What the contracts are made from."""
    return Stamp("contracts", _protos())


def document_stamp() -> Stamp:
    """What the API's document is made from."""
    return Stamp("document", _backend_sources())


def client_stamp() -> Stamp:
    """What the TypeScript client is made from."""
    return Stamp("client", [DOCUMENT, FRONTEND / "openapi-ts.config.ts", FRONTEND / "package-lock.json"])


def write_contracts(python: Path, target: Path) -> None:
    """Python messages, their types and gRPC stubs of every .proto file, below `target`/contracts."""
    say("Generating the contracts from protos/ …")
    outputs = [f"--{kind}={target}" for kind in ("python_out", "pyi_out", "grpc_python_out")]
    require(
        [python, "-m", "grpc_tools.protoc", f"-I{PROTOS}", *outputs, *sorted(_protos())],
        "protoc refused a file in protos/: its message above names the line.",
    )
    for proto in _protos():
        _mark_packages(target, proto.relative_to(PROTOS).parent)


def write_descriptors(python: Path, target: Path) -> None:
    """What protos/ say, in the one file that protoc makes for programs that read contracts when they run."""
    words: list[str | Path] = [f"-I{PROTOS}", "--include_imports", f"--descriptor_set_out={target}", *sorted(_protos())]
    require(
        [python, "-m", "grpc_tools.protoc", *words],
        "protoc refused a file in protos/: its message above names the line.",
    )


def write_document(python: Path) -> None:
    """frontend/openapi.json, when the routes describe something else than it does."""
    say("Writing frontend/openapi.json …")
    text = _document(python)
    if not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != text:
        DOCUMENT.write_text(text, encoding="utf-8", newline="\n")


def write_client(node: toolchain.Node) -> None:
    """The TypeScript client, from frontend/openapi.json."""
    say("Generating the TypeScript client …")
    failure = "openapi-ts refused frontend/openapi.json: read its message above."
    require([*node.npm, "run", "--silent", "gen"], failure, cwd=FRONTEND, env=node.environment())


def stale_contracts(python: Path) -> list[str]:
    """The files below backend/contracts that protos/ would write otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        write_contracts(python, Path(folder))
        made = {path.relative_to(folder): path.read_bytes() for path in Path(folder).rglob("*_pb2*")}
    kept = [path.relative_to(BACKEND) for path in (BACKEND / "contracts").rglob("*_pb2*.py*")]
    orphans = [path for path in kept if path not in made and "__pycache__" not in path.parts]
    changed = [path for path, content in made.items() if not _holds(BACKEND / path, content)]
    return [f"backend/{path.as_posix()}" for path in sorted({*orphans, *changed})]


def stale_document(python: Path) -> list[str]:
    """frontend/openapi.json, when the routes describe something else."""
    return [] if _holds(DOCUMENT, _document(python).encode()) else ["frontend/openapi.json"]


def stale_client(node: toolchain.Node) -> list[str]:
    """The client's folder, when frontend/openapi.json would write another."""
    code = run([*node.npm, "run", "--silent", "gen:check"], cwd=FRONTEND, env=node.environment())
    return [] if code == 0 else ["frontend/src/api/generated"]


def _report(stale: list[str]) -> int:
    for name in stale:
        say(f"{name} is not what its source generates: run `make generate` and commit the result.")
    return 1 if stale else 0


def _document(python: Path) -> str:
    # The document must not depend on this machine's .env.
    env = environment({"APP_ENV": "test", "SECRET_KEY": "only-to-describe-the-routes-" + "x" * 32})
    text = output([python, "-m", "app.manage", "openapi"], cwd=BACKEND, env=env, complain=True)
    if text is None:
        raise Stop("The backend could not describe its routes: mend what the error above names.")
    return text


def _protos() -> list[Path]:
    return list(PROTOS.rglob("*.proto"))


def _backend_sources() -> Iterable[Path]:
    for package in ("app", "atila", "contracts"):
        yield from (BACKEND / package).rglob("*.py")


def _mark_packages(target: Path, package: Path) -> None:
    # protoc writes no __init__.py; a package without one is invisible to some tools.
    for folder in [package, *package.parents][:-1]:
        mark = target / folder / "__init__.py"
        if not mark.exists():
            mark.write_text('"""Generated from protos/; `make generate` writes it again."""\n', encoding="utf-8")


def _holds(path: Path, content: bytes) -> bool:
    # Git may write other line ends on Windows.
    return path.is_file() and path.read_bytes().replace(b"\r\n", b"\n") == content.replace(b"\r\n", b"\n")


if __name__ == "__main__":
    main(generate)
