"""Alerts of everybody are listed by an index: a page of them, not all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"


def upgrade() -> None:
    """An ended alert is in it no longer."""
    op.create_index(
        "ix_alert_listed",
        "alert",
        ["organization_id", "created_at", "id"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def downgrade() -> None:
    """Take the index away."""
    op.drop_index("ix_alert_listed", table_name="alert")
