"""What is issued names its parties as they were, however they are called later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import policies

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Invoices that are final already go on naming the present ones: nobody kept the others."""
    op.create_table(
        "invoice_parties",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("parties", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "invoice_id", name=op.f("pk_invoice_parties")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_invoice_parties_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoice.organization_id", "invoice.id"],
            name=op.f("fk_invoice_parties_organization_id_invoice_id"),
        ),
    )
    policies.protect("invoice_parties", privileges=("SELECT", "INSERT"))


def downgrade() -> None:
    op.drop_table("invoice_parties")
