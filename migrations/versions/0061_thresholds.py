"""Periods are billed as they run, once what is not billed of them reaches a threshold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"

FORMER_KINDS = ("period", "manual", "late_usage", "purchase")
KINDS = ("period", "threshold", "manual", "late_usage", "purchase")
FORMER_LINES = ("usage", "fixed", "proration", "late_usage", "credit", "adjustment")
LINES = ("usage", "fixed", "proration", "late_usage", "invoiced_before", "credit", "adjustment")


def upgrade() -> None:
    op.add_column("subscription", sa.Column("threshold_amount", sa.Numeric(), nullable=True))
    op.create_check_constraint(
        op.f("ck_subscription_threshold_amount"), "subscription", "threshold_amount > 0"
    )
    op.create_index(
        "ix_subscription_threshold",
        "subscription",
        ["organization_id", "customer_id"],
        postgresql_where=sa.text("threshold_amount IS NOT NULL"),
    )
    op.add_column(
        "subscription_period",
        sa.Column("threshold_steps", sa.Integer(), server_default="0", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_subscription_period_threshold_steps"),
        "subscription_period",
        "threshold_steps >= 0",
    )
    limit(KINDS, LINES)
    op.create_check_constraint(
        op.f("ck_invoice_threshold"),
        "invoice",
        "(kind = 'threshold') = (revision < 0) AND (kind <> 'threshold' OR"
        " (subscription_id IS NOT NULL AND period_index IS NOT NULL))",
    )
    index_periods("status <> 'VOID' AND kind <> 'threshold'")
    op.create_index(
        "uq_invoice_threshold",
        "invoice",
        ["organization_id", "subscription_id", "period_index", "revision"],
        unique=True,
        postgresql_where=sa.text("kind = 'threshold'"),
    )


def downgrade() -> None:
    """Refused where a threshold invoice was issued."""
    op.drop_index("uq_invoice_threshold", table_name="invoice")
    op.drop_constraint(op.f("ck_invoice_threshold"), "invoice")
    limit(FORMER_KINDS, FORMER_LINES)
    index_periods("status <> 'VOID'")
    op.drop_column("subscription_period", "threshold_steps")
    op.drop_index("ix_subscription_threshold", table_name="subscription")
    op.drop_column("subscription", "threshold_amount")


def limit(kinds: tuple[str, ...], types: tuple[str, ...]) -> None:
    for table, column, values in (("invoice", "kind", kinds), ("invoice_line", "type", types)):
        listed = ", ".join(f"'{value}'" for value in values)
        op.drop_constraint(op.f(f"ck_{table}_{column}"), table)
        op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({listed})")


def index_periods(where: str) -> None:
    """A period has one invoice of each kind; of those by threshold one for each step."""
    op.drop_index("uq_invoice_period", table_name="invoice")
    op.create_index(
        "uq_invoice_period",
        "invoice",
        ["organization_id", "subscription_id", "period_index", "kind"],
        unique=True,
        postgresql_where=sa.text(where),
    )
