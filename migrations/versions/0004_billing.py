"""Subscriptions, invoices, the evidence behind them, and the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0004"
down_revision = "0003"

TABLES = (
    "invoice_sequence",
    "outbox_message",
    "subscription",
    "billing_run",
    "invoice",
    "subscription_action",
    "subscription_pause",
    "subscription_period",
    "invoice_line",
    "invoice_receipt",
    "invoice_tax",
)


def upgrade() -> None:
    """Create subscriptions, invoices, their evidence and the outbox."""
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    create_subscription()
    create_subscription_period()
    create_subscription_pause()
    create_subscription_action()
    create_outbox_message()
    create_invoice()
    create_invoice_line()
    create_invoice_tax()
    create_invoice_sequence()
    create_billing_run()
    create_invoice_receipt()
    protect_tables()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


APPEND_ONLY = ("billing_run", "invoice_receipt", "subscription_action")
DELETABLE = ("subscription_period", "invoice", "invoice_line", "invoice_tax", "outbox_message")


def protect_tables() -> None:
    """Show every row to its organization alone; evidence can be added to and never changed."""
    for table in TABLES:
        privileges = ["SELECT", "INSERT"]
        if table not in APPEND_ONLY:
            privileges.append("UPDATE")
        if table in DELETABLE:
            privileges.append("DELETE")
        policies.protect(table, privileges=privileges)


def create_invoice_sequence() -> None:
    op.create_table(
        "invoice_sequence",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_number >= 0", name=op.f("ck_invoice_sequence_last_number")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_invoice_sequence_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "series", "year", name=op.f("pk_invoice_sequence")
        ),
    )


def create_outbox_message() -> None:
    op.create_table(
        "outbox_message",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_outbox_message_attempts")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_outbox_message_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("organization_id", "kind", "key", name="uq_outbox_message_key"),
    )
    op.create_index(
        "ix_outbox_message_due",
        "outbox_message",
        ["available_at"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )


def create_subscription() -> None:
    op.create_table(
        "subscription",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("version_policy", sa.Text(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("billing_interval", sa.Text(), nullable=False),
        sa.Column("billing_interval_count", sa.Integer(), nullable=False),
        sa.Column("billing_anchor", sa.Text(), nullable=False),
        sa.Column("anchor_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trial_end_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("current_period_index", sa.Integer(), nullable=True),
        sa.Column("current_period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("current_period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_invoiced_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_at_period_end", sa.Boolean(), nullable=False),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_plan_id", sa.Uuid(), nullable=True),
        sa.Column("test_clock_id", sa.Uuid(), nullable=True),
        sa.Column("completed_through", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attention", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(version_policy = 'pinned') = (plan_version IS NOT NULL)",
            name=op.f("ck_subscription_pinned_version"),
        ),
        sa.CheckConstraint(
            "billing_anchor IN ('start', 'calendar')", name=op.f("ck_subscription_billing_anchor")
        ),
        sa.CheckConstraint(
            "status IN ('TRIAL', 'ACTIVE', 'PAST_DUE', 'PAUSED', 'CANCELED')",
            name=op.f("ck_subscription_status"),
        ),
        sa.CheckConstraint(
            "version_policy IN ('latest', 'pinned')", name=op.f("ck_subscription_version_policy")
        ),
        sa.CheckConstraint(
            "billing_interval_count > 0", name=op.f("ck_subscription_billing_interval_count")
        ),
        sa.CheckConstraint(
            "current_period_start < current_period_end", name=op.f("ck_subscription_current_period")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customer.organization_id", "customer.id"],
            name=op.f("fk_subscription_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "next_plan_id"],
            ["plan.organization_id", "plan.id"],
            name=op.f("fk_subscription_organization_id_next_plan_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "plan_id"],
            ["plan.organization_id", "plan.id"],
            name=op.f("fk_subscription_organization_id_plan_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "test_clock_id"],
            ["test_clock.organization_id", "test_clock.id"],
            name=op.f("fk_subscription_organization_id_test_clock_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_subscription_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_subscription")),
    )
    op.create_index(
        "ix_subscription_created",
        "subscription",
        ["organization_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_subscription_customer",
        "subscription",
        ["organization_id", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_subscription_plan",
        "subscription",
        ["organization_id", "plan_id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL AND status <> 'CANCELED'"),
    )
    op.create_index(
        "ix_subscription_test_clock",
        "subscription",
        ["organization_id", "test_clock_id"],
        unique=False,
    )


def create_billing_run() -> None:
    op.create_table(
        "billing_run",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("period_index", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "step IN ('usage', 'quantities', 'priced_lines', 'evidence')",
            name=op.f("ck_billing_run_step"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscription.organization_id", "subscription.id"],
            name=op.f("fk_billing_run_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_billing_run_organization_id")
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "subscription_id",
            "period_index",
            "revision",
            "step",
            name=op.f("pk_billing_run"),
        ),
    )


def create_invoice() -> None:
    op.create_table(
        "invoice",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_number", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("period_index", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("is_edited", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subtotal", sa.Numeric(), nullable=False),
        sa.Column("tax", sa.Numeric(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        sa.Column("amount_due", sa.Numeric(), nullable=False),
        sa.Column("amount_paid", sa.Numeric(), nullable=False),
        sa.Column("carried_credit", sa.Numeric(), nullable=False),
        sa.Column("tax_status", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issue_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scheduled_finalize_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finalized_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("past_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("meta_data", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'PAID') = (paid_at IS NOT NULL)", name=op.f("ck_invoice_paid_at")
        ),
        sa.CheckConstraint(
            "kind IN ('period', 'manual', 'late_usage')", name=op.f("ck_invoice_kind")
        ),
        sa.CheckConstraint(
            "status = 'DRAFT' OR invoice_number IS NOT NULL",
            name=op.f("ck_invoice_final_has_number"),
        ),
        sa.CheckConstraint(
            "status IN ('DRAFT', 'OPEN', 'PAID', 'VOID', 'UNCOLLECTIBLE')",
            name=op.f("ck_invoice_status"),
        ),
        sa.CheckConstraint(
            "amount_due >= 0 AND amount_paid >= 0 AND carried_credit >= 0",
            name=op.f("ck_invoice_amounts"),
        ),
        sa.CheckConstraint("total = subtotal + tax", name=op.f("ck_invoice_total")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customer.organization_id", "customer.id"],
            name=op.f("fk_invoice_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscription.organization_id", "subscription.id"],
            name=op.f("fk_invoice_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_invoice_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("organization_id", "invoice_number", name="uq_invoice_number"),
        sa.UniqueConstraint(
            "organization_id", "subscription_id", "period_index", "kind", name="uq_invoice_period"
        ),
    )
    op.create_index(
        "ix_invoice_created", "invoice", ["organization_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_invoice_customer",
        "invoice",
        ["organization_id", "customer_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_invoice_waiting",
        "invoice",
        ["organization_id", "subscription_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('DRAFT', 'OPEN')"),
    )


def create_subscription_action() -> None:
    op.create_table(
        "subscription_action",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("period_index", sa.Integer(), nullable=True),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscription.organization_id", "subscription.id"],
            name=op.f("fk_subscription_action_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_subscription_action_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_subscription_action")),
    )
    op.create_index(
        "ix_subscription_action_at",
        "subscription_action",
        ["organization_id", "subscription_id", "at", "id"],
        unique=False,
    )


def create_subscription_pause() -> None:
    op.create_table(
        "subscription_pause",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("organization_id"), "="),
            (sa.column("subscription_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at, '[)')"), "&&"),
            using="gist",
            name="ex_subscription_pause_overlap",
        ),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_subscription_pause_half_open")),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscription.organization_id", "subscription.id"],
            name=op.f("fk_subscription_pause_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_subscription_pause_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_subscription_pause")),
    )


def create_subscription_period() -> None:
    op.create_table(
        "subscription_period",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("anchor_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_watermark", sa.BigInteger(), nullable=True),
        sa.Column("parked_step", sa.Text(), nullable=True),
        sa.Column("parked_reason", sa.Text(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("organization_id"), "="),
            (sa.column("subscription_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at, '[)')"), "&&"),
            using="gist",
            name="ex_subscription_period_overlap",
        ),
        sa.CheckConstraint(
            "(status = 'parked') = (parked_step IS NOT NULL)",
            name=op.f("ck_subscription_period_parked_step"),
        ),
        sa.CheckConstraint(
            "status IN ('open', 'closed', 'drafted', 'final', 'parked', 'skipped')",
            name=op.f("ck_subscription_period_status"),
        ),
        sa.CheckConstraint("index >= 0", name=op.f("ck_subscription_period_index")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_subscription_period_half_open")),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscription.organization_id", "subscription.id"],
            name=op.f("fk_subscription_period_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_subscription_period_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "subscription_id", "index", name=op.f("pk_subscription_period")
        ),
    )
    op.create_index(
        "ix_subscription_period_ends_at",
        "subscription_period",
        ["organization_id", "ends_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('open', 'closed', 'parked')"),
    )
    op.create_index(
        "ix_subscription_period_final",
        "subscription_period",
        ["organization_id", "ends_at"],
        unique=False,
        postgresql_where=sa.text("status = 'final'"),
    )


def create_invoice_line() -> None:
    op.create_table(
        "invoice_line",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("unit_amount", sa.Numeric(), nullable=True),
        sa.Column("line_total", sa.Numeric(), nullable=False),
        sa.Column("exact_amount", sa.Numeric(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=True),
        sa.Column("meter_id", sa.Uuid(), nullable=True),
        sa.Column("usage_quantity", sa.Numeric(), nullable=True),
        sa.Column("included_quantity", sa.Numeric(), nullable=True),
        sa.Column("limit_exceeded", sa.Boolean(), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("calculation", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "type IN ('usage', 'fixed', 'proration', 'late_usage', 'credit', 'adjustment')",
            name=op.f("ck_invoice_line_type"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoice.organization_id", "invoice.id"],
            name=op.f("fk_invoice_line_organization_id_invoice_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_invoice_line_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_invoice_line")),
        sa.UniqueConstraint(
            "organization_id", "invoice_id", "position", name="uq_invoice_line_position"
        ),
    )


def create_invoice_receipt() -> None:
    op.create_table(
        "invoice_receipt",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("engine_version", sa.Text(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=False),
        sa.Column("inputs_digest", sa.Text(), nullable=False),
        sa.Column("lines_digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoice.organization_id", "invoice.id"],
            name=op.f("fk_invoice_receipt_organization_id_invoice_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_invoice_receipt_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "invoice_id", "revision", name=op.f("pk_invoice_receipt")
        ),
    )


def create_invoice_tax() -> None:
    op.create_table(
        "invoice_tax",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("tax_rate_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("percentage", sa.Numeric(), nullable=False),
        sa.Column("is_inclusive", sa.Boolean(), nullable=False),
        sa.Column("taxable_amount", sa.Numeric(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoice.organization_id", "invoice.id"],
            name=op.f("fk_invoice_tax_organization_id_invoice_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_invoice_tax_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_invoice_tax")),
    )
