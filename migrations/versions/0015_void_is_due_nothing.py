"""A void invoice is due nothing."""

from __future__ import annotations

from alembic import op

from migrations import policies

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Nobody owes what was voided, of invoices from before that included.

    What they were due follows from their total and their credit notes, which stay.
    """
    with policies.unforced(("invoice",)):
        # Less itself, nought keeps the decimal places of the currency.
        op.execute(
            "UPDATE invoice SET amount_due = amount_due - amount_due"
            " WHERE status = 'VOID' AND amount_due <> 0"
        )
    op.create_check_constraint(
        op.f("ck_invoice_void_is_due_nothing"), "invoice", "status <> 'VOID' OR amount_due = 0"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_invoice_void_is_due_nothing"), "invoice")
