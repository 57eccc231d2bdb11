"""The settings of an app: each with its default and what it means."""

from __future__ import annotations

from typing import Any

DEFAULTS: dict[str, Any] = {
    "max_post_body_size": 5 * 1024 * 1024,  # bytes of a body that is not multipart
    "max_multipart_body_size": 20 * 1024 * 1024,  # bytes of a whole multipart body
    "max_upload_file_size": 20_000_000,  # bytes of one uploaded file
    "max_upload_files": 100,  # files and fields in one multipart body
    "upstream_timeout": 10.0,  # seconds a call to an upstream may take when it names no timeout
    "max_upstream_answer_size": 64 * 1024 * 1024,  # bytes of one answer of an upstream, unpacked
    "max_cache_size": 5 * 1024 * 1024,  # bytes kept of cached answers of upstreams
    "max_json_depth": 64,  # levels of nesting in a JSON body or a remote call
    "max_rpc_calls": 100,  # calls in one JSON-RPC batch or one system.multicall of XML-RPC
    "jsonrpc_path": None,  # a path below the mount point ("/" is that itself) where posted application/json is JSON-RPC
    "rpc_introspection": True,  # system.listMethods, methodHelp and methodSignature tell remote callers what there is
    "max_query_fields": 1000,  # fields in a query string or a form
    "upload_memory_size": 512
    * 1024,  # bytes of an uploaded file kept in memory; a larger one moves to a temporary file
    "grpc_web_threads": 32,  # for gRPC-Web streams of plain handlers, one each while it lasts; more streams wait
    "websocket_max_message": 1024 * 1024,  # bytes of a WebSocket message; a longer one closes the connection with 1009
    "websocket_max_behind": 4 * 1024 * 1024,  # bytes that wait for a slow WebSocket client before it is let go
    "websocket_ping_interval": 20,  # seconds of silence until a WebSocket client is pinged, half its timeout at most
    "websocket_close_timeout": 5,  # seconds a WebSocket client gets to answer that the connection is closed
    "websocket_token_timeout": 10,  # seconds to send the token as the first message, where a route takes it so
    "log_tasks": False,  # tasks that an async handler starts name its request in log lines; 0.5 µs a request
    "smtp": None,  # the mail server of `was.email`: "smtp://user:password@host:587", or "smtps://…" for TLS at once
    "smtp_timeout": 30.0,  # seconds the mail server may take for each answer
    "maintain_interval": 60,  # seconds between runs of the maintenance jobs
    "access_token_timeout": 600,  # seconds a token of `was.mkjwt` lives when its claims name no `exp`
    "jwt_cache_size": 4096,  # verified tokens kept in memory
}
# What `pref.max_client_body_size` sets at once.
BODY_LIMITS = ("max_post_body_size", "max_multipart_body_size", "max_upload_file_size")


class Config(dict[str, Any]):
    """Settings of an app, as attributes or keys: `config.urlfile`, `config["urlfile"]`. Lives as long as the app."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no setting {name!r}; set it with app.config.{name} = …") from None

    def __setattr__(self, name: str, value: object) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        self.pop(name)


def default_config() -> Config:
    """Return a Config with every documented setting at its default."""
    return Config(DEFAULTS)
