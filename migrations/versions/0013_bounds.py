"""What a subscription was asked for and still has to do, and indexes that find what is next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the pending change, and indexes that hold nothing but what waits."""
    op.add_column(
        "subscription",
        sa.Column("pending_change", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    )
    op.create_check_constraint(
        op.f("ck_subscription_pending_change"),
        "subscription",
        "jsonb_typeof(pending_change) = 'object' AND pending_change ? 'action'"
        " AND pending_change ? 'at'",
    )
    op.create_index(
        "ix_subscription_period_unfinished",
        "subscription_period",
        ["organization_id", "subscription_id", "index"],
        postgresql_where=sa.text("status IN ('open', 'closed', 'parked')"),
    )
    op.create_index(
        "ix_invoice_in_grace",
        "invoice",
        ["organization_id", "subscription_id", "scheduled_finalize_at"],
        postgresql_where=sa.text("status = 'DRAFT' AND scheduled_finalize_at IS NOT NULL"),
    )
    op.create_index(
        "ix_invoice_unpaid",
        "invoice",
        ["organization_id", "subscription_id", "due_date"],
        postgresql_where=sa.text("status = 'OPEN' AND past_due_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_invoice_unpaid", table_name="invoice")
    op.drop_index("ix_invoice_in_grace", table_name="invoice")
    op.drop_index("ix_subscription_period_unfinished", table_name="subscription_period")
    op.drop_constraint(op.f("ck_subscription_pending_change"), "subscription")
    op.drop_column("subscription", "pending_change")
