"""Bills know lines that are priced in units of credit: what they come to, and what goes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"

FORMER_NOTE = (
    "subtotal >= 0 AND tax >= 0 AND credits_before_tax >= 0 AND subtotal + credits_before_tax > 0"
)
NOTE = (
    "subtotal >= 0 AND tax >= 0 AND credits_before_tax >= 0"
    " AND (subtotal + credits_before_tax > 0 OR returns_units)"
)
NOTE_LINE = (
    "CASE WHEN amount_in_unit IS NULL THEN amount > 0 ELSE amount >= 0 AND amount_in_unit > 0 END"
)


def upgrade() -> None:
    """What is there already is money."""
    for table in ("invoice_line", "credit_note_line"):
        op.add_column(table, sa.Column("amount_in_unit", sa.Numeric(), nullable=True))
    for table, column in (("invoice", "draws_units"), ("credit_note", "returns_units")):
        op.add_column(
            table, sa.Column(column, sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    change_check("credit_note", NOTE)
    change_check("credit_note_line", NOTE_LINE, name="amount")


def downgrade() -> None:
    """Refused where a note gave back nothing but units."""
    change_check("credit_note_line", "amount > 0", name="amount")
    change_check("credit_note", FORMER_NOTE)
    for table, column in (("invoice", "draws_units"), ("credit_note", "returns_units")):
        op.drop_column(table, column)
    for table in ("invoice_line", "credit_note_line"):
        op.drop_column(table, "amount_in_unit")


def change_check(table: str, condition: str, *, name: str = "amounts") -> None:
    """The check says something else."""
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
