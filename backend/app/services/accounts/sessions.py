"""Sessions: refresh tokens that change at every use, in families that die when an old one comes back.

A token is 32 random bytes; the database keeps its SHA-256 only. RFC 9700 4.14.2: a token that is used twice has been
copied, so its whole family ends. Two tabs may honestly race for one token, though: within GRACE the loser gets a token
of its own instead.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.services.accounts import users
from app.services.accounts.users import User
from atila.upstream.db import Row, Session

GRACE = timedelta(seconds=30)


@dataclass(frozen=True)
class Client:
    """Where a session is used from, for its owner to recognise it by."""

    user_agent: str = ""
    ip: str = ""


@dataclass(frozen=True)
class Grant:
    """A user and the refresh token that keeps the session going. The token exists in clear only here."""

    user: User
    refresh_token: str


class Sessions:
    """The sessions in one database. Lives as long as `db`."""

    def __init__(self, db: Session, days: int) -> None:
        self.db = db
        self.lifetime = timedelta(days=days)

    def open(self, user: User, client: Client) -> Grant:
        """A new session, the first of its family; forgets those of the user that have expired."""
        self.db.delete("refresh_tokens").filter(user_id=user.id, expires_at__lt=datetime.now(UTC)).execute().commit()
        return self._issue(user, secrets.token_hex(16), client)[1]

    def renew(self, token: str, client: Client) -> Grant | None:
        """The session with its next token, or None when the token is unknown, expired, revoked or used before.

        Revokes the family of a token that was used before, so commit whatever comes back.
        """
        now = datetime.now(UTC)
        hashed = hash_token(token)
        used = self.db.update("refresh_tokens").data(used_at=now)
        # One statement decides a race: only one UPDATE finds used_at still empty.
        fresh = used.filter(hash=hashed, used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now)
        rows = fresh.returning("id, family, user_id").execute().fetch()
        row = rows[0] if rows else self._lost_race(hashed, now)
        user = users.find(self.db, row.user_id) if row else None
        if row is None or user is None:
            return None
        number, grant = self._issue(user, row.family, client)
        if rows:
            self.db.update("refresh_tokens").data(replaced_by=number).filter(id=row.id).execute().commit()
        return grant

    def close(self, token: str) -> None:
        """Ends the session that the token belongs to; an unknown token is no error."""
        rows = self.db.select("refresh_tokens").get("family").filter(hash=hash_token(token)).execute().fetch()
        if rows:
            self._revoke(rows[0].family)

    def _lost_race(self, hashed: str, now: datetime) -> Row | None:
        """The token's record when it was used a moment ago; when it was used longer ago its family is revoked."""
        query = self.db.select("refresh_tokens").get("id, family, user_id, used_at, revoked_at, expires_at")
        rows = query.filter(hash=hashed).execute().fetch()
        if not rows or rows[0].revoked_at is not None or rows[0].expires_at <= now:
            return None
        if rows[0].used_at is not None and now - rows[0].used_at > GRACE:
            self._revoke(rows[0].family)
            return None
        return rows[0]

    def _issue(self, user: User, family: str, client: Client) -> tuple[int, Grant]:
        now = datetime.now(UTC)
        token = secrets.token_urlsafe(32)
        query = self.db.insert("refresh_tokens").data(
            family=family,
            user_id=user.id,
            hash=hash_token(token),
            created_at=now,
            expires_at=now + self.lifetime,
            user_agent=client.user_agent[:400],
            ip=client.ip,
        )
        return query.returning("id").execute().one().id, Grant(user, token)

    def _revoke(self, family: str) -> None:
        live = self.db.update("refresh_tokens").data(revoked_at=datetime.now(UTC))
        live.filter(family=family, revoked_at__isnull=True).execute().commit()


def hash_token(token: str) -> str:
    """What the database keeps of a token. It has 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
