"""Rules that grant credit again and again, and which of them are due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from billing.credits.grants import GrantKind
from models.credits.grant_rules import CreditGrantRule
from repositories.asynchronous.document_reads import DocumentRead, PageRead
from repositories.credits.wallets import WalletKey
from repositories.row_keys import among

RULE_PAGES: Final = PageRead(
    read=DocumentRead(
        """
        SELECT asked.place, row_to_json(rule) AS document
        FROM asked JOIN credit_grant_rule AS rule
            ON rule.organization_id = tenant.id AND rule.id = asked.id""",
        CreditGrantRule,
    ),
    table="credit_grant_rule",
    filters={"customer_id": "customer_id = %(customer_id)s"},
)
"""A customer's rules, oldest first, ended ones too."""

# By the present of their own clock; whoever is deleted, too, whose rules are to end.
CUSTOMERS_DUE = text(
    """
    SELECT DISTINCT rule.customer_id
    FROM credit_grant_rule AS rule
    JOIN customer ON customer.organization_id = rule.organization_id
        AND customer.id = rule.customer_id
    LEFT JOIN test_clock AS clock ON clock.organization_id = customer.organization_id
        AND clock.id = customer.test_clock_id
    WHERE rule.organization_id = :organization_id
        AND rule.next_at <= coalesce(clock.frozen_time, :now)
    ORDER BY rule.customer_id LIMIT :limit
    """
)


def insert(session: Session, rule: CreditGrantRule) -> None:
    """Store a rule, new or changed."""
    session.add(rule)
    session.flush()


def find_rule(session: Session, organization_id: UUID, rule_id: UUID) -> CreditGrantRule | None:
    """The rule as it is stored now, or None. Its wallet is locked by whoever changes it."""
    return session.get(CreditGrantRule, (organization_id, rule_id), populate_existing=True)


def list_due(
    session: Session, keys: Collection[WalletKey], *, kind: GrantKind, at: datetime
) -> Sequence[CreditGrantRule]:
    """Rules of these wallets whose next grant has begun by that instant, as they are stored now."""
    columns = (
        col(CreditGrantRule.organization_id),
        col(CreditGrantRule.customer_id),
        col(CreditGrantRule.unit),
    )
    return session.exec(
        select(CreditGrantRule)
        .where(
            among(keys, *columns),
            CreditGrantRule.kind == kind,
            col(CreditGrantRule.next_at) <= at,
        )
        .order_by(*columns, col(CreditGrantRule.created_at), col(CreditGrantRule.id))
        .execution_options(populate_existing=True)
    ).all()


def list_due_wallets(
    session: Session, organization_id: UUID, customer_id: UUID, *, at: datetime
) -> list[WalletKey]:
    """The wallets of a customer for which a rule is due by that instant, in order."""
    found = session.exec(
        select(CreditGrantRule.unit)
        .where(
            CreditGrantRule.organization_id == organization_id,
            CreditGrantRule.customer_id == customer_id,
            col(CreditGrantRule.next_at) <= at,
        )
        .distinct()
        .order_by(col(CreditGrantRule.unit))
    )
    return [(organization_id, customer_id, unit) for unit in found]


def list_going_on(session: Session, key: WalletKey) -> Sequence[CreditGrantRule]:
    """Rules of a wallet that would grant again, as they are stored now."""
    organization_id, customer_id, unit = key
    return session.exec(
        select(CreditGrantRule)
        .where(
            CreditGrantRule.organization_id == organization_id,
            CreditGrantRule.customer_id == customer_id,
            CreditGrantRule.unit == unit,
            col(CreditGrantRule.next_at).is_not(None),
        )
        .order_by(col(CreditGrantRule.created_at), col(CreditGrantRule.id))
        .execution_options(populate_existing=True)
    ).all()


def list_due_customers(
    session: Session, organization_id: UUID, *, now: datetime, limit: int
) -> list[UUID]:
    """Customers for whom a rule is due, in order."""
    keys = {"organization_id": organization_id, "now": now, "limit": limit}
    return list(session.execute(CUSTOMERS_DUE, keys).scalars())
