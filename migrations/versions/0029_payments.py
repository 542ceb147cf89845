"""Payments, refunds and connections to gateways; what is paid is posted on customers' accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0029"
down_revision = "0028"

FORMER_KINDS = ("opened", "carried", "granted", "returned", "credited")
KINDS = (
    *FORMER_KINDS,
    "paid",
    "applied",
    "unapplied",
    "refunded",
    "refund_failed",
    "written_off",
    "restored",
    "recovered",
)
MOVED = ("account_posting", "credit_note", "customer_account", "invoice", "payment")


def upgrade() -> None:
    create_connection()
    create_payment()
    create_payment_reference()
    create_refund()
    extend_postings()
    extend_invoices()
    with policies.unforced(MOVED):
        split_what_is_due()
        move_payments()
        post_write_offs()
    bind_what_is_due()


def downgrade() -> None:
    op.drop_constraint(op.f("ck_invoice_due"), "invoice")
    for name in ("amount_credited", "amount_refunded", "payment_link"):
        op.drop_column("invoice", name)
    for name in ("payment_id", "refund_id"):
        op.drop_column("account_posting", name)
    # Refused where something was paid: nobody forgets money by going back a step.
    op.drop_constraint(op.f("ck_account_posting_kind"), "account_posting")
    limit_postings(FORMER_KINDS)
    for table in ("refund", "payment_reference", "payment", "connection"):
        op.drop_table(table)


def create_connection() -> None:
    create_tenant_table(
        "connection",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed_secrets", sa.Text(), nullable=True),
        instant("created_at"),
        instant("deleted_at", nullable=True),
        checks={"provider": "provider IN ('sandbox', 'stripe', 'razorpay')"},
    )
    op.create_index(
        "ix_connection_live",
        "connection",
        ["organization_id", "created_at", "id"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    policies.protect("connection", privileges=("SELECT", "INSERT", "UPDATE"))


def create_payment() -> None:
    create_tenant_table(
        "payment",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("is_declined_for_good", sa.Boolean(), nullable=False),
        sa.Column("applied_amount", sa.Numeric(), nullable=False),
        sa.Column("refunded_amount", sa.Numeric(), nullable=False),
        instant("at"),
        instant("settled_at", nullable=True),
        instant("created_at"),
        sa.UniqueConstraint("organization_id", "invoice_id", "attempt", name="uq_payment_attempt"),
        sa.UniqueConstraint("organization_id", "idempotency_key", name="uq_payment_key"),
        references={"invoice": "invoice", "customer": "customer", "connection": "connection"},
        checks={
            "amount": "amount > 0",
            "attempt": "attempt >= 1",
            "kind": "kind IN ('manual', 'link', 'saved_method')",
            "connection": "(kind = 'manual') = (connection_id IS NULL)",
            "status": "status IN ('pending', 'succeeded', 'failed')",
            "settled_at": "(status = 'pending') = (settled_at IS NULL)",
            "applied": "applied_amount >= 0 AND refunded_amount >= 0"
            " AND applied_amount + refunded_amount <= amount",
            "moves_nothing": "status = 'succeeded' OR applied_amount + refunded_amount = 0",
        },
    )
    # Never two charges of ours in flight: the second is not even written.
    op.create_index(
        "uq_payment_in_flight",
        "payment",
        ["organization_id", "invoice_id"],
        unique=True,
        postgresql_where=sa.text("status = 'pending' AND kind = 'saved_method'"),
    )
    op.create_index("ix_payment_customer", "payment", ["organization_id", "customer_id", "at"])
    op.create_index("ix_payment_listed", "payment", ["organization_id", "at", "id"])
    policies.protect("payment", privileges=("SELECT", "INSERT", "UPDATE"))


def create_payment_reference() -> None:
    """All names that a gateway has for a payment, so that none is recorded twice."""
    op.create_table(
        "payment_reference",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id", "connection_id", "reference", name=op.f("pk_payment_reference")
        ),
        *tenant_constraints(
            "payment_reference", {"connection": "connection", "payment": "payment"}
        ),
    )
    op.create_index(
        "ix_payment_reference_payment", "payment_reference", ["organization_id", "payment_id"]
    )
    policies.protect("payment_reference", privileges=("SELECT", "INSERT"))


def create_refund() -> None:
    create_tenant_table(
        "refund",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("from_invoice", sa.Numeric(), nullable=False),
        sa.Column("from_credit", sa.Numeric(), nullable=False),
        sa.Column("against_notes", sa.Numeric(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        instant("at"),
        instant("settled_at", nullable=True),
        instant("created_at"),
        sa.UniqueConstraint("organization_id", "payment_id", "sequence", name="uq_refund_sequence"),
        sa.UniqueConstraint("organization_id", "idempotency_key", name="uq_refund_key"),
        sa.UniqueConstraint(
            "organization_id", "payment_id", "reference", name="uq_refund_reference"
        ),
        references={"payment": "payment"},
        checks={
            "amount": "amount > 0 AND from_invoice >= 0 AND from_credit >= 0"
            " AND amount = from_invoice + from_credit",
            "against_notes": "against_notes BETWEEN 0 AND from_invoice",
            "kind": "kind IN ('refund', 'dispute')",
            "status": "status IN ('pending', 'succeeded', 'failed')",
            "settled_at": "(status = 'pending') = (settled_at IS NULL)",
        },
    )
    policies.protect("refund", privileges=("SELECT", "INSERT", "UPDATE"))


def extend_postings() -> None:
    op.drop_constraint(op.f("ck_account_posting_kind"), "account_posting")
    limit_postings(KINDS)
    for noun in ("payment", "refund"):
        op.add_column("account_posting", sa.Column(f"{noun}_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_account_posting_organization_id_{noun}_id"),
            "account_posting",
            noun,
            ["organization_id", f"{noun}_id"],
            ["organization_id", "id"],
        )


def limit_postings(kinds: Sequence[str]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(
        op.f("ck_account_posting_kind"), "account_posting", f"kind IN ({listed})"
    )


def extend_invoices() -> None:
    for name in ("amount_credited", "amount_refunded"):
        op.add_column("invoice", sa.Column(name, sa.Numeric(), nullable=False, server_default="0"))
    op.add_column("invoice", sa.Column("payment_link", sa.Text(), nullable=True))


def split_what_is_due() -> None:
    """What is neither due nor paid of a final invoice was credited by notes."""
    op.execute(
        """
        UPDATE invoice SET amount_credited = total - amount_paid - amount_due
        WHERE status IN ('OPEN', 'PAID', 'UNCOLLECTIBLE')
            AND total - amount_paid - amount_due <> 0
        """
    )


def move_payments() -> None:
    """Each invoice that was paid has its payment, and the account says so."""
    op.execute(
        """
        INSERT INTO payment (organization_id, id, invoice_id, customer_id, attempt, kind, amount,
            currency, status, idempotency_key, is_declined_for_good, applied_amount,
            refunded_amount, at, settled_at, created_at)
        SELECT organization_id, gen_random_uuid(), id, customer_id, 1, 'manual', amount_paid,
            currency, 'succeeded', id || '/1', false, amount_paid, 0, paid_at, paid_at, paid_at
        FROM invoice WHERE status = 'PAID' AND amount_paid > 0
        """
    )
    post_pairs(
        """
        SELECT organization_id, customer_id, currency, id AS payment_id, invoice_id,
            'paid/' || id AS first_key, 'paid' AS first_kind,
            'applied/' || id AS second_key, 'applied' AS second_kind, amount, at
        FROM payment
        """
    )


def post_write_offs() -> None:
    """What an uncollectible invoice is due stands as written off since somebody said so."""
    post_pairs(
        """
        SELECT organization_id, customer_id, currency, CAST(NULL AS uuid) AS payment_id,
            id AS invoice_id, 'written_off/' || id AS first_key, 'written_off' AS first_kind,
            'applied/' || id AS second_key, 'applied' AS second_kind, amount_due AS amount,
            coalesce(CAST(meta_data ->> 'status_change_timestamp' AS timestamptz), due_date) AS at
        FROM invoice WHERE status = 'UNCOLLECTIBLE' AND amount_due > 0
        """
    )


def post_pairs(pairs: str) -> None:
    """Two postings for each of these, which leave the balance as it was: what comes in goes out."""
    op.execute(
        f"""
        INSERT INTO customer_account (organization_id, customer_id, currency)
        SELECT DISTINCT organization_id, customer_id, currency FROM ({pairs}) AS pair
        ON CONFLICT DO NOTHING
        """  # noqa: S608  (made of the constants of this file)
    )
    op.execute(
        f"""
        WITH pair AS (
            -- Behind the last posting of its account, in order, two places for each.
            SELECT pair.*, coalesce(last.balance_after, 0) AS balance,
                coalesce(last.sequence, 0) - 1 + 2 * row_number() OVER (
                    PARTITION BY pair.organization_id, pair.customer_id, pair.currency
                    ORDER BY pair.at, pair.first_key
                ) AS place
            FROM ({pairs}) AS pair
            LEFT JOIN LATERAL (
                SELECT sequence, balance_after FROM account_posting AS posting
                WHERE posting.organization_id = pair.organization_id
                    AND posting.customer_id = pair.customer_id
                    AND posting.currency = pair.currency
                ORDER BY sequence DESC LIMIT 1
            ) AS last ON true
        )
        INSERT INTO account_posting (organization_id, customer_id, currency, sequence, follows,
            key, kind, amount, balance_before, balance_after, invoice_id, payment_id, at,
            created_at)
        SELECT organization_id, customer_id, currency, place, nullif(place - 1, 0), first_key,
            first_kind, amount, balance, balance + amount, invoice_id, payment_id, at, at
        FROM pair
        UNION ALL
        SELECT organization_id, customer_id, currency, place + 1, place, second_key,
            second_kind, -amount, balance + amount, balance, invoice_id, payment_id, at, at
        FROM pair
        """  # noqa: S608  (made of the constants of this file)
    )


def bind_what_is_due() -> None:
    """What is due of a final invoice is what it billed less what was given and paid."""
    op.create_check_constraint(
        op.f("ck_invoice_due"),
        "invoice",
        "amount_credited >= 0 AND amount_refunded >= 0 AND amount_refunded <= amount_paid"
        " AND (status IN ('DRAFT', 'VOID')"
        " OR amount_due = total - amount_credited - amount_paid + amount_refunded)",
    )


def create_tenant_table(
    name: str,
    *columns: sa.Column[object] | sa.Constraint,
    references: Mapping[str, str] | None = None,
    checks: Mapping[str, str],
) -> None:
    op.create_table(
        name,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        *(sa.CheckConstraint(sql, name=op.f(f"ck_{name}_{key}")) for key, sql in checks.items()),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f(f"pk_{name}")),
        *tenant_constraints(name, references or {}),
    )


def tenant_constraints(name: str, references: Mapping[str, str]) -> list[sa.Constraint]:
    """Whose the rows are, and that what they point to is of the same organization."""
    return [
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
    ]


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of an aware instant."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
