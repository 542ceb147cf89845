"""The newest outcome of the hourly check is kept, and deleted drafts' numbers are found by index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import policies

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.create_table(
        "installation_check",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("examined", sa.Integer(), nullable=False),
        sa.Column("unchecked", sa.Integer(), nullable=False),
        sa.Column("findings", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation_check")),
        sa.CheckConstraint(
            "examined >= 0 AND unchecked >= 0", name=op.f("ck_installation_check_counts")
        ),
        sa.CheckConstraint("begins_at <= checked_at", name=op.f("ck_installation_check_begins_at")),
    )
    policies.grant("installation_check", ("SELECT", "INSERT", "UPDATE"))
    op.create_index(
        "ix_audit_entry_deleted_invoices",
        "audit_entry",
        ["organization_id"],
        postgresql_where=sa.text("action = 'invoice.deleted'"),
    )


def downgrade() -> None:
    op.drop_index("ix_audit_entry_deleted_invoices", "audit_entry")
    op.drop_table("installation_check")
