"""Header fields on every answer that keep browsers careful."""

from __future__ import annotations

from app.settings import Settings
from atila import Was

POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
    "require-trusted-types-for": "'script'",
}
HEADERS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# A production site that was reached over TLS wants nothing else for a year (in seconds).
STRICT_HEADERS = {**HEADERS, "strict-transport-security": "max-age=31536000; includeSubDomains"}


def headers(settings: Settings, scheme: str) -> dict[str, str]:
    """The fields for an answer over `scheme`, names in lower case."""
    return STRICT_HEADERS if settings.production and scheme == "https" else HEADERS


def protect(was: Was) -> None:
    """A request hook: adds the fields once; handlers may replace them."""
    if was.response.get_header("content-security-policy") is None:
        was.response.headers.extend(headers(was.app.config.settings, was.request.scheme).items())
