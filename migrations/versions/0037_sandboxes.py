"""An organization has at most one sandbox, which belongs to it and has none of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.add_column("organization", sa.Column("sandbox_id", sa.Uuid(), nullable=True))
    op.add_column("organization", sa.Column("sandbox_of", sa.Uuid(), nullable=True))
    op.create_unique_constraint("uq_organization_sandbox_of", "organization", ["sandbox_of"])
    op.create_unique_constraint(
        "uq_organization_id_sandbox_of", "organization", ["id", "sandbox_of"]
    )
    op.create_foreign_key(
        "fk_organization_sandbox_of", "organization", "organization", ["sandbox_of"], ["id"]
    )
    op.create_foreign_key(
        "fk_organization_sandbox_id",
        "organization",
        "organization",
        ["sandbox_id", "id"],
        ["id", "sandbox_of"],
    )
    op.create_check_constraint(
        op.f("ck_organization_sandbox"),
        "organization",
        "sandbox_id IS NULL OR sandbox_of IS NULL",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_organization_sandbox"), "organization")
    op.drop_constraint("fk_organization_sandbox_id", "organization")
    op.drop_constraint("fk_organization_sandbox_of", "organization")
    op.drop_constraint("uq_organization_id_sandbox_of", "organization")
    op.drop_constraint("uq_organization_sandbox_of", "organization")
    op.drop_column("organization", "sandbox_of")
    op.drop_column("organization", "sandbox_id")
