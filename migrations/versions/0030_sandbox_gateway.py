"""The books of the sandbox gateway, in a schema of their own as those of another house."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0030"
down_revision = "0029"

SCHEMA = "sandbox_gateway"
EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE")


def upgrade() -> None:
    op.execute(f"CREATE SCHEMA {SCHEMA}")
    op.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {policies.APPLICATION_ROLE}")
    create_accounts()
    create_payments()
    create_refunds()
    create_what_is_told()


def downgrade() -> None:
    op.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def create_accounts() -> None:
    create(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        text("key_hash"),
        text("webhook_secret"),
        text("webhook_url"),
        instant("created_at"),
        primary("account", "id"),
        belongs=False,
    )
    create(
        "customer",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        text("method_reference"),
        text("outcome"),
        sa.Column("declined_count", sa.Integer(), nullable=False, server_default="0"),
        instant("updated_at"),
        primary("customer", "account_id", "customer_id"),
        sa.UniqueConstraint("method_reference", name="uq_customer_method_reference"),
        check(
            "customer",
            "outcome",
            "outcome IN ('success', 'failure', 'declined_for_good', 'pending', 'unknown')",
        ),
    )
    create(
        "fault_plan",
        text("subject"),
        text("faults"),
        primary("fault_plan", "account_id", "subject"),
    )


def create_payments() -> None:
    create(
        "link",
        text("id"),
        text("token"),
        *invoiced("organization_id", "invoice_id", "customer_id"),
        text("invoice_number"),
        text("return_url", nullable=True),
        instant("expired_at", nullable=True),
        instant("created_at"),
        primary("link", "id"),
        sa.UniqueConstraint("token", name="uq_link_token"),
        check("link", "amount_minor", "amount_minor > 0"),
    )
    create(
        "payment",
        text("id"),
        text("link_id", nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False, server_default="0"),
        text("key", nullable=True),
        *invoiced("organization_id", "invoice_id", "customer_id"),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False, server_default="0"),
        text("status"),
        text("method_reference", nullable=True),
        text("error_code", nullable=True),
        text("error", nullable=True),
        flag("is_declined_for_good"),
        instant("resolves_at", nullable=True),
        instant("created_at"),
        instant("at"),
        primary("payment", "id"),
        refers("payment", "link"),
        sa.UniqueConstraint("account_id", "key", name="uq_payment_key"),
        check("payment", "amount_minor", "amount_minor > 0"),
        check("payment", "refunded_minor", "refunded_minor BETWEEN 0 AND amount_minor"),
        check("payment", "refunded", "refunded_minor = 0 OR status = 'succeeded'"),
        check("payment", "status", "status IN ('pending', 'succeeded', 'failed')"),
        check("payment", "resolves_at", "(status = 'pending') = (resolves_at IS NOT NULL)"),
    )
    index("uq_payment_link", "payment", "link_id", "turn", unique=True, where="status <> 'failed'")
    index("ix_payment_listed", "payment", "link_id", "created_at")
    index("ix_payment_resolves_at", "payment", "resolves_at", where="status = 'pending'")


def create_refunds() -> None:
    create(
        "refund",
        text("id"),
        text("payment_id"),
        text("key"),
        *invoiced(),
        text("status"),
        text("error", nullable=True),
        instant("at"),
        primary("refund", "id"),
        refers("refund", "payment"),
        sa.UniqueConstraint("account_id", "key", name="uq_refund_key"),
        check("refund", "amount_minor", "amount_minor > 0"),
        check("refund", "status", "status IN ('succeeded', 'failed')"),
    )
    create(
        "dispute",
        text("id"),
        text("payment_id"),
        text("status"),
        text("reason", nullable=True),
        instant("at"),
        primary("dispute", "id"),
        refers("dispute", "payment"),
        sa.UniqueConstraint("payment_id", name="uq_dispute_payment_id"),
        check("dispute", "status", "status IN ('open', 'won', 'lost')"),
    )


def create_what_is_told() -> None:
    create(
        "answer",
        text("key"),
        text("request_hash"),
        text("body"),
        instant("created_at"),
        primary("answer", "account_id", "key"),
    )
    create(
        "webhook",
        sa.Column("id", sa.Uuid(), nullable=False),
        text("event_id"),
        text("body"),
        flag("is_forged"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        instant("due_at", nullable=True),
        instant("created_at"),
        primary("webhook", "id"),
    )
    index("ix_webhook_due_at", "webhook", "due_at", where="due_at IS NOT NULL")


def create(table: str, *parts: sa.Column[object] | sa.Constraint, belongs: bool = True) -> None:
    """A table, of an account unless it is that itself, which the application writes."""
    of_account = (
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], [f"{SCHEMA}.account.id"], name=op.f(f"fk_{table}_account_id")
        ),
    )
    op.create_table(table, *(of_account if belongs else ()), *parts, schema=SCHEMA)
    policies.grant(f"{SCHEMA}.{table}", EVERYTHING)


def text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of a text."""
    return sa.Column(name, sa.Text(), nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of an aware instant."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def flag(name: str) -> sa.Column[object]:
    """A column that is false unless it is said."""
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("false"))


def invoiced(*ids: str) -> list[sa.Column[object]]:
    """The columns of an amount of an invoice."""
    columns: list[sa.Column[object]] = [sa.Column(name, sa.Uuid(), nullable=False) for name in ids]
    return [*columns, sa.Column("amount_minor", sa.BigInteger(), nullable=False), text("currency")]


def primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    """The key of a table."""
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def refers(table: str, other: str) -> sa.ForeignKeyConstraint:
    """That a row names one of another table."""
    return sa.ForeignKeyConstraint(
        [f"{other}_id"], [f"{SCHEMA}.{other}.id"], name=op.f(f"fk_{table}_{other}_id")
    )


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    """A promise about each row."""
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def index(
    name: str, table: str, *columns: str, unique: bool = False, where: str | None = None
) -> None:
    """An index, of some of the rows if it says which."""
    op.create_index(
        name,
        table,
        list(columns),
        unique=unique,
        schema=SCHEMA,
        postgresql_where=None if where is None else sa.text(where),
    )
