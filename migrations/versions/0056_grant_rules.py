"""Rules that grant credit again and again, and of each grant which occurrence of a rule it is."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0056"
down_revision = "0055"

RANKS: Final = "-- Grants that pay for everything"
"""Where ``place_hold`` begins to rank grants."""

LOOKS_FOR_DUE: Final = """-- A grant that has begun may pay before others; it is stored elsewhere.
            IF EXISTS (
                SELECT FROM credit_grant_rule AS rule
                WHERE rule.organization_id = tenant AND rule.customer_id = named_customer
                    AND rule.unit = named_unit AND rule.kind = 'free' AND rule.next_at <= present
            ) THEN
                outcome := 'some_due';
                RETURN NEXT; RETURN;
            END IF;
            """


def upgrade() -> None:
    op.create_table("credit_grant_rule", *columns_of_rule(), *constraints_of_rule())
    op.create_index(
        "ix_credit_grant_rule_next",
        "credit_grant_rule",
        ["organization_id", "customer_id", "unit", "next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    policies.protect("credit_grant_rule", privileges=("SELECT", "INSERT", "UPDATE"))
    number_grants()
    change_place_hold(RANKS, LOOKS_FOR_DUE + RANKS)


def downgrade() -> None:
    change_place_hold(LOOKS_FOR_DUE + RANKS, RANKS)
    op.drop_constraint("uq_credit_grant_occurrence", "credit_grant")
    op.drop_constraint(op.f("fk_credit_grant_organization_id_rule_id"), "credit_grant")
    op.drop_constraint(op.f("ck_credit_grant_occurrence"), "credit_grant")
    op.drop_column("credit_grant", "occurrence")
    op.drop_column("credit_grant", "rule_id")
    op.drop_table("credit_grant_rule")


def change_place_hold(before: str, after: str) -> None:
    """The function is as it was, but for that part."""
    connection = op.get_bind()
    stood = connection.scalar(sa.text("SELECT pg_get_functiondef('place_hold'::regproc)"))
    assert stood.count(before) == 1, "place_hold is the function that was made before"
    connection.exec_driver_sql(stood.replace(before, after).replace("%", "%%"))


def number_grants() -> None:
    op.add_column("credit_grant", sa.Column("rule_id", sa.Uuid(), nullable=True))
    op.add_column("credit_grant", sa.Column("occurrence", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_credit_grant_occurrence"),
        "credit_grant",
        "(rule_id IS NULL) = (occurrence IS NULL) AND occurrence >= 0",
    )
    op.create_foreign_key(
        op.f("fk_credit_grant_organization_id_rule_id"),
        "credit_grant",
        "credit_grant_rule",
        ["organization_id", "rule_id"],
        ["organization_id", "id"],
    )
    op.create_unique_constraint(
        "uq_credit_grant_occurrence", "credit_grant", ["organization_id", "rule_id", "occurrence"]
    )


def columns_of_rule() -> list[sa.Column[Any]]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cost_amount", sa.Numeric(), nullable=False),
        sa.Column("cost_currency", sa.Text(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("meter_ids", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("charge_ids", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("interval", sa.Text(), nullable=False),
        sa.Column("interval_count", sa.Integer(), nullable=False),
        sa.Column("anchor", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("expires_interval", sa.Text(), nullable=True),
        sa.Column("expires_count", sa.Integer(), nullable=True),
        sa.Column(
            "rollover", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_because", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    ]


def constraints_of_rule() -> list[sa.Constraint]:
    checks = {
        "amount": "amount > 0 AND made >= 0",
        "kind": "kind IN ('paid', 'free')",
        "cost": (
            "CASE kind WHEN 'free' THEN cost_amount = 0 AND cost_currency IS NULL"
            " ELSE cost_amount > 0 AND cost_currency IS NOT NULL END"
        ),
        "priority": "priority BETWEEN 0 AND 100",
        "interval": "interval_count >= 1",
        "expires_after": (
            "(expires_interval IS NULL) = (expires_count IS NULL) AND expires_count >= 1"
        ),
        "rollover": "rollover IS NULL OR expires_count IS NOT NULL",
        "next_at": "ended_at IS NULL OR next_at IS NULL",
        "ended_because": "(ended_at IS NULL) = (ended_because IS NULL)",
    }
    return [
        *(
            sa.CheckConstraint(said, name=op.f(f"ck_credit_grant_rule_{name}"))
            for name, said in checks.items()
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id", "unit"],
            ["wallet.organization_id", "wallet.customer_id", "wallet.unit"],
            name="fk_credit_grant_rule_wallet",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_credit_grant_rule_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_credit_grant_rule")),
    ]
