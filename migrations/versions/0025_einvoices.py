"""What an e-invoice says beside a page: units and categories of tax as codes, and broken rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"

TEXTS = {
    "meter": ("unit_code",),
    "tax_rate": ("category", "exemption_reason"),
    "invoice_tax": ("category", "exemption_reason"),
}


def upgrade() -> None:
    """Nothing is known of what is there: pieces, taxed as the percentage says, looked at by nobody."""
    for table, names in TEXTS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_tax_rate_category"),
        "tax_rate",
        "category IN ('S', 'Z', 'E', 'AE', 'K', 'G', 'O')",
    )
    op.create_check_constraint(
        op.f("ck_tax_rate_category_percentage"),
        "tax_rate",
        "(category = 'S') = (percentage > 0)",
    )
    op.add_column("invoice", sa.Column("einvoice", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("invoice", "einvoice")
    op.drop_constraint(op.f("ck_tax_rate_category_percentage"), "tax_rate")
    op.drop_constraint(op.f("ck_tax_rate_category"), "tax_rate")
    for table, names in TEXTS.items():
        for name in names:
            op.drop_column(table, name)
