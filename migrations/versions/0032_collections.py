"""Collections of open invoices, and how organizations want them to be collected."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import policies

revision = "0032"
down_revision = "0031"

FORMER_CAUSE = (
    "CASE cause"
    " WHEN 'finalized' THEN invoice_id IS NOT NULL"
    " WHEN 'requested' THEN invoice_id IS NOT NULL"
    " WHEN 'credit_note' THEN invoice_id IS NOT NULL AND credit_note_id IS NOT NULL"
    " WHEN 'endpoint_disabled' THEN endpoint_id IS NOT NULL"
)
LAST_CAUSE = " ELSE cause = 'test' END"
REMINDER = " WHEN 'reminder' THEN invoice_id IS NOT NULL"
FORMER_KINDS = "'invoice', 'credit_note'"
DUNNING = '{"retry_days": [1, 3, 5, 7], "then": "none"}'


def upgrade() -> None:
    """No invoice of before is collected; organizations of before and old processes have defaults."""
    op.add_column(
        "organization", sa.Column("dunning", JSONB(), nullable=False, server_default=DUNNING)
    )
    op.add_column(
        "organization",
        sa.Column(
            "reminder_days", sa.ARRAY(sa.Integer()), nullable=False, server_default="{-3,1,7}"
        ),
    )
    op.create_check_constraint(
        op.f("ck_organization_dunning"),
        "organization",
        "jsonb_array_length(dunning -> 'retry_days') <= 20"
        " AND dunning ->> 'then' IN ('none', 'pause', 'cancel', 'uncollectible')",
    )
    op.create_check_constraint(
        op.f("ck_organization_reminder_days"), "organization", "cardinality(reminder_days) <= 20"
    )
    create_collection()
    limit_mails(FORMER_CAUSE + REMINDER + LAST_CAUSE, f"{FORMER_KINDS}, 'reminder'")


def downgrade() -> None:
    # Refused where somebody was reminded: nobody forgets what was sent by going back a step.
    limit_mails(FORMER_CAUSE + LAST_CAUSE, FORMER_KINDS)
    op.drop_table("collection")
    for name in ("dunning", "reminder_days"):
        op.drop_constraint(op.f(f"ck_organization_{name}"), "organization")
        op.drop_column("organization", name)


def create_collection() -> None:
    op.create_table(
        "collection",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("test_clock_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        instant("opened_at", nullable=False),
        *(instant(f"{kind}_through") for kind in ("charged", "reminded", "completed")),
        instant("exhausted_at"),
        sa.Column("end_action", sa.Text(), nullable=True),
        instant("ended_at"),
        instant("created_at", nullable=False),
        sa.CheckConstraint("status IN ('active', 'ended')", name=op.f("ck_collection_status")),
        sa.CheckConstraint(
            "(status = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_collection_ended_at")
        ),
        sa.CheckConstraint(
            "(exhausted_at IS NULL) = (end_action IS NULL)", name=op.f("ck_collection_exhausted_at")
        ),
        sa.CheckConstraint(
            "end_action IN ('none', 'pause', 'cancel', 'uncollectible')",
            name=op.f("ck_collection_end_action"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "invoice_id", name=op.f("pk_collection")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_collection_organization_id")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", f"{noun}_id"],
                [f"{noun}.organization_id", f"{noun}.id"],
                name=op.f(f"fk_collection_organization_id_{noun}_id"),
            )
            for noun in ("invoice", "customer", "subscription", "test_clock")
        ),
    )
    for name, column in (("active", "subscription_id"), ("on_clock", "test_clock_id")):
        op.create_index(
            f"ix_collection_{name}",
            "collection",
            ["organization_id", column],
            postgresql_where=sa.text("status = 'active'"),
        )
    policies.protect("collection", privileges=("SELECT", "INSERT", "UPDATE"))


def limit_mails(cause: str, kinds: str) -> None:
    op.drop_constraint(op.f("ck_email_cause"), "email")
    op.create_check_constraint(op.f("ck_email_cause"), "email", cause)
    op.drop_constraint(op.f("ck_email_template_kind"), "email_template")
    op.create_check_constraint(
        op.f("ck_email_template_kind"), "email_template", f"kind IN ({kinds})"
    )


def instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    """A column of an aware instant."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
