"""All that went back is booked: beyond what was left, with the gateway's fee; and what is given up."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

FORMER_KINDS = (
    *("opened", "carried", "granted", "returned", "credited"),
    *("paid", "applied", "unapplied", "refunded", "refund_failed"),
    *("written_off", "restored", "recovered", "owed", "settled"),
)
KINDS = (*FORMER_KINDS, "fee", "fee_taken")

FORMER_MOVES = "status = 'succeeded' OR applied_amount + refunded_amount = 0"
MOVES = "status = 'succeeded' OR applied_amount + refunded_amount + excess_amount = 0"

AMOUNTS = (
    ("payment", "excess_amount", "excess_amount >= 0"),
    ("refund", "excess_amount", "excess_amount BETWEEN 0 AND owed_amount"),
    ("dispute", "fee_amount", "fee_amount >= 0"),
    ("dispute", "fee_turn", "fee_turn >= 0"),
    ("customer_account", "written_off_amount", "written_off_amount >= 0"),
)
"""What there was nothing of before, and what holds of it."""


def upgrade() -> None:
    for table, name, condition in AMOUNTS:
        kind = sa.Integer() if name == "fee_turn" else sa.Numeric()
        op.add_column(table, sa.Column(name, kind, nullable=False, server_default="0"))
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    limit("payment", "moves_nothing", MOVES)
    limit_postings(KINDS)


def downgrade() -> None:
    # Refused where a fee was posted, which cannot be said without.
    limit_postings(FORMER_KINDS)
    limit("payment", "moves_nothing", FORMER_MOVES)
    for table, name, _ in reversed(AMOUNTS):
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        op.drop_column(table, name)


def limit_postings(kinds: Sequence[str]) -> None:
    limit("account_posting", "kind", "kind IN ({})".format(", ".join(f"'{one}'" for one in kinds)))


def limit(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
