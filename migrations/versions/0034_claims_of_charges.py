"""Charges say when a gateway was about to be asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

CONSTRAINT = "ck_payment_asked_at"


def upgrade() -> None:
    op.add_column("payment", sa.Column("asked_at", sa.DateTime(timezone=True)))
    # What is on its way may have been asked for.
    op.execute(
        "UPDATE payment SET asked_at = created_at"
        " WHERE status = 'pending' AND kind = 'saved_method'"
    )
    op.create_check_constraint(
        op.f(CONSTRAINT), "payment", "asked_at IS NULL OR kind = 'saved_method'"
    )


def downgrade() -> None:
    op.drop_constraint(op.f(CONSTRAINT), "payment")
    op.drop_column("payment", "asked_at")
