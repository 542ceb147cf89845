"""The journal reads by an index when credit was drawn, given back, or expired."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    op.create_index(
        "ix_credit_posting_at",
        "credit_posting",
        ["organization_id", "at"],
        postgresql_where=sa.text("kind IN ('drawn', 'returned', 'expired')"),
    )


def downgrade() -> None:
    op.drop_index("ix_credit_posting_at", table_name="credit_posting")
