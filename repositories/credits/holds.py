"""Holds, and what they set aside of each grant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.credits.holds import CreditHold
from repositories.credits.wallets import WalletKey


class SetAside(NamedTuple):
    """What open holds have of a grant: ``live`` until its time is over, ``over`` since."""

    live: Decimal
    over: Decimal


ASIDE = text(
    """
    SELECT posting.grant_id,
        coalesce(-sum(posting.amount) FILTER (WHERE hold.expires_at > :at), 0),
        coalesce(-sum(posting.amount) FILTER (WHERE hold.expires_at <= :at), 0)
    FROM credit_hold AS hold
    JOIN credit_posting AS posting ON posting.organization_id = hold.organization_id
        AND posting.hold_id = hold.id AND posting.kind = 'held'
    WHERE hold.organization_id = :organization_id AND hold.customer_id = :customer_id
        AND (CAST(:unit AS text) IS NULL OR hold.unit = :unit) AND hold.ended_at IS NULL
    GROUP BY posting.grant_id
    """
)


def find_hold(session: Session, organization_id: UUID, hold_id: UUID) -> CreditHold | None:
    """The hold as it is stored now, or None."""
    return session.get(CreditHold, (organization_id, hold_id), populate_existing=True)


def insert_hold(session: Session, hold: CreditHold) -> None:
    """Store a hold."""
    session.add(hold)
    session.flush()


def list_over(session: Session, key: WalletKey, *, at: datetime) -> Sequence[CreditHold]:
    """Open holds of the wallet whose time is over, in the order of their ends."""
    organization_id, customer_id, unit = key
    return session.exec(
        select(CreditHold)
        .where(
            CreditHold.organization_id == organization_id,
            CreditHold.customer_id == customer_id,
            CreditHold.unit == unit,
            col(CreditHold.ended_at).is_(None),
            CreditHold.expires_at <= at,
        )
        .order_by(col(CreditHold.expires_at), col(CreditHold.id))
    ).all()


def find_set_aside(
    session: Session, organization_id: UUID, customer_id: UUID, unit: str | None, *, at: datetime
) -> dict[UUID, SetAside]:
    """What open holds have of each grant of a customer, in one unit or in all."""
    keys = {"organization_id": organization_id, "customer_id": customer_id, "unit": unit, "at": at}
    return {grant_id: SetAside(live, over) for grant_id, live, over in session.execute(ASIDE, keys)}
