"""Which page a request comes from: those that the refresh cookie answers must come from our own.

SameSite=Strict keeps the cookie away from other sites; this keeps out other origins of the same site as well.
"""

from __future__ import annotations

from collections.abc import Collection

from atila.errors import HTTPError
from atila.http.request import Request

HEADER = ("x-requested-with", "fetch")  # a form or an image of another page cannot send it without asking first


def require_own_page(request: Request, own: Collection[str]) -> None:
    """Raises HTTPError 403 unless the request comes from a script on a page of ours, or from no browser at all."""
    name, value = HEADER
    if request.get_header(name) != value:
        raise HTTPError(403, f"the header {name}: {value} is missing")
    refuse_other_sites(request, own)


def refuse_other_sites(request: Request, own: Collection[str]) -> None:
    """Raises HTTPError 403 when the browser says that another origin sends this (Fetch Metadata, else Origin)."""
    site = request.get_header("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise HTTPError(403, "this comes from another site")
        return
    origin = request.get_header("origin")
    if origin is not None and origin not in own:
        raise HTTPError(403, "this comes from another site")
