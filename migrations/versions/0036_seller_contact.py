"""Whom a buyer asks about a document: e-invoices name a contact of the seller."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

NAMES = ("contact_name", "contact_phone", "contact_email")


def upgrade() -> None:
    """Nobody is known yet."""
    for name in NAMES:
        op.add_column("organization", sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    for name in NAMES:
        op.drop_column("organization", name)
