"""Draws of a line know in which order they pay it; earlier ones stay in the order of grants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"


def upgrade() -> None:
    """Receipts signed draws in the order of grants, so what is there already keeps it."""
    op.add_column(
        "invoice_draw", sa.Column("sequence", sa.Integer(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    """Receipts of bills since then do not verify any more: they signed another order."""
    op.drop_column("invoice_draw", "sequence")
