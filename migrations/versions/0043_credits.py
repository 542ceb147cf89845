"""Prepaid credit: units, wallets, grants, holds, and postings that the database bounds."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0043"
down_revision = "0042"

FORMER_KINDS = ("period", "manual", "late_usage")
KINDS = (*FORMER_KINDS, "purchase")
TABLES = ("credit_posting", "credit_hold", "credit_grant", "wallet", "credit_unit")


def upgrade() -> None:
    limit_kinds(KINDS)
    create_credit_unit()
    create_wallet()
    create_credit_grant()
    create_credit_hold()
    create_credit_posting()
    protect_tables()


def downgrade() -> None:
    """Refused where credit was sold: nobody forgets money by going back a step."""
    for table in TABLES:
        op.drop_table(table)
    limit_kinds(FORMER_KINDS)


def limit_kinds(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_invoice_kind"), "invoice")
    op.create_check_constraint(op.f("ck_invoice_kind"), "invoice", f"kind IN ({listed})")


def protect_tables() -> None:
    """What was granted and posted is only added to; a wallet is locked, which asks for UPDATE."""
    for table in ("credit_unit", "credit_grant", "credit_posting"):
        policies.protect(table, privileges=("SELECT", "INSERT"))
    for table in ("wallet", "credit_hold"):
        policies.protect(table, privileges=("SELECT", "INSERT", "UPDATE"))


def create_credit_unit() -> None:
    op.create_table(
        "credit_unit",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scale", sa.Integer(), nullable=False),
        sa.Column("tax", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9_]{1,31}$'", name=op.f("ck_credit_unit_code")),
        sa.CheckConstraint("tax IN ('at_use', 'at_purchase')", name=op.f("ck_credit_unit_tax")),
        sa.CheckConstraint("scale BETWEEN 0 AND 12", name=op.f("ck_credit_unit_scale")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_credit_unit_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "code", name=op.f("pk_credit_unit")),
    )


def create_wallet() -> None:
    op.create_table(
        "wallet",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customer.organization_id", "customer.id"],
            name=op.f("fk_wallet_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "unit"],
            ["credit_unit.organization_id", "credit_unit.code"],
            name="fk_wallet_unit",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_wallet_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "customer_id", "unit", name=op.f("pk_wallet")),
    )


def create_credit_grant() -> None:
    op.create_table(
        "credit_grant",
        *columns_of_credit_grant(),
        *checks_of_credit_grant(),
        *references_of_credit_grant(),
    )
    op.create_index(
        "ix_credit_grant_rolled_from",
        "credit_grant",
        ["organization_id", "rolled_from"],
        unique=False,
        postgresql_where=sa.text("rolled_from IS NOT NULL"),
    )
    op.create_index(
        "ix_credit_grant_expiring",
        "credit_grant",
        ["organization_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )


def columns_of_credit_grant() -> list[sa.Column[Any]]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("meter_ids", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("charge_ids", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("cost_amount", sa.Numeric(), nullable=False),
        sa.Column("cost_currency", sa.Text(), nullable=True),
        sa.Column("spendable", sa.Text(), nullable=False),
        sa.Column(
            "rollover", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("rolled_from", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    ]


def checks_of_credit_grant() -> list[sa.Constraint]:
    return [
        sa.CheckConstraint(
            "CASE kind WHEN 'free' THEN cost_amount = 0 AND invoice_id IS NULL"
            " ELSE cost_amount >= 0 AND cost_currency IS NOT NULL END",
            name=op.f("ck_credit_grant_cost"),
        ),
        sa.CheckConstraint("kind IN ('paid', 'free')", name=op.f("ck_credit_grant_kind")),
        sa.CheckConstraint(
            "spendable IN ('on_payment', 'at_once')", name=op.f("ck_credit_grant_spendable")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_credit_grant_amount")),
        sa.CheckConstraint("expires_at > effective_at", name=op.f("ck_credit_grant_expires_at")),
        sa.CheckConstraint("priority BETWEEN 0 AND 100", name=op.f("ck_credit_grant_priority")),
        sa.CheckConstraint(
            "rollover IS NULL OR expires_at IS NOT NULL", name=op.f("ck_credit_grant_rollover")
        ),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_credit_grant_sequence")),
    ]


def references_of_credit_grant() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id", "unit"],
            ["wallet.organization_id", "wallet.customer_id", "wallet.unit"],
            name="fk_credit_grant_wallet",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoice.organization_id", "invoice.id"],
            name=op.f("fk_credit_grant_organization_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "rolled_from"],
            ["credit_grant.organization_id", "credit_grant.id"],
            name=op.f("fk_credit_grant_organization_id_rolled_from"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_credit_grant_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_credit_grant")),
        sa.UniqueConstraint(
            "organization_id", "customer_id", "unit", "sequence", name="uq_credit_grant_sequence"
        ),
        sa.UniqueConstraint(
            "organization_id", "id", "customer_id", "unit", "amount", name="uq_credit_grant_amount"
        ),
        sa.UniqueConstraint("organization_id", "invoice_id", name="uq_credit_grant_invoice"),
    ]


def create_credit_hold() -> None:
    op.create_table(
        "credit_hold",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_amount", sa.Numeric(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "expires_at > at AND expires_at <= at + interval '24 hours'",
            name=op.f("ck_credit_hold_expires_at"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_credit_hold_amount")),
        sa.CheckConstraint(
            "ended_at BETWEEN at AND expires_at", name=op.f("ck_credit_hold_ended_at")
        ),
        sa.CheckConstraint(
            "settled_amount BETWEEN 0 AND amount", name=op.f("ck_credit_hold_settled_amount")
        ),
        sa.CheckConstraint(
            "settled_amount IS NULL OR ended_at IS NOT NULL",
            name=op.f("ck_credit_hold_settled_ends"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id", "unit"],
            ["wallet.organization_id", "wallet.customer_id", "wallet.unit"],
            name="fk_credit_hold_wallet",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_credit_hold_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_credit_hold")),
    )
    op.create_index(
        "ix_credit_hold_open",
        "credit_hold",
        ["organization_id", "customer_id", "unit"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def create_credit_posting() -> None:
    op.create_table(
        "credit_posting",
        *columns_of_credit_posting(),
        *checks_of_credit_posting(),
        *references_of_credit_posting(),
    )
    op.create_index(
        "ix_credit_posting_hold",
        "credit_posting",
        ["organization_id", "hold_id"],
        unique=False,
        postgresql_where=sa.text("hold_id IS NOT NULL"),
    )
    op.create_index(
        "ix_credit_posting_invoice",
        "credit_posting",
        ["organization_id", "invoice_id"],
        unique=False,
        postgresql_where=sa.text("invoice_id IS NOT NULL"),
    )


def columns_of_credit_posting() -> list[sa.Column[Any]]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("follows", sa.Integer(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("grant_amount", sa.Numeric(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("rest_before", sa.Numeric(), nullable=False),
        sa.Column("rest_after", sa.Numeric(), nullable=False),
        sa.Column("balance_after", sa.Numeric(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("line_position", sa.Integer(), nullable=True),
        sa.Column("credit_note_id", sa.Uuid(), nullable=True),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
    ]


def checks_of_credit_posting() -> list[sa.Constraint]:
    return [
        sa.CheckConstraint(
            "CASE WHEN sequence = 1 THEN follows IS NULL AND rest_before = 0 AND kind = 'granted'"
            " ELSE follows IS NOT NULL AND follows = sequence - 1 AND kind <> 'granted' END",
            name=op.f("ck_credit_posting_chain"),
        ),
        sa.CheckConstraint(
            "CASE kind"
            " WHEN 'granted' THEN amount = grant_amount"
            " WHEN 'returned' THEN amount > 0"
            " WHEN 'released' THEN amount > 0 AND hold_id IS NOT NULL"
            " WHEN 'held' THEN amount < 0 AND hold_id IS NOT NULL"
            " WHEN 'drawn' THEN amount < 0 AND (invoice_id IS NOT NULL OR hold_id IS NOT NULL)"
            " WHEN 'rolled' THEN amount < 0"
            " WHEN 'expired' THEN amount <= 0"
            " WHEN 'refunded' THEN amount <= 0"
            " ELSE false END",
            name=op.f("ck_credit_posting_kind"),
        ),
        sa.CheckConstraint("balance_after >= 0", name=op.f("ck_credit_posting_balance")),
        sa.CheckConstraint(
            "line_position IS NULL OR invoice_id IS NOT NULL", name=op.f("ck_credit_posting_line")
        ),
        sa.CheckConstraint("rest_after = rest_before + amount", name=op.f("ck_credit_posting_sum")),
        sa.CheckConstraint(
            "rest_after BETWEEN 0 AND grant_amount", name=op.f("ck_credit_posting_rest")
        ),
        sa.CheckConstraint(
            "sequence >= 1 AND position >= 1", name=op.f("ck_credit_posting_sequence")
        ),
    ]


def references_of_credit_posting() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["organization_id", "credit_note_id"],
            ["credit_note.organization_id", "credit_note.id"],
            name=op.f("fk_credit_posting_organization_id_credit_note_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "grant_id", "customer_id", "unit", "grant_amount"],
            [
                "credit_grant.organization_id",
                "credit_grant.id",
                "credit_grant.customer_id",
                "credit_grant.unit",
                "credit_grant.amount",
            ],
            name="fk_credit_posting_grant",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "grant_id", "follows", "rest_before"],
            [
                "credit_posting.organization_id",
                "credit_posting.grant_id",
                "credit_posting.sequence",
                "credit_posting.rest_after",
            ],
            name="fk_credit_posting_chain",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "hold_id"],
            ["credit_hold.organization_id", "credit_hold.id"],
            name=op.f("fk_credit_posting_organization_id_hold_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id", "line_position"],
            ["invoice_line.organization_id", "invoice_line.invoice_id", "invoice_line.position"],
            name="fk_credit_posting_line",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoice.organization_id", "invoice.id"],
            name=op.f("fk_credit_posting_organization_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_credit_posting_organization_id")
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "grant_id", "sequence", name=op.f("pk_credit_posting")
        ),
        sa.UniqueConstraint(
            "organization_id", "customer_id", "unit", "position", name="uq_credit_posting_position"
        ),
        sa.UniqueConstraint(
            "organization_id", "grant_id", "sequence", "rest_after", name="uq_credit_posting_rest"
        ),
        sa.UniqueConstraint("organization_id", "key", name="uq_credit_posting_key"),
    ]
