"""Failed attempts to sign in, counted by account and by address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import UserDefinedType

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


class Moment(UserDefinedType[object]):
    """A moment in UTC. Both databases take this name; atila's SQLite connections read it back as a datetime."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "TIMESTAMPTZ"


def upgrade() -> None:
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("failed_at", Moment, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("sign_in_failures_by_key", "sign_in_failures", ["key", "failed_at"])
    op.create_index("sign_in_failures_by_failed_at", "sign_in_failures", ["failed_at"])


def downgrade() -> None:
    op.drop_table("sign_in_failures")
