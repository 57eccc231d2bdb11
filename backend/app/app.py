"""The application: which service is mounted where, and what happens around every request."""

from __future__ import annotations

from collections.abc import Sequence

from app import security
from app.identity import Actor
from app.services import system
from app.services.accounts import rest as accounts
from app.services.photos import grpc as photos_grpc
from app.services.photos import live as photos_live
from app.services.photos import rest as photos
from app.services.photos import xmlrpc as photos_xmlrpc
from atila import Atila, Was, health
from atila.http.response import Response

app = Atila(__name__)
app.title, app.version = system.NAME, system.VERSION
app.description = "Accounts and photos. Sign in, then send the access token as `Authorization: Bearer …`."
app.config.jsonrpc_path = "/rpc2"  # where XML-RPC is spoken too

app.mount("/health", health, ns="health")
app.mount("", system, ns="system")
app.mount("/api/v1", accounts, ns="accounts")
app.mount("/api/v1", photos, ns="photos")
app.mount("/api/v1", photos_live, ns="photos.live")
app.mount("/rpc2", photos_xmlrpc, ns="photos.xmlrpc")
app.mount("/contracts.photos.v1.PhotoService", photos_grpc, ns="photos.grpc")

app.before_request(security.protect)


@app.mounted
def join_bus(was: Was) -> None:
    """Lets watchers of photos hear of changes that other workers make."""
    app.store.set("leave_bus", app.config.feed.join(was.bus))


@app.before_umount
def leave_bus(was: Was) -> None:
    app.store["leave_bus"]()


@app.permission_check_handler
def check_permission(was: Was, roles: Sequence[str]) -> str | None:
    """Lets signed-in users pass who have one of the roles; the token's fault is the reason of a 401."""
    claims = was.request.JWT
    if "err" in claims:
        return str(claims["err"])
    Actor.from_claims(claims).require(roles)
    return None


@app.default_error_handler
def answer_error(was: Was, _: dict[str, object]) -> Response:
    """The framework's own answer, with the header fields that every answer has."""
    security.protect(was)
    was.response.body = None
    return was.response
