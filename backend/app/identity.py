"""Who is asking and what that lets them do: the one permission check behind every surface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from atila.errors import HTTPError, Reason, bad_parameters

Role = Literal["user", "staff", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)  # each may do what those before it may


@dataclass(frozen=True)
class Actor:
    """The signed-in user behind one request."""

    uid: int
    role: Role

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> Actor:
        """The actor that a verified access token names. Raises HTTPError 401 when it names none."""
        uid, role = claims.get("uid"), claims.get("role")
        if "err" in claims or not isinstance(uid, int) or role not in ROLES:
            raise unauthorized(str(claims.get("err", "the token names no user")))
        return cls(uid, role)

    def has(self, role: Role) -> bool:
        """Whether this actor has the role, or one above it."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def require(self, roles: Iterable[str]) -> None:
        """Refuses an actor who has none of the roles; no roles means that signing in is enough.

        Raises HTTPError 403.
        """
        wanted = [role for role in ROLES if role in roles]
        if wanted and not self.has(wanted[0]):
            raise HTTPError("403 Permission Denied", f"this needs the role {wanted[0]}")

    def acting_for(self, user: int | str) -> int:
        """The number of the user whose things are asked for: `me`, or a number; others need the role staff.

        Raises HTTPError 403 for a stranger's things and 400 for what cannot be a user.
        """
        if user == "me":
            return self.uid
        if not str(user).isascii() or not str(user).isdigit():
            raise bad_parameters([Reason("uid", f"a user is 'me' or a number, not {str(user)[:40]!r}")])
        if int(user) != self.uid:
            self.require(["staff"])
        return int(user)


def unauthorized(reason: str) -> HTTPError:
    """The refusal of somebody who is not signed in. RFC 9110 15.5.2: a 401 says how to be."""
    return HTTPError(401, reason, headers=[("www-authenticate", 'Bearer realm="App"')])
