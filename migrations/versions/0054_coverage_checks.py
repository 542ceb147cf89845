"""What pages show at once: what the hourly check found, and each try of a webhook delivery."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import policies

revision = "0054"
down_revision = "0053"

IN_ORDER = ("created_at", "id")
"""Lists are in this order, whatever they are narrowed by."""


def upgrade() -> None:
    create_coverage_check()
    create_webhook_attempt()
    for table in ("invoice", "payment", "webhook_delivery"):
        op.create_index(f"ix_{table}_status", table, ["organization_id", "status", *IN_ORDER])
    create_indexes_of_work()
    create_indexes_of_money()
    op.create_index(
        "ix_webhook_delivery_endpoint",
        "webhook_delivery",
        ["organization_id", "endpoint_id", *IN_ORDER],
    )
    op.create_index(
        "ix_subscription_period_parked",
        "subscription_period",
        ["organization_id", "subscription_id", "index"],
        postgresql_where=sa.text("status = 'parked'"),
    )


def downgrade() -> None:
    op.drop_index("ix_subscription_period_parked", "subscription_period")
    op.drop_index("ix_refund_succeeded", "refund")
    op.drop_index("ix_payment_succeeded", "payment")
    op.drop_index("ix_invoice_finalized", "invoice")
    op.drop_index("ix_invoice_scheduled", "invoice")
    op.drop_index("ix_webhook_delivery_endpoint", "webhook_delivery")
    for table in ("webhook_delivery", "payment", "invoice"):
        op.drop_index(f"ix_{table}_status", table)
    op.drop_table("webhook_attempt")
    op.drop_table("coverage_check")


def create_coverage_check() -> None:
    op.create_table(
        "coverage_check",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subscriptions", sa.Integer(), nullable=False),
        sa.Column("owners_checked", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("findings", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_coverage_check")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_coverage_check_organization_id"),
        ),
        sa.CheckConstraint(
            "subscriptions >= 0 AND total >= 0", name=op.f("ck_coverage_check_counts")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(findings) = 'array'", name=op.f("ck_coverage_check_findings")
        ),
    )
    policies.protect("coverage_check", privileges=("SELECT", "INSERT", "UPDATE"))


def create_indexes_of_work() -> None:
    """What is due first, and what was done last."""
    op.create_index(
        "ix_invoice_scheduled",
        "invoice",
        ["organization_id", "scheduled_finalize_at"],
        postgresql_where=sa.text("status = 'DRAFT' AND scheduled_finalize_at IS NOT NULL"),
    )
    op.create_index(
        "ix_invoice_finalized",
        "invoice",
        ["organization_id", "finalized_at"],
        postgresql_where=sa.text("finalized_at IS NOT NULL"),
    )


def create_indexes_of_money() -> None:
    """What was paid and paid back within a time."""
    for table, instant in (("payment", "at"), ("refund", "settled_at")):
        op.create_index(
            f"ix_{table}_succeeded",
            table,
            ["organization_id", instant],
            postgresql_where=sa.text("status = 'succeeded'"),
        )


def create_webhook_attempt() -> None:
    op.create_table(
        "webhook_attempt",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("response_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(
            "organization_id", "delivery_id", "number", name=op.f("pk_webhook_attempt")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_webhook_attempt_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "delivery_id"],
            ["webhook_delivery.organization_id", "webhook_delivery.id"],
            name=op.f("fk_webhook_attempt_organization_id_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_webhook_attempt_number")),
    )
    policies.protect("webhook_attempt", privileges=("SELECT", "INSERT", "DELETE"))
