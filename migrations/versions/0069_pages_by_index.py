"""Turnover is summed from indexes alone; lines of credit notes and rules are found by one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"

ISSUED = ("ix_invoice_issued", "invoice", "issue_date", "status <> 'DRAFT'")
SUCCEEDED = ("ix_payment_succeeded", "payment", "at", "status = 'succeeded'")


def upgrade() -> None:
    build(*ISSUED, beside=["status", "currency", "total"])
    build(*SUCCEEDED, beside=["currency", "amount"])
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
    take_over()


def downgrade() -> None:
    build(*SUCCEEDED, beside=[])
    build(*ISSUED, beside=[])
    op.drop_index("ix_credit_grant_rule_listed", table_name="credit_grant_rule")
    op.drop_index("ix_credit_note_line_note", table_name="credit_note_line")
    take_over()


def build(name: str, table: str, instant: str, where: str, *, beside: list[str]) -> None:
    """The index of a table by an instant is made anew, with these columns beside it.

    The one before stays until all are built: to drop an index keeps readers out as well.
    """
    op.create_index(
        f"{name}_anew",
        table,
        ["organization_id", instant],
        postgresql_where=sa.text(where),
        postgresql_include=beside,
    )


def take_over() -> None:
    """The indexes that were built are those of the name, and the transaction ends with it."""
    for name, *_ in (ISSUED, SUCCEEDED):
        op.execute(f"DROP INDEX {name}")
        op.execute(f"ALTER INDEX {name}_anew RENAME TO {name}")
