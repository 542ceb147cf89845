"""Regular bounds of periods; indexes for late events and for what the hourly check repaired."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the bounds and create the indexes, for which an existing table is read once each.

    Bounds of periods that exist are unknown, and computed by today's rules as they were before.
    """
    for name in ("regular_starts_at", "regular_ends_at"):
        op.add_column(
            "subscription_period", sa.Column(name, sa.DateTime(timezone=True), nullable=True)
        )
    op.create_check_constraint(
        op.f("ck_subscription_period_regular"),
        "subscription_period",
        "regular_starts_at <= starts_at AND ends_at <= regular_ends_at",
    )
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
    op.drop_constraint(op.f("ck_subscription_period_regular"), "subscription_period")
    for name in ("regular_ends_at", "regular_starts_at"):
        op.drop_column("subscription_period", name)
