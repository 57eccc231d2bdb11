"""Every fuzz target: where it is, and which modules the fuzzer watches for new branches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class Target:
    """A function `module.name(data)` of this package, and the parsers it drives."""

    name: str
    module: str
    watched: tuple[str, ...]

    def load(self) -> Callable[[bytes], None]:
        """Import the target's module, and the parsers with it, and return the function."""
        function: Callable[[bytes], None] = getattr(import_module(f"tests.fuzz.{self.module}"), self.name)
        return function

    def seeds(self) -> list[bytes]:
        """Return the inputs it starts from."""
        lines = (CORPUS / f"{self.name}.txt").read_text(encoding="ascii").splitlines()
        return [line.encode().decode("unicode_escape").encode("latin-1") for line in lines]


TARGETS = {
    target.name: target
    for target in (
        Target("query", "bodies", ("atila.http.body",)),
        Target("form", "bodies", ("atila.http.body", "atila.http.headers", "atila.http.uploads", "multipart")),
        Target("json_body", "bodies", ("atila.http.body",)),
        Target("media_type", "fields", ("atila.http.headers",)),
        Target("field", "fields", ("atila.http.headers",)),
        Target("conditions", "fields", ("atila.http.conditional", "email")),
        Target("sharing", "fields", ("atila.http.cors",)),
        Target("cookies", "fields", ("atila.http.cookies",)),
        Target("guarded", "fields", ("atila.http.guards", "atila.http.request")),
        Target("trace", "fields", ("atila.tracing",)),
        Target("rule", "routes", ("atila.routing.rule", "atila.routing.router")),
        Target("path", "routes", ("atila.routing.rule", "atila.routing.router")),
        Target("parameter", "routes", ("atila.params.types",)),
        Target("authorization", "credentials", ("atila.auth",)),
        Target("digest_answer", "credentials", ("atila.auth.digest",)),
        Target("bearer_token", "credentials", ("atila.auth.jwt", "jwt")),
        Target("carried", "carriers", ("atila.sessions", "atila.auth.onetime", "itsdangerous")),
        Target("call", "calls", ("atila.rpc.xmlreader", "atila.rpc.xmlwriter", "atila.rpc.xmlrpc", "xmlrpc")),
        Target("batch", "calls", ("atila.rpc.jsonrpc", "atila.http.body")),
        Target("message", "calls", ("atila.rpc.grpc",)),
        Target("web_frames", "calls", ("atila.rpc.grpc_web",)),
        Target("metadata", "calls", ("atila.http.call", "atila.rpc.grpc", "atila.rpc.grpc_web")),
        Target("alias", "upstreams", ("atila.alias",)),
        Target("location", "upstreams", ("atila.upstream.forwarding",)),
        Target("target", "upstreams", ("atila.upstream.forwarding",)),
        Target("answer", "upstreams", ("atila.upstream.message", "atila.upstream.rpc", "atila.http.headers")),
        Target("template", "upstreams", ("atila.upstream.db.sqlmaps", "atila.upstream.db.template")),
        Target("names", "upstreams", ("atila.upstream.db.columns", "atila.upstream.db.conditions")),
        Target("frames", "sockets", ("atila.adapters.framed", "websockets.protocol", "websockets.frames")),
        Target("byte_range", "files", ("skitai.ranges",)),
        Target("file_path", "files", ("skitai.static",)),
        Target("whole", "requests", ("atila.http", "atila.params", "atila.pipeline", "atila.adapters")),
    )
}
