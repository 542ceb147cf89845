"""Indexes for late events of all customers, and for what audits repaired."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the indexes. They hold few rows, but an existing table is read once for each."""
    op.create_index(
        "ix_usage_event_late_newest",
        "usage_event",
        ["organization_id", "timestamp", "id"],
        unique=False,
        postgresql_where=sa.text("late"),
    )
    op.create_index(
        "ix_audit_entry_repairs",
        "audit_entry",
        ["organization_id"],
        unique=False,
        postgresql_where=sa.text("action = 'coverage.repaired'"),
    )


def downgrade() -> None:
    op.drop_index("ix_audit_entry_repairs", table_name="audit_entry")
    op.drop_index("ix_usage_event_late_newest", table_name="usage_event")
