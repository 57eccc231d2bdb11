"""The words a photo is found by: title and description, folded, so that both databases search alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("photos", sa.Column("search", sa.Text, nullable=False, server_default=""))
    op.execute("UPDATE photos SET search = lower(title || ' ' || description)")


def downgrade() -> None:
    op.drop_column("photos", "search")
