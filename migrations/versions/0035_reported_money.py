"""Money that gateways report: what is owed of spent credit, ends that change, bodies that go."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0035"
down_revision = "0034"

KINDS = (
    *("opened", "carried", "granted", "returned", "credited"),
    *("paid", "applied", "unapplied", "refunded", "refund_failed"),
    *("written_off", "restored", "recovered"),
)
FORMER_AMOUNT = (
    "amount > 0 AND from_invoice >= 0 AND from_credit >= 0 AND amount = from_invoice + from_credit"
)
AMOUNT = (
    "amount > 0 AND from_invoice >= 0 AND from_credit >= 0 AND owed_amount >= 0"
    " AND amount = from_invoice + from_credit + owed_amount"
)


def upgrade() -> None:
    """Nobody owes anything of before, and every refund of before has had one turn."""
    owe_spent_credit()
    op.add_column("refund", amount_of_nothing("owed_amount"))
    op.add_column("refund", sa.Column("turn", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("refund", instant("changed_at"))
    op.create_check_constraint(op.f("ck_refund_turn"), "refund", "turn >= 1")
    limit_refunds(AMOUNT)
    limit_postings((*KINDS, "owed", "settled"))
    keep_less_of_events()


def downgrade() -> None:
    # Refused where somebody owes, and where bodies are gone: neither can be said without.
    op.drop_index("ix_gateway_event_bodies", "gateway_event")
    for name in ("currency", "amount", "reference"):
        op.drop_column("gateway_event", name)
    op.alter_column("gateway_event", "body", nullable=False)
    limit_postings(KINDS)
    limit_refunds(FORMER_AMOUNT)
    op.drop_constraint(op.f("ck_refund_turn"), "refund")
    for name in ("changed_at", "turn", "owed_amount"):
        op.drop_column("refund", name)
    op.drop_index("ix_customer_account_owed", "customer_account")
    for name in ("owed_since", "owed_amount"):
        op.drop_constraint(op.f(f"ck_customer_account_{name}"), "customer_account")
        op.drop_column("customer_account", name)


def owe_spent_credit() -> None:
    op.add_column("customer_account", amount_of_nothing("owed_amount"))
    op.add_column("customer_account", instant("owed_since"))
    for name, condition in (
        ("owed_amount", "owed_amount >= 0"),
        ("owed_since", "(owed_amount = 0) = (owed_since IS NULL)"),
    ):
        op.create_check_constraint(
            op.f(f"ck_customer_account_{name}"), "customer_account", condition
        )
    op.create_index(
        "ix_customer_account_owed",
        "customer_account",
        ["organization_id", "customer_id"],
        postgresql_where=sa.text("owed_amount > 0"),
    )


def keep_less_of_events() -> None:
    op.alter_column("gateway_event", "body", nullable=True)
    op.add_column("gateway_event", sa.Column("reference", sa.Text(), nullable=True))
    op.add_column("gateway_event", sa.Column("amount", sa.Numeric(), nullable=True))
    op.add_column("gateway_event", sa.Column("currency", sa.Text(), nullable=True))
    with policies.unforced(("gateway_event",)):
        op.execute(
            """
            UPDATE gateway_event SET
                reference = coalesce(content #>> '{payment,references,0}',
                    content #>> '{refund,reference}', content #>> '{dispute,reference}'),
                amount = coalesce(content #>> '{payment,amount}',
                    content #>> '{refund,amount}', content #>> '{dispute,amount}')::numeric,
                currency = upper(coalesce(content #>> '{payment,currency}',
                    content #>> '{refund,currency}', content #>> '{dispute,currency}'))
            """
        )
    op.create_index(
        "ix_gateway_event_bodies",
        "gateway_event",
        ["organization_id", "received_at"],
        postgresql_where=sa.text("body IS NOT NULL AND status <> 'received'"),
    )


def limit_postings(kinds: Sequence[str]) -> None:
    limit("account_posting", "kind", "kind IN ({})".format(", ".join(f"'{one}'" for one in kinds)))


def limit_refunds(amount: str) -> None:
    limit("refund", "amount", amount)


def limit(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def amount_of_nothing(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Numeric(), nullable=False, server_default="0")


def instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)
