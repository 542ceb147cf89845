"""Credit can be bought: notes give back what of it was not spent."""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0045"

FORMER_NOTES = ("manual", "late_usage", "carried_credit")
NOTES = (*FORMER_NOTES, "purchase")


def upgrade() -> None:
    limit_notes(NOTES)


def downgrade() -> None:
    """Refused where a purchase gave back."""
    limit_notes(FORMER_NOTES)


def limit_notes(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_credit_note_kind"), "credit_note")
    op.create_check_constraint(op.f("ck_credit_note_kind"), "credit_note", f"kind IN ({listed})")
