"""Invoices and payments are found by how their number or reference begins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"


def upgrade() -> None:
    """By bytes: in another order a beginning is no range, and no index finds it."""
    op.create_index(
        "ix_invoice_begins",
        "invoice",
        ["organization_id", "invoice_number"],
        postgresql_ops={"invoice_number": "text_pattern_ops"},
    )
    op.create_index(
        "ix_payment_begins",
        "payment",
        ["organization_id", "reference"],
        postgresql_ops={"reference": "text_pattern_ops"},
        postgresql_where=sa.text("reference IS NOT NULL"),
    )


def downgrade() -> None:
    """Take the indexes away."""
    op.drop_index("ix_payment_begins", table_name="payment")
    op.drop_index("ix_invoice_begins", table_name="invoice")
