"""Rules that buy credit as too little is left, and their tries."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    create_credit_top_up_rule()
    create_credit_top_up()
    wake_rules()
    for table in ("credit_top_up_rule", "credit_top_up"):
        policies.protect(table, privileges=("SELECT", "INSERT", "UPDATE"))


def downgrade() -> None:
    op.execute("DROP TRIGGER wake_top_up_rules ON credit_posting")
    op.execute("DROP FUNCTION wake_top_up_rules()")
    op.drop_table("credit_top_up")
    op.drop_table("credit_top_up_rule")


def wake_rules() -> None:
    """Whatever takes credit off a wallet queues a look at its rule, in the same transaction."""
    op.execute(
        """
        CREATE FUNCTION wake_top_up_rules() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN
            INSERT INTO outbox_message
                (organization_id, id, kind, key, payload, created_at, available_at, attempts)
            SELECT rule.organization_id, gen_random_uuid(), 'top_up', rule.id::text,
                jsonb_build_object('rule_id', rule.id), min(posted.booked_at),
                min(posted.booked_at), 0
            FROM posted
            JOIN credit_top_up_rule AS rule ON rule.organization_id = posted.organization_id
                AND rule.customer_id = posted.customer_id AND rule.unit = posted.unit
                AND rule.enabled
            WHERE posted.amount < 0
            GROUP BY rule.organization_id, rule.id
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER wake_top_up_rules AFTER INSERT ON credit_posting
        REFERENCING NEW TABLE AS posted
        FOR EACH STATEMENT EXECUTE FUNCTION wake_top_up_rules()
        """
    )


def create_credit_top_up_rule() -> None:
    op.create_table(
        "credit_top_up_rule",
        *columns_of_rule(),
        *checks_of_rule(),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id", "unit"],
            ["wallet.organization_id", "wallet.customer_id", "wallet.unit"],
            name="fk_credit_top_up_rule_wallet",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_credit_top_up_rule_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_credit_top_up_rule")),
    )
    op.create_index(
        "uq_credit_top_up_rule_enabled",
        "credit_top_up_rule",
        ["organization_id", "customer_id", "unit"],
        unique=True,
        postgresql_where=sa.text("enabled"),
    )


def columns_of_rule() -> list[sa.Column[Any]]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("threshold", sa.Numeric(), nullable=False),
        sa.Column("step", sa.Numeric(), nullable=False),
        sa.Column("target", sa.Numeric(), nullable=True),
        sa.Column("max_count_day", sa.Integer(), nullable=False),
        sa.Column("max_count_month", sa.Integer(), nullable=False),
        sa.Column("max_amount_day", sa.Numeric(), nullable=False),
        sa.Column("max_amount_month", sa.Numeric(), nullable=False),
        sa.Column("price_amount", sa.Numeric(), nullable=True),
        sa.Column("price_currency", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("enabled_by", sa.Text(), nullable=False),
        sa.Column("enabled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enabled_from", sa.Text(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    ]


def checks_of_rule() -> list[sa.Constraint]:
    return [
        sa.CheckConstraint(
            "threshold >= 0 AND step > 0 AND target >= threshold",
            name=op.f("ck_credit_top_up_rule_amounts"),
        ),
        sa.CheckConstraint(
            "max_count_day > 0 AND max_count_month > 0"
            " AND max_amount_day >= step AND max_amount_month >= step",
            name=op.f("ck_credit_top_up_rule_caps"),
        ),
        sa.CheckConstraint(
            "(price_amount IS NULL) = (price_currency IS NULL) AND price_amount > 0",
            name=op.f("ck_credit_top_up_rule_price"),
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_credit_top_up_rule_tries")),
        sa.CheckConstraint(
            "enabled = (disabled_at IS NULL)"
            " AND (disabled_at IS NULL) = (disabled_because IS NULL)"
            " AND disabled_because IN ('person', 'declined')",
            name=op.f("ck_credit_top_up_rule_enabled"),
        ),
    ]


def create_credit_top_up() -> None:
    op.create_table("credit_top_up", *columns_of_try(), *constraints_of_try())
    op.create_index(
        "uq_credit_top_up_open",
        "credit_top_up",
        ["organization_id", "customer_id", "unit"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(
        "ix_credit_top_up_at", "credit_top_up", ["organization_id", "customer_id", "at"]
    )


def columns_of_try() -> list[sa.Column[Any]]:
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    ]


def constraints_of_try() -> list[sa.Constraint]:
    references = (("rule_id", "credit_top_up_rule"), ("grant_id", "credit_grant"))
    return [
        sa.CheckConstraint("amount > 0 AND number >= 1", name=op.f("ck_credit_top_up_amount")),
        sa.CheckConstraint(
            "status IN ('open', 'succeeded', 'failed')", name=op.f("ck_credit_top_up_status")
        ),
        sa.CheckConstraint(
            "(status = 'open') = (settled_at IS NULL)", name=op.f("ck_credit_top_up_settled_at")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column],
                [f"{table}.organization_id", f"{table}.id"],
                name=op.f(f"fk_credit_top_up_organization_id_{column}"),
            )
            for column, table in (*references, ("invoice_id", "invoice"))
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_credit_top_up_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_credit_top_up")),
        sa.UniqueConstraint("organization_id", "rule_id", "number", name="uq_credit_top_up_number"),
        sa.UniqueConstraint("organization_id", "invoice_id", name="uq_credit_top_up_invoice"),
    ]
