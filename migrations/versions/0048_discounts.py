"""Coupons, redemptions and uses, counted under their limits by the database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0048"
down_revision = "0047"

TABLES = ("coupon_redemption", "coupon")
USES = ("invoice_coupon_line", "invoice_coupon")

FORMER_AMOUNTS = (
    "amount_due >= 0 AND amount_paid >= 0 AND carried_credit >= 0 AND granted_credit >= 0"
    " AND credits_before_tax >= 0 AND credits_after_tax >= 0"
)
AMOUNTS = f"{FORMER_AMOUNTS} AND coupons_total >= 0"
FORMER_TOTAL = "total = subtotal - credits_before_tax + tax"
TOTAL = "total = subtotal - coupons_total - credits_before_tax + tax"


def upgrade() -> None:
    create_coupon()
    create_coupon_redemption()
    for table in TABLES:
        policies.protect(table, privileges=("SELECT", "INSERT", "UPDATE"))
    op.add_column(
        "invoice", sa.Column("coupons_total", sa.Numeric(), server_default="0", nullable=False)
    )
    change_checks(total=TOTAL, amounts=AMOUNTS)
    create_invoice_coupon()
    create_invoice_coupon_line()
    policies.protect("invoice_coupon", privileges=("SELECT", "INSERT", "UPDATE", "DELETE"))
    policies.protect("invoice_coupon_line", privileges=("SELECT", "INSERT"))


def downgrade() -> None:
    """Refused where a coupon took something off a bill: its sums would not add up."""
    for table in (*USES, *TABLES):
        op.drop_table(table)
    change_checks(total=FORMER_TOTAL, amounts=FORMER_AMOUNTS)
    op.drop_column("invoice", "coupons_total")


def change_checks(**conditions: str) -> None:
    """Each of these checks of an invoice says something else."""
    for name, condition in conditions.items():
        op.drop_constraint(op.f(f"ck_invoice_{name}"), "invoice")
        op.create_check_constraint(op.f(f"ck_invoice_{name}"), "invoice", condition)


def create_coupon() -> None:
    op.create_table(
        "coupon",
        *columns_of_coupon(),
        *checks_of_coupon(),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_coupon_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_coupon")),
        sa.UniqueConstraint("organization_id", "code", name="uq_coupon_code"),
        sa.UniqueConstraint(
            "organization_id", "id", "redemption_limit", "use_limit", name="uq_coupon_limits"
        ),
    )
    op.create_index("ix_coupon_created", "coupon", ["organization_id", "created_at", "id"])


def columns_of_coupon() -> list[sa.Column[Any]]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("percent", sa.Numeric(), nullable=True),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("plan_ids", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("charge_ids", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("use_limit", sa.Integer(), nullable=False),
        sa.Column("redemption_limit", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    ]


def checks_of_coupon() -> list[sa.Constraint]:
    conditions = {
        "code": "code ~ '^[A-Z0-9][A-Z0-9_-]{0,63}$'",
        "value": "num_nonnulls(percent, amount) = 1",
        "percent": "percent > 0 AND percent <= 100",
        "amount": "amount > 0",
        "currency": "(amount IS NULL) = (currency IS NULL)",
        "scope": "scope IN ('lines', 'plan', 'invoice')",
        "plan_ids": "(scope = 'plan') = (cardinality(plan_ids) > 0)",
        "charge_ids": "(scope = 'lines') = (cardinality(charge_ids) > 0)",
        "limits": "use_limit >= 1 AND redemption_limit >= 1",
    }
    return [
        sa.CheckConstraint(condition, name=op.f(f"ck_coupon_{name}"))
        for name, condition in conditions.items()
    ]


def create_coupon_redemption() -> None:
    op.create_table(
        "coupon_redemption",
        *columns_of_coupon_redemption(),
        *constraints_of_coupon_redemption(),
    )
    op.create_index(
        "ix_coupon_redemption_live",
        "coupon_redemption",
        ["organization_id", "customer_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def columns_of_coupon_redemption() -> list[sa.Column[Any]]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("redemption_limit", sa.Integer(), nullable=False),
        sa.Column("use_limit", sa.Integer(), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    ]


def constraints_of_coupon_redemption() -> list[sa.Constraint]:
    return [
        sa.CheckConstraint(
            "number BETWEEN 1 AND redemption_limit", name=op.f("ck_coupon_redemption_number")
        ),
        sa.CheckConstraint("ended_at >= attached_at", name=op.f("ck_coupon_redemption_ended_at")),
        sa.ForeignKeyConstraint(
            ["organization_id", "coupon_id", "redemption_limit", "use_limit"],
            ["coupon.organization_id", "coupon.id", "coupon.redemption_limit", "coupon.use_limit"],
            name="fk_coupon_redemption_coupon",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customer.organization_id", "customer.id"],
            name=op.f("fk_coupon_redemption_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_coupon_redemption_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_coupon_redemption")),
        sa.UniqueConstraint(
            "organization_id", "coupon_id", "number", name="uq_coupon_redemption_number"
        ),
        sa.UniqueConstraint(
            "organization_id", "customer_id", "coupon_id", name="uq_coupon_redemption_customer"
        ),
        sa.UniqueConstraint(
            "organization_id", "id", "use_limit", name="uq_coupon_redemption_limit"
        ),
    ]


def create_invoice_coupon() -> None:
    op.create_table(
        "invoice_coupon",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("use_limit", sa.Integer(), nullable=False),
        sa.Column("use_number", sa.Integer(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_invoice_coupon_amount")),
        sa.CheckConstraint(
            "use_number BETWEEN 1 AND use_limit", name=op.f("ck_invoice_coupon_use_number")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoice.organization_id", "invoice.id"],
            name=op.f("fk_invoice_coupon_organization_id_invoice_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "redemption_id", "use_limit"],
            [
                "coupon_redemption.organization_id",
                "coupon_redemption.id",
                "coupon_redemption.use_limit",
            ],
            name="fk_invoice_coupon_redemption",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_invoice_coupon_organization_id")
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "invoice_id", "redemption_id", name=op.f("pk_invoice_coupon")
        ),
        sa.UniqueConstraint(
            "organization_id", "redemption_id", "use_number", name="uq_invoice_coupon_use"
        ),
    )
    op.create_index(
        "ix_invoice_coupon_used",
        "invoice_coupon",
        ["organization_id", "redemption_id"],
        postgresql_where=sa.text("use_number IS NOT NULL"),
    )


def create_invoice_coupon_line() -> None:
    op.create_table(
        "invoice_coupon_line",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("line_position", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_invoice_coupon_line_amount")),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id", "redemption_id"],
            [
                "invoice_coupon.organization_id",
                "invoice_coupon.invoice_id",
                "invoice_coupon.redemption_id",
            ],
            name="fk_invoice_coupon_line_coupon",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id", "line_position"],
            ["invoice_line.organization_id", "invoice_line.invoice_id", "invoice_line.position"],
            name="fk_invoice_coupon_line_line",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_invoice_coupon_line_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "invoice_id",
            "redemption_id",
            "line_position",
            name=op.f("pk_invoice_coupon_line"),
        ),
    )
