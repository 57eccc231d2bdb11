"""The whole deployment on one screen: preferences, aliases, mounts, run."""

from __future__ import annotations

import sys

import skitai
from app import security
from app.settings import SettingsError, load

if __name__ == "__main__":
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(f"serve.py: {error}")

    pref = skitai.pref()
    pref.config.settings = settings
    pref.use_reloader = settings.development

    database = skitai.DB_SQLITE3 if settings.database_url.startswith("sqlite") else skitai.DB_PGSQL
    skitai.alias("@db", database, settings.database_url)

    scheme = "https" if settings.public_url.startswith("https://") else "http"
    skitai.mount("/", str(settings.frontend_dist), headers=security.headers(settings, scheme))
    skitai.mount("/", "app/app.py", "app", pref)

    skitai.run(
        settings.host,
        settings.port,
        name="atila-starter",
        workers=settings.workers,
        bus=settings.bus_url or None,
        threads=settings.threads,
        grpc_port=settings.grpc_port,
        trusted_proxies=settings.trusted_proxies,
        metrics_port=settings.metrics_port or None,
        log_off=["/health/*"],
        log_format=settings.log_format,
        log_level=settings.log_level.upper(),
    )
