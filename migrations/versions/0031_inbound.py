"""What passes between gateways and the books: links, methods, events, disputes, and tasks."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0031"
down_revision = "0030"

TABLES = ("gateway_task", "dispute", "gateway_event", "payment_method", "payment_link")


def upgrade() -> None:
    add_former_secrets()
    add_surplus_payments()
    create_payment_link()
    create_payment_method()
    create_gateway_event()
    create_dispute()
    create_gateway_task()
    tell_of_tasks()
    # Whoever asks gateways finds what waits in all organizations by index.
    condition = "status = {value}"
    policies.allow_lookup("gateway_task", setting="task_status", condition=condition)
    policies.allow_lookup_locks("gateway_task", setting="task_status", condition=condition)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION notify_gateway_tasks()")
    op.drop_constraint(op.f("ck_organization_surplus_payments"), "organization")
    op.drop_column("organization", "surplus_payments")
    op.drop_constraint(op.f("ck_connection_former_secrets"), "connection")
    for name in ("sealed_former_secrets", "former_until"):
        op.drop_column("connection", name)


def add_former_secrets() -> None:
    """What was rotated away still proves webhooks for a day."""
    op.add_column("connection", sa.Column("sealed_former_secrets", sa.Text(), nullable=True))
    op.add_column("connection", instant("former_until", nullable=True))
    op.create_check_constraint(
        op.f("ck_connection_former_secrets"),
        "connection",
        "(sealed_former_secrets IS NULL) = (former_until IS NULL)",
    )


def add_surplus_payments() -> None:
    op.add_column(
        "organization",
        sa.Column("surplus_payments", sa.Text(), nullable=False, server_default="credit"),
    )
    op.create_check_constraint(
        op.f("ck_organization_surplus_payments"),
        "organization",
        "surplus_payments IN ('credit', 'refund')",
    )


def create_payment_link() -> None:
    create_tenant_table(
        "payment_link",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        instant("expires_at", nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        instant("created_at"),
        instant("closed_at", nullable=True),
        sa.UniqueConstraint(
            "organization_id", "invoice_id", "sequence", name="uq_payment_link_sequence"
        ),
        references={"invoice": "invoice", "connection": "connection"},
        checks={
            "amount": "amount > 0",
            "sequence": "sequence >= 1",
            "status": "status IN ('making', 'open', 'closed')",
            "open": "status <> 'open' OR (reference IS NOT NULL AND url IS NOT NULL)",
            "closed_at": "(status = 'closed') = (closed_at IS NOT NULL)",
        },
    )
    # Never two pages on which one invoice can be paid: the second is not even written.
    op.create_index(
        "uq_payment_link_live",
        "payment_link",
        ["organization_id", "invoice_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    policies.protect("payment_link", privileges=("SELECT", "INSERT", "UPDATE"))


def create_payment_method() -> None:
    create_tenant_table(
        "payment_method",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("customer_reference", sa.Text(), nullable=False),
        sa.Column("method_reference", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("is_usable", sa.Boolean(), nullable=False),
        instant("created_at"),
        instant("updated_at"),
        sa.UniqueConstraint(
            "organization_id", "customer_id", "connection_id", name="uq_payment_method_customer"
        ),
        references={"customer": "customer", "connection": "connection"},
        checks={},
    )
    policies.protect("payment_method", privileges=("SELECT", "INSERT", "UPDATE", "DELETE"))


def create_gateway_event() -> None:
    create_tenant_table(
        "gateway_event",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        instant("received_at"),
        instant("processed_at", nullable=True),
        sa.UniqueConstraint(
            "organization_id", "connection_id", "event_id", name="uq_gateway_event_event_id"
        ),
        references={"connection": "connection", "invoice": "invoice", "payment": "payment"},
        checks={
            "status": "status IN ('received', 'processed', 'ignored', 'needs_attention')",
            "processed_at": "(status = 'received') = (processed_at IS NULL)",
            "reason": "status IN ('received', 'processed') OR reason IS NOT NULL",
        },
    )
    op.create_index(
        "ix_gateway_event_listed", "gateway_event", ["organization_id", "received_at", "id"]
    )
    op.create_index(
        "ix_gateway_event_attention",
        "gateway_event",
        ["organization_id", "received_at", "id"],
        postgresql_where=sa.text("status = 'needs_attention'"),
    )
    policies.protect("gateway_event", privileges=("SELECT", "INSERT", "UPDATE"))


def create_dispute() -> None:
    create_tenant_table(
        "dispute",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        instant("at"),
        instant("updated_at"),
        sa.UniqueConstraint(
            "organization_id", "connection_id", "reference", name="uq_dispute_reference"
        ),
        references={"payment": "payment", "connection": "connection", "refund": "refund"},
        checks={"amount": "amount > 0"},
    )
    op.create_index("ix_dispute_payment", "dispute", ["organization_id", "payment_id"])
    policies.protect("dispute", privileges=("SELECT", "INSERT", "UPDATE"))


def create_gateway_task() -> None:
    create_tenant_table(
        "gateway_task",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        instant("next_attempt_at", nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        instant("created_at"),
        sa.UniqueConstraint("organization_id", "kind", "subject_id", name="uq_gateway_task_key"),
        references={"connection": "connection"},
        checks={
            "kind": "kind IN ('open_link', 'renew_link', 'close_link', 'refund', 'event')",
            "status": "status IN ('pending', 'done', 'failed')",
            "due": "(status = 'pending') = (next_attempt_at IS NOT NULL)",
            "attempts": "attempts >= 0",
        },
    )
    due = sa.text("status = 'pending'")
    op.create_index(
        "ix_gateway_task_due",
        "gateway_task",
        ["connection_id", "next_attempt_at", "id"],
        postgresql_where=due,
    )
    op.create_index(
        "ix_gateway_task_next", "gateway_task", ["next_attempt_at"], postgresql_where=due
    )
    policies.protect("gateway_task", privileges=("SELECT", "INSERT", "UPDATE"))


def tell_of_tasks() -> None:
    """The commit that queues tasks tells whoever asks gateways, once, whatever statement does."""
    op.execute(
        """
        CREATE FUNCTION notify_gateway_tasks() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN
            PERFORM pg_notify('fluxrate_outbox', 'gateway_task') FROM queued LIMIT 1;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER notify_queued AFTER INSERT ON gateway_task REFERENCING NEW TABLE AS queued
        FOR EACH STATEMENT EXECUTE FUNCTION notify_gateway_tasks()
        """
    )


def create_tenant_table(
    name: str,
    *columns: sa.Column[object] | sa.Constraint,
    references: Mapping[str, str],
    checks: Mapping[str, str],
) -> None:
    op.create_table(
        name,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        *(sa.CheckConstraint(sql, name=op.f(f"ck_{name}_{key}")) for key, sql in checks.items()),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f(f"pk_{name}")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f(f"fk_{name}_organization_id")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", f"{noun}_id"],
                [f"{table}.organization_id", f"{table}.id"],
                name=op.f(f"fk_{name}_organization_id_{noun}_id"),
            )
            for noun, table in references.items()
        ),
    )


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of an aware instant."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
