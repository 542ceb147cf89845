"""A mark says whether a term of a commitment ended with its period, whatever the policy is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"


def upgrade() -> None:
    op.add_column(
        "late_usage_mark",
        sa.Column("ends_term", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("late_usage_mark", "ends_term")
