"""What the hourly check found of an organization is kept, so that pages need not check again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import policies

revision = "0057"
down_revision = "0052"


def upgrade() -> None:
    op.create_table(
        "coverage_check",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subscriptions", sa.Integer(), nullable=False),
        sa.Column("owners_checked", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("findings", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_coverage_check")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_coverage_check_organization_id"),
        ),
        sa.CheckConstraint(
            "subscriptions >= 0 AND total >= 0", name=op.f("ck_coverage_check_counts")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(findings) = 'array'", name=op.f("ck_coverage_check_findings")
        ),
    )
    policies.protect("coverage_check", privileges=("SELECT", "INSERT", "UPDATE"))


def downgrade() -> None:
    op.drop_table("coverage_check")
