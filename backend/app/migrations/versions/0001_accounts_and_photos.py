"""Users, their refresh tokens, and photos."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


class Moment(UserDefinedType[object]):
    """A moment in UTC. Both databases take this name; atila's SQLite connections read it back as a datetime."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "TIMESTAMPTZ"


def upgrade() -> None:
    _create_users()
    _create_refresh_tokens()
    _create_photos()


def downgrade() -> None:
    for table in ("photos", "refresh_tokens", "users"):
        op.drop_table(table)


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.CheckConstraint("email = lower(email) AND email <> ''", name="users_email_lower"),
        sa.CheckConstraint("role IN ('user', 'staff', 'admin')", name="users_role_known"),
        sqlite_autoincrement=True,  # an id is never given twice, as on PostgreSQL
    )


def _create_refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("hash", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("used_at", Moment),
        sa.Column("replaced_by", sa.Integer, sa.ForeignKey("refresh_tokens.id", ondelete="SET NULL")),
        sa.Column("revoked_at", Moment),
        sa.Column("user_agent", sa.Text, nullable=False, server_default=""),
        sa.Column("ip", sa.Text, nullable=False, server_default=""),
        sa.CheckConstraint("expires_at > created_at", name="refresh_tokens_expire_later"),
        sqlite_autoincrement=True,
    )
    for column in ("family", "user_id", "expires_at", "replaced_by"):
        op.create_index(f"refresh_tokens_by_{column}", "refresh_tokens", [column])


def _create_photos() -> None:
    op.create_table(
        "photos",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("storage_name", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.CheckConstraint("size > 0 AND width > 0 AND height > 0", name="photos_have_a_size"),
        sa.CheckConstraint("content_type IN ('image/jpeg', 'image/png', 'image/webp')", name="photos_type_known"),
        sqlite_autoincrement=True,
    )
    # The three orders of the list, each with the id so that pages never overlap.
    for column in ("created_at", "title", "size"):
        op.create_index(f"photos_by_{column}", "photos", ["user_id", column, "id"])
