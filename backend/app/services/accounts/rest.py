"""Accounts over REST: /auth/sign-in, /auth/refresh, /auth/sign-out, /auth/me.

The access token is answered in the body and belongs into memory; the refresh token is a cookie that no script can read.
"""

from __future__ import annotations

import time
from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.identity import Actor, unauthorized
from app.refusals import refusals
from app.services.accounts import origin, signing_in, users
from app.services.accounts.sessions import Client, Grant, Sessions
from app.services.accounts.users import User
from atila import API, Atila, Was

REFUSED = "the address or the password is wrong"  # never which of them
DAY = 24 * 3600  # seconds


class Credentials(Struct, frozen=True):
    """What somebody signs in with."""

    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1024)]


class Session(Struct, frozen=True):
    """An access token, the seconds it lives, and whose it is."""

    access_token: str
    expires_in: int
    user: User
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - RFC 6750's name of the kind


def __mount__(app: Atila) -> None:  # noqa: N807 - the documented name
    @app.route(
        "/auth/sign-in",
        methods=["POST"],
        content_types=["application/json"],
        tags=["accounts"],
        responses=refusals(401, 403, 429),
    )
    def sign_in(was: Was, credentials: Credentials) -> API[Session]:
        """Sign in. 401 does not say what was wrong; 429 comes with Retry-After after too many failures."""
        origin.refuse_other_sites(was.request, own=own_origins(was))
        user = signing_in.check(
            lambda: was.db("@db"), credentials.email, credentials.password, was.request.get_remote_addr()
        )
        if user is None:
            raise unauthorized(REFUSED)
        with was.db("@db") as db:
            grant = Sessions(db, days(was)).open(user, client(was))
        return signed_in(was, grant)

    @app.route("/auth/refresh", methods=["POST"], tags=["accounts"], responses=refusals(401, 403))
    def refresh_session(was: Was) -> API[Session]:
        """Exchange the refresh cookie for the next one and a new access token. Needs `X-Requested-With: fetch`."""
        origin.require_own_page(was.request, own=own_origins(was))
        token = was.cookie.get(cookie_name(was))
        if not token:
            raise unauthorized("there is no session")
        with was.db("@db") as db:
            grant = Sessions(db, days(was)).renew(token, client(was))
        if grant is None:
            # The cookie stays: another tab may just have replaced it, and its new one must not be cleared.
            raise unauthorized("the session has ended")
        return signed_in(was, grant)

    @app.route("/auth/sign-out", methods=["POST"], status=204, tags=["accounts"], responses=refusals(403))
    def sign_out(was: Was) -> API[None]:
        """End the session. Needs `X-Requested-With: fetch`."""
        origin.require_own_page(was.request, own=own_origins(was))
        token = was.cookie.get(cookie_name(was))
        if token:
            with was.db("@db") as db:
                Sessions(db, days(was)).close(token)
            was.cookie.set(cookie_name(was), "", 0, cookie_path(was), same_site="Strict")
        return was.API("204 No Content")

    @app.route("/auth/me", methods=["GET"], tags=["accounts"])
    @app.permission_required()
    def get_me(was: Was) -> API[User]:
        """Who is signed in."""
        with was.db("@db") as db:
            user = users.find(db, Actor.from_claims(was.request.JWT).uid)
        if user is None:
            raise unauthorized("the account is gone")
        return was.API(user)


def days(was: Was) -> int:
    """Days a refresh token lives unused."""
    return int(was.app.config.settings.refresh_token_days)


def client(was: Was) -> Client:
    """Where the request comes from."""
    return Client(was.request.get_user_agent() or "", was.request.get_remote_addr())


def signed_in(was: Was, grant: Grant) -> API[Session]:
    """The answer that starts or continues a session, with its cookie."""
    settings, user = was.app.config.settings, grant.user
    expires_in = settings.access_token_seconds
    lifetime = days(was) * DAY
    was.cookie.set(cookie_name(was), grant.refresh_token, lifetime, cookie_path(was), same_site="Strict")
    was.response.set_header("cache-control", "no-store")
    claims = {"sub": str(user.id), "uid": user.id, "role": user.role, "exp": int(time.time()) + expires_in}
    return was.API(Session(was.mkjwt(claims), expires_in, user))


def cookie_name(was: Was) -> str:
    """Over TLS the name's prefix keeps pages without TLS from setting it (RFC 6265bis 4.1.3)."""
    return "__Secure-refresh" if was.request.scheme == "https" else "refresh"


def cookie_path(was: Was) -> str:
    """Where the cookie is sent to, and nowhere else."""
    return f"{was.request.root}/api/v1/auth"


def own_origins(was: Was) -> set[str]:
    """The origins of our own pages."""
    settings = was.app.config.settings
    return {f"{was.request.scheme}://{was.request.host}", settings.public_url, settings.frontend_origin} - {""}
