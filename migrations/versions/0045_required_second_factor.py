"""An organization may ask a second step of all who log in to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.add_column(
        "organization",
        sa.Column("require_second_factor", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_check_constraint(
        op.f("ck_organization_require_second_factor"),
        "organization",
        "sandbox_of IS NULL OR NOT require_second_factor",
    )


def downgrade() -> None:
    op.drop_column("organization", "require_second_factor")
