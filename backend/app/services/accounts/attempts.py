"""Failed attempts to sign in, counted so that guessing passwords takes too long to be worth it."""

from __future__ import annotations

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from atila.errors import HTTPError
from atila.upstream.db import Session

WINDOW = timedelta(minutes=15)  # how long a failure counts
ACCOUNT_LIMIT = 10  # failures of one account within the window
ADDRESS_LIMIT = 50  # failures from one network address within the window


@dataclass(frozen=True)
class Attempt:
    """One attempt that counts as failed until it is forgiven."""

    account_key: str
    ids: tuple[int, ...]


class Attempts:
    """The failures of everybody, in the database: they hold across workers and hosts. Lives as long as `db`."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def begin(self, email: str, address: str) -> Attempt:
        """Counts an attempt before its password is checked, so that many at once cannot slip through together.

        Raises HTTPError 429 with Retry-After when the account or the address has failed too often.
        """
        now = datetime.now(UTC)
        account_key, address_key = key("account", email), key("address", neighbourhood(address))
        wait = max(self.wait(account_key, ACCOUNT_LIMIT, now), self.wait(address_key, ADDRESS_LIMIT, now))
        if wait > 0:
            raise HTTPError(429, "too many failed attempts; try again later", headers=[("retry-after", str(wait))])
        self.db.delete("sign_in_failures").filter(failed_at__lt=now - WINDOW).execute().commit()
        return Attempt(account_key, (self.count(account_key, now), self.count(address_key, now)))

    def forgive(self, attempt: Attempt) -> None:
        """The password was right: forgets this attempt, and all earlier failures of the account."""
        self.db.delete("sign_in_failures").filter(key=attempt.account_key).execute().commit()
        self.db.delete("sign_in_failures").filter(id__in=list(attempt.ids)).execute().commit()

    def wait(self, key: str, limit: int, now: datetime) -> int:
        """Seconds until `key` may try again; 0 is now."""
        recent = self.db.select("sign_in_failures").get("failed_at").filter(key=key, failed_at__gt=now - WINDOW)
        rows = recent.order_by("-failed_at").limit(limit).execute().fetch()
        return math.ceil((rows[-1].failed_at + WINDOW - now).total_seconds()) if len(rows) >= limit else 0

    def count(self, key: str, now: datetime) -> int:
        query = self.db.insert("sign_in_failures").data(key=key, failed_at=now).returning("id")
        return int(query.execute().one().id)


def key(kind: str, value: str) -> str:
    """What a failure is counted under: of one length, and nobody's address in clear."""
    return f"{kind}:{hashlib.sha256(value.encode()).hexdigest()}"


def neighbourhood(address: str) -> str:
    """What one person can choose freely counts as one: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))
