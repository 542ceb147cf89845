"""Corrections that follow dependencies, the customer's account, invoices that are issued again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0009"
down_revision = "0008"

READ_BY_THE_MOVE = (
    "billing_run",
    "credit_note",
    "credit_note_line",
    "invoice",
    "invoice_line",
    "subscription",
    "subscription_period",
    "usage_correction",
    "usage_event",
)
"""Tables that hide their rows from everybody who names no organization, their owner included."""

PERIOD_STATUSES = "'open', 'closed', 'drafted', 'final', 'parked', 'skipped'"


def upgrade() -> None:
    """Create the tables, and move what stands today into them."""
    change_invoice()
    change_period_statuses(f"{PERIOD_STATUSES}, 'unbilled', 'void'")
    change_credit_note_kinds("'manual', 'late_usage', 'carried_credit'")
    create_late_usage_mark()
    create_correction_part()
    create_customer_account()
    create_account_posting()
    move_what_stands()
    for table in ("correction_part", "customer_account", "account_posting"):
        policies.protect(table, privileges=("SELECT", "INSERT"))
    policies.grant("customer_account", ("UPDATE",))  # what a row lock asks for
    policies.grant("correction_part", ("DELETE",))  # with the lines of a draft
    policies.protect("late_usage_mark", privileges=("SELECT", "INSERT", "UPDATE", "DELETE"))
    op.drop_column("subscription_period", "settled_watermark")


def downgrade() -> None:
    op.add_column(
        "subscription_period", sa.Column("settled_watermark", sa.BigInteger(), nullable=True)
    )
    for table in ("account_posting", "customer_account", "correction_part", "late_usage_mark"):
        op.drop_table(table)
    change_credit_note_kinds("'manual', 'late_usage'")
    change_period_statuses(PERIOD_STATUSES)
    op.drop_constraint(op.f("ck_invoice_forgiven"), "invoice")
    op.drop_constraint("uq_invoice_reissue", "invoice")
    op.drop_index("ix_invoice_period", table_name="invoice")
    op.drop_index("uq_invoice_period", table_name="invoice")
    op.create_unique_constraint(
        "uq_invoice_period",
        "invoice",
        ["organization_id", "subscription_id", "period_index", "kind"],
    )
    op.drop_column("invoice", "reissue_of")
    change_amounts("carried_credit >= 0")
    op.drop_column("invoice", "granted_credit")
    op.drop_column("invoice", "is_forgiven")


def change_invoice() -> None:
    op.add_column(
        "invoice",
        sa.Column("is_forgiven", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.alter_column("invoice", "is_forgiven", server_default=None)
    op.add_column(
        "invoice",
        sa.Column("granted_credit", sa.Numeric(), nullable=False, server_default="0"),
    )
    op.alter_column("invoice", "granted_credit", server_default=None)
    change_amounts("carried_credit >= 0 AND granted_credit >= 0")
    op.add_column("invoice", sa.Column("reissue_of", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_invoice_organization_id_reissue_of"),
        "invoice",
        "invoice",
        ["organization_id", "reissue_of"],
        ["organization_id", "id"],
    )
    op.create_check_constraint(
        op.f("ck_invoice_forgiven"), "invoice", "NOT is_forgiven OR status = 'VOID'"
    )
    op.create_unique_constraint("uq_invoice_reissue", "invoice", ["organization_id", "reissue_of"])
    op.drop_constraint("uq_invoice_period", "invoice")
    op.create_index(
        "uq_invoice_period",
        "invoice",
        ["organization_id", "subscription_id", "period_index", "kind"],
        unique=True,
        postgresql_where=sa.text("status <> 'VOID'"),
    )
    op.create_index(
        "ix_invoice_period", "invoice", ["organization_id", "subscription_id", "period_index"]
    )


def change_amounts(of_credit: str) -> None:
    name = op.f("ck_invoice_amounts")
    op.drop_constraint(name, "invoice")
    op.create_check_constraint(
        name, "invoice", f"amount_due >= 0 AND amount_paid >= 0 AND {of_credit}"
    )


def change_period_statuses(statuses: str) -> None:
    name = op.f("ck_subscription_period_status")
    op.drop_constraint(name, "subscription_period")
    op.create_check_constraint(name, "subscription_period", f"status IN ({statuses})")


def change_credit_note_kinds(kinds: str) -> None:
    name = op.f("ck_credit_note_kind")
    op.drop_constraint(name, "credit_note")
    op.create_check_constraint(name, "credit_note", f"kind IN ({kinds})")


def create_late_usage_mark() -> None:
    op.create_table(
        "late_usage_mark",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("period_index", sa.Integer(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscription.organization_id", "subscription.id"],
            name=op.f("fk_late_usage_mark_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_late_usage_mark_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "subscription_id",
            "period_index",
            name=op.f("pk_late_usage_mark"),
        ),
    )
    op.create_index(
        "ix_late_usage_mark_marked", "late_usage_mark", ["organization_id", "marked_at"]
    )


def create_correction_part() -> None:
    op.create_table(
        "correction_part",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("period_index", sa.Integer(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("credit_note_id", sa.Uuid(), nullable=True),
        sa.Column("is_by_hand", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_correction_part_amount")),
        sa.CheckConstraint(
            "NOT is_by_hand OR credit_note_id IS NOT NULL",
            name=op.f("ck_correction_part_by_hand"),
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column],
                [f"{table}.organization_id", f"{table}.id"],
                name=op.f(f"fk_correction_part_organization_id_{column}"),
                ondelete=ondelete,
            )
            for column, table, ondelete in (
                ("subscription_id", "subscription", None),
                ("invoice_id", "invoice", "CASCADE"),
                ("line_id", "invoice_line", "CASCADE"),
                ("credit_note_id", "credit_note", None),
            )
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_correction_part_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_correction_part")),
    )
    for name, columns in (
        ("period", ["organization_id", "subscription_id", "period_index"]),
        ("line", ["organization_id", "line_id"]),
        ("invoice", ["organization_id", "invoice_id"]),
    ):
        op.create_index(f"ix_correction_part_{name}", "correction_part", columns)


def create_customer_account() -> None:
    op.create_table(
        "customer_account",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customer.organization_id", "customer.id"],
            name=op.f("fk_customer_account_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_customer_account_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "customer_id", "currency", name=op.f("pk_customer_account")
        ),
    )


def create_account_posting() -> None:
    op.create_table(
        "account_posting",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("follows", sa.Integer(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("balance_before", sa.Numeric(), nullable=False),
        sa.Column("balance_after", sa.Numeric(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("credit_note_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "balance_after = balance_before + amount", name=op.f("ck_account_posting_sum")
        ),
        sa.CheckConstraint("balance_after >= 0", name=op.f("ck_account_posting_balance")),
        sa.CheckConstraint(
            "amount <> 0 OR kind = 'opened'", name=op.f("ck_account_posting_amount")
        ),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_account_posting_sequence")),
        sa.CheckConstraint(
            "CASE WHEN sequence = 1 THEN follows IS NULL AND balance_before = 0"
            " ELSE follows IS NOT NULL AND follows = sequence - 1 END",
            name=op.f("ck_account_posting_chain"),
        ),
        sa.CheckConstraint(
            "kind IN ('opened', 'carried', 'granted', 'returned', 'credited')",
            name=op.f("ck_account_posting_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id", "currency"],
            [
                "customer_account.organization_id",
                "customer_account.customer_id",
                "customer_account.currency",
            ],
            name="fk_account_posting_account",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id", "currency", "follows", "balance_before"],
            [
                "account_posting.organization_id",
                "account_posting.customer_id",
                "account_posting.currency",
                "account_posting.sequence",
                "account_posting.balance_after",
            ],
            name="fk_account_posting_chain",
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column],
                [f"{table}.organization_id", f"{table}.id"],
                name=op.f(f"fk_account_posting_organization_id_{column}"),
            )
            for column, table in (("invoice_id", "invoice"), ("credit_note_id", "credit_note"))
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_account_posting_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "customer_id",
            "currency",
            "sequence",
            name=op.f("pk_account_posting"),
        ),
        sa.UniqueConstraint(
            "organization_id",
            "customer_id",
            "currency",
            "sequence",
            "balance_after",
            name="uq_account_posting_balance",
        ),
        sa.UniqueConstraint("organization_id", "key", name="uq_account_posting_key"),
    )
    op.create_index(
        "ix_account_posting_invoice", "account_posting", ["organization_id", "invoice_id"]
    )


def move_what_stands() -> None:
    """What old rows know of corrections and of carried credit is said in the new tables."""
    with policies.unforced(READ_BY_THE_MOVE):
        mark_changed_periods()
        split_late_lines()
        split_credit_notes()
        open_accounts()


def mark_changed_periods() -> None:
    """Final periods with late events or corrections above what was billed are to be rated again."""
    op.execute(
        """
        INSERT INTO late_usage_mark (organization_id, subscription_id, period_index, marked_at)
        SELECT period.organization_id, period.subscription_id, period.index, now()
        FROM subscription_period AS period
        JOIN subscription ON subscription.organization_id = period.organization_id
            AND subscription.id = period.subscription_id
        WHERE period.status = 'final' AND (
            EXISTS (
                SELECT FROM usage_event AS event
                WHERE event.organization_id = period.organization_id
                    AND event.customer_id = subscription.customer_id AND event.late
                    AND event.timestamp >= period.starts_at AND event.timestamp < period.ends_at
                    AND event.arrival_sequence > coalesce(period.settled_watermark, 0)
            ) OR EXISTS (
                SELECT FROM usage_correction AS correction
                WHERE correction.organization_id = period.organization_id
                    AND correction.customer_id = subscription.customer_id
                    AND correction.timestamp >= period.starts_at
                    AND correction.timestamp < period.ends_at
                    AND correction.arrival_sequence > coalesce(period.settled_watermark, 0)
            )
        )
        """
    )
    op.execute(
        """
        UPDATE subscription_period AS period SET status = 'void'
        FROM invoice
        WHERE invoice.organization_id = period.organization_id
            AND invoice.subscription_id = period.subscription_id
            AND invoice.period_index = period.index AND invoice.kind = 'period'
            AND invoice.status = 'VOID' AND period.status = 'final'
        """
    )


def split_late_lines() -> None:
    """A late line of old does not say which charges it corrects: all of it is the first one's."""
    op.execute(
        """
        INSERT INTO correction_part (organization_id, id, subscription_id, period_index, charge_id,
            invoice_id, line_id, is_by_hand, amount)
        SELECT line.organization_id, gen_random_uuid(), period.subscription_id, period.index,
            charge.id, invoice.id, line.id, false, line.line_total
        FROM invoice_line AS line
        JOIN invoice ON invoice.organization_id = line.organization_id
            AND invoice.id = line.invoice_id
        JOIN subscription_period AS period ON period.organization_id = line.organization_id
            AND period.subscription_id = invoice.subscription_id
            AND period.starts_at = line.period_start AND period.ends_at = line.period_end
        JOIN LATERAL (
            SELECT (step.content -> 0 ->> 'charge_id')::uuid AS id
            FROM billing_run AS step
            WHERE step.organization_id = period.organization_id
                AND step.subscription_id = period.subscription_id
                AND step.period_index = period.index AND step.step = 'evidence'
            ORDER BY step.revision DESC LIMIT 1
        ) AS charge ON charge.id IS NOT NULL
        WHERE line.type = 'late_usage' AND line.line_total <> 0
        """
    )


def split_credit_notes() -> None:
    """Credit notes name lines, and a period's lines name their charges."""
    op.execute(
        """
        INSERT INTO correction_part (organization_id, id, subscription_id, period_index, charge_id,
            invoice_id, line_id, credit_note_id, is_by_hand, amount)
        SELECT given.organization_id, gen_random_uuid(), invoice.subscription_id,
            invoice.period_index, line.charge_id, invoice.id, line.id, note.id,
            note.kind = 'manual', -given.amount
        FROM credit_note_line AS given
        JOIN credit_note AS note ON note.organization_id = given.organization_id
            AND note.id = given.credit_note_id
        JOIN invoice_line AS line ON line.organization_id = given.organization_id
            AND line.id = given.line_id
        JOIN invoice ON invoice.organization_id = line.organization_id
            AND invoice.id = line.invoice_id
        WHERE line.charge_id IS NOT NULL AND invoice.kind = 'period'
        """
    )


def open_accounts() -> None:
    """Credit that subscriptions carry today is their customer's, in one opening posting.

    What credit notes paid out of it stands no longer. An account whose credit was all granted opens
    with nothing: that says which invoices are older than it.
    """
    op.execute(
        """
        UPDATE invoice SET granted_credit = granted.amount
        FROM (
            SELECT organization_id, invoice_id, -sum(line_total) AS amount
            FROM invoice_line WHERE type = 'credit' GROUP BY 1, 2
        ) AS granted
        WHERE granted.organization_id = invoice.organization_id
            AND granted.invoice_id = invoice.id AND granted.amount > 0
        """
    )
    op.execute(
        """
        WITH paid_out AS (
            SELECT line.organization_id, line.invoice_id, sum(given.amount) AS amount
            FROM credit_note_line AS given
            JOIN invoice_line AS line ON line.organization_id = given.organization_id
                AND line.id = given.line_id AND line.type = 'adjustment'
            GROUP BY 1, 2
        ),
        carried AS (
            SELECT invoice.organization_id, invoice.customer_id, invoice.currency,
                invoice.subscription_id, sum(CASE invoice.status WHEN 'VOID' THEN 0 ELSE
                    invoice.carried_credit - invoice.granted_credit - coalesce(paid_out.amount, 0)
                END) AS amount
            FROM invoice
            LEFT JOIN paid_out ON paid_out.organization_id = invoice.organization_id
                AND paid_out.invoice_id = invoice.id
            WHERE invoice.status <> 'DRAFT'
                AND invoice.carried_credit + invoice.granted_credit > 0
            GROUP BY 1, 2, 3, 4
        ),
        standing AS (
            SELECT organization_id, customer_id, currency, sum(greatest(amount, 0)) AS amount
            FROM carried GROUP BY 1, 2, 3
        ),
        opened AS (
            INSERT INTO customer_account (organization_id, customer_id, currency)
            SELECT organization_id, customer_id, currency FROM standing
        )
        INSERT INTO account_posting (organization_id, customer_id, currency, sequence, key, kind,
            amount, balance_before, balance_after, at, created_at)
        SELECT organization_id, customer_id, currency, 1, 'open/' || customer_id || '/' || currency,
            'opened', amount, 0, amount, now(), now()
        FROM standing
        """
    )
