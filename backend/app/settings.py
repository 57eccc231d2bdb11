"""Settings: every value the application takes from its environment, typed and checked once."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[2]
PLACEHOLDER = "change-me"  # what .env.example writes where a secret belongs
SECRET_LENGTH = 32  # characters

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what it should be."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """The settings of one process; made once at its start by `load` and handed to whoever needs them."""

    app_env: Literal["development", "test", "production"] = "development"  # "test" never reads .env
    secret_key: str = ""  # signs tokens and cookies; development makes its own for one process when it is missing
    database_url: str = "sqlite:///backend/var/app.db"  # after `load`: with an absolute path
    host: str = "127.0.0.1"  # the address to listen on
    port: Port = 8000  # HTTP
    grpc_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0  # 0 is PORT + 1; after `load`: the port itself
    workers: Count = 1  # processes that serve
    bus_url: str = ""  # redis://… of the Redis that joins several hosts; empty: this host alone, which needs none
    threads: Count = 8  # threads of each process for plain handlers
    public_url: str = "http://127.0.0.1:5173"  # what people type; no slash at the end
    admin_email: str = "admin@example.com"  # the first administrator, made by the seed
    admin_password: str = ""  # empty: the seed makes no administrator
    media_root: Path = Path("backend/var/media")  # after `load`: absolute
    frontend_dist: Path = Path("frontend/dist")  # after `load`: absolute
    frontend_origin: str = ""  # the Vite server while developing, for example http://127.0.0.1:5173
    max_upload_mb: Count = 20  # megabytes of 1,000,000 bytes
    access_token_seconds: Count = 600  # seconds an access token lives
    refresh_token_days: Count = 30  # days a refresh token lives unused
    trusted_proxies: tuple[str, ...] = ()  # addresses whose X-Forwarded-* headers count
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0  # Prometheus's, at 127.0.0.1; 0 is none
    log_format: Literal["plain", "json"] = "plain"  # "json" writes one object a line
    log_level: Literal["debug", "info", "warning", "error"] = "info"  # the least important lines that are written

    @property
    def development(self) -> bool:
        """Whether code reloads and secrets may be missing."""
        return self.app_env == "development"

    @property
    def production(self) -> bool:
        """Whether this process serves real users."""
        return self.app_env == "production"

    @property
    def max_upload_bytes(self) -> int:
        """The largest upload in bytes."""
        return self.max_upload_mb * 1_000_000

    def __repr__(self) -> str:
        # Secrets stay out of logs and tracebacks.
        return f"Settings(app_env={self.app_env!r}, host={self.host!r}, port={self.port!r})"


def load(environ: Mapping[str, str] | None = None, *, root: Path = ROOT) -> Settings:
    """Settings from `environ` (default: the process's) over `root`/.env; relative paths start at `root`.

    Tests run with APP_ENV=test, which never reads .env, so they cannot reach the development database.
    Raises SettingsError.
    """
    environ = os.environ if environ is None else environ
    given = _merge(environ, root / ".env")
    try:
        settings = msgspec.convert(_split_lists(given), Settings, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(error)) from error
    _check_secrets(settings)
    return _resolve(settings, root)


def names() -> list[str]:
    """The environment variables that are settings, in the order of the fields."""
    return list(Settings.__struct_encode_fields__)


def _merge(environ: Mapping[str, str], env_file: Path) -> dict[str, str]:
    written = {} if environ.get("APP_ENV") == "test" else dotenv_values(env_file, interpolate=False)
    stated = {name: environ.get(name, written.get(name)) for name in names()}
    # An empty value means the default, so that a setting can be named without being chosen.
    return {name: value for name, value in stated.items() if value}


def _decode(hint: type, value: object) -> object:
    return hint(value)  # msgspec knows every type of ours but Path


def _split_lists(given: dict[str, str]) -> dict[str, object]:
    proxies = [item.strip() for item in given.get("TRUSTED_PROXIES", "").split(",")]
    return {**given, "TRUSTED_PROXIES": [item for item in proxies if item]}


def _explain(error: msgspec.ValidationError) -> str:
    reason, _, place = str(error).partition(" - at `$.")
    return f"{place.rstrip('`')} is not usable: {reason[:1].lower()}{reason[1:]}. .env.example describes each setting."


def _check_secrets(settings: Settings) -> None:
    if settings.development:
        return
    if not settings.secret_key:
        raise SettingsError("SECRET_KEY is missing: set at least 32 random characters; `make dev` writes them to .env.")
    for name in ("secret_key", "admin_password", "database_url"):
        if PLACEHOLDER in getattr(settings, name):
            raise SettingsError(f"{name.upper()} still holds the placeholder '{PLACEHOLDER}': set your own secret.")
    if len(settings.secret_key) < SECRET_LENGTH:
        raise SettingsError(f"SECRET_KEY is too short: set at least {SECRET_LENGTH} random characters.")


def _resolve(settings: Settings, root: Path) -> Settings:
    secret = settings.secret_key
    if settings.development and (not secret or secret == PLACEHOLDER):
        secret = secrets.token_urlsafe(48)
    return msgspec.structs.replace(
        settings,
        secret_key=secret,
        admin_password="" if settings.admin_password == PLACEHOLDER else settings.admin_password,
        database_url=_resolve_database(settings.database_url, root),
        grpc_port=settings.grpc_port or settings.port + 1,
        public_url=settings.public_url.rstrip("/"),
        media_root=root / settings.media_root,
        frontend_dist=root / settings.frontend_dist,
        frontend_origin=settings.frontend_origin.rstrip("/"),
    )


def _resolve_database(url: str, root: Path) -> str:
    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or path in ("", ":memory:"):
        return url
    return f"sqlite:///{(root / path).as_posix()}"
