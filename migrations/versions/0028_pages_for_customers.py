"""Pages that customers read: links to invoices, and who may frame the portal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Nothing is linked yet, and nobody frames the portal, also of those added by old processes."""
    op.create_table(
        "invoice_link",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "invoice_id", name=op.f("pk_invoice_link")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_invoice_link_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoice.organization_id", "invoice.id"],
            name=op.f("fk_invoice_link_organization_id_invoice_id"),
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("token", name="uq_invoice_link_token"),
    )
    policies.protect("invoice_link", privileges=("SELECT", "INSERT", "DELETE"))
    policies.allow_lookup("invoice_link", setting="invoice_link", condition="token = {value}")
    op.add_column(
        "organization",
        sa.Column("embed_hosts", sa.ARRAY(sa.Text()), nullable=False, server_default="{}"),
    )
    # They stand in a header: nothing in them may end it, or say more than a host.
    op.create_check_constraint(
        op.f("ck_organization_embed_hosts"),
        "organization",
        "array_to_string(embed_hosts, '') !~ '[^a-z0-9.:*-]'",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_organization_embed_hosts"), "organization")
    op.drop_column("organization", "embed_hosts")
    op.drop_table("invoice_link")
