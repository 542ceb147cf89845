"""What documents say of both parties: registered names, tax ids, and in which language."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

LANGUAGE = "{column} IN ('en', 'de', 'fr', 'es', 'ja')"

TEXTS = {
    "organization": ("legal_name", "tax_id", "registration_number", "logo"),
    "customer": ("tax_id", "buyer_reference", "language"),
}


def upgrade() -> None:
    """Nothing is known of it yet; documents stay English."""
    for table, names in TEXTS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Text(), nullable=True))
    op.add_column(
        "organization",
        sa.Column("document_language", sa.Text(), nullable=False, server_default="en"),
    )
    op.alter_column("organization", "document_language", server_default=None)
    op.create_check_constraint(
        op.f("ck_organization_document_language"),
        "organization",
        LANGUAGE.format(column="document_language"),
    )
    op.create_check_constraint(
        op.f("ck_customer_language"), "customer", LANGUAGE.format(column="language")
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_customer_language"), "customer")
    op.drop_constraint(op.f("ck_organization_document_language"), "organization")
    op.drop_column("organization", "document_language")
    for table, names in TEXTS.items():
        for name in names:
            op.drop_column(table, name)
