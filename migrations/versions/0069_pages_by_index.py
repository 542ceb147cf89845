"""Turnover is summed from indexes alone; lines of credit notes and rules are found by one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"

ISSUED = ("ix_invoice_issued", "invoice", "issue_date", "status <> 'DRAFT'")
SUCCEEDED = ("ix_payment_succeeded", "payment", "at", "status = 'succeeded'")


def upgrade() -> None:
    replace(*ISSUED, beside=["status", "currency", "total"])
    replace(*SUCCEEDED, beside=["currency", "amount"])
    op.create_index(
        "ix_credit_note_line_note",
        "credit_note_line",
        ["organization_id", "credit_note_id", "position"],
    )
    op.create_index(
        "ix_credit_grant_rule_listed",
        "credit_grant_rule",
        ["organization_id", "customer_id", "created_at", "id"],
    )


def downgrade() -> None:
    op.drop_index("ix_credit_grant_rule_listed", table_name="credit_grant_rule")
    op.drop_index("ix_credit_note_line_note", table_name="credit_note_line")
    replace(*SUCCEEDED, beside=[])
    replace(*ISSUED, beside=[])


def replace(name: str, table: str, instant: str, where: str, *, beside: list[str]) -> None:
    """The index of a table by an instant is made anew, with these columns beside it."""
    op.drop_index(name, table_name=table)
    op.create_index(
        name,
        table,
        ["organization_id", instant],
        postgresql_where=sa.text(where),
        postgresql_include=beside,
    )
