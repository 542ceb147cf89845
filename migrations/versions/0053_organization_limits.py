"""Limits of an organization's own: rates and quotas that the operator sets for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    op.create_table(
        "organization_limit",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.CheckConstraint("most >= 0", name=op.f("ck_organization_limit_most")),
        sa.CheckConstraint(
            "name IN ('requests_per_caller', 'requests', 'events', 'features', 'meters', 'plans',"
            " 'tax_rates', 'api_keys', 'invitations', 'test_clocks')",
            name=op.f("ck_organization_limit_name"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_organization_limit_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "name", name=op.f("pk_organization_limit")),
    )
    policies.protect("organization_limit", privileges=("SELECT", "INSERT", "UPDATE", "DELETE"))


def downgrade() -> None:
    """Every organization may as much as the installation allows everybody."""
    op.drop_table("organization_limit")
