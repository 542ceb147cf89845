"""Open holds of a wallet are found by their ends: those that are over are the first of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"

WALLET = ["organization_id", "customer_id", "unit"]


def upgrade() -> None:
    index_open_holds([*WALLET, "expires_at"])


def downgrade() -> None:
    index_open_holds(WALLET)


def index_open_holds(columns: list[str]) -> None:
    """The index of holds that are not ended has these columns."""
    op.drop_index("ix_credit_hold_open", table_name="credit_hold")
    op.create_index(
        "ix_credit_hold_open",
        "credit_hold",
        columns,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
