"""Indexes of journals, of what is due, and of failed payments; payments in the order of lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

INDEXES = (
    ("ix_invoice_issued", "invoice", "issue_date", "status <> 'DRAFT'"),
    ("ix_invoice_voided", "invoice", "voided_at", "voided_at IS NOT NULL"),
    ("ix_invoice_due", "invoice", "customer_id", "status IN ('OPEN', 'PAID') AND amount_due > 0"),
    ("ix_credit_note_issued", "credit_note", "issue_date", None),
    ("ix_account_posting_at", "account_posting", "at", None),
    ("ix_payment_failed", "payment", "at", "status = 'failed'"),
)


def upgrade() -> None:
    for name, table, column, condition in INDEXES:
        where = None if condition is None else sa.text(condition)
        op.create_index(name, table, ["organization_id", column], postgresql_where=where)
    list_payments_by("created_at")


def downgrade() -> None:
    list_payments_by("at")
    for name, table, _, _ in reversed(INDEXES):
        op.drop_index(name, table)


def list_payments_by(instant: str) -> None:
    """Payments are found in the order of this instant."""
    for name, columns in (
        ("ix_payment_customer", ["organization_id", "customer_id", instant]),
        ("ix_payment_listed", ["organization_id", instant, "id"]),
    ):
        op.drop_index(name, "payment")
        op.create_index(name, "payment", columns)
