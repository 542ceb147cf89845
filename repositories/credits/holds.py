"""Holds, and what they set aside of each grant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.base import new_id
from models.credits.holds import CreditHold
from repositories.credits.wallets import WalletKey

LENGTH_OF_STEM: Final = 15
"""Of an id: its instant and its version; what follows is random."""


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


PLACE = text(
    """
    SELECT outcome, present, amount FROM place_hold(
        :organization_id, :id, :customer_id, :unit, :amount, :expires_at, :accruing, :now, :stem
    )
    """
)


class Placing(StrEnum):
    """What became of a hold that was to be placed."""

    HELD = "held"
    KNOWN = "known"
    NO_CREDIT = "no_credit"
    NO_CUSTOMER = "no_customer"
    NOT_IN_UNIT = "not_in_unit"
    SOME_DUE = "some_due"
    SOME_OVER = "some_over"
    TOO_LONG = "too_long"


def place_hold(
    session: Session, wanted: CreditHold, *, accruing: Decimal, now: datetime
) -> Placing:
    """The credit is set aside, as one statement, or nothing has changed; which it is.

    ``wanted`` has the customer's present and its amount at the unit's scale afterwards.
    ``NOT_IN_UNIT``: the unit has no row, or is not that fine. ``SOME_OVER``: the wallet is locked,
    and holds of it are to be freed before whose time is over. ``SOME_DUE``: it is locked, and what
    rules have granted is to be stored before.
    """
    keys = wanted.model_dump(include={"organization_id", "customer_id", "unit", "amount"})
    more = {
        "id": wanted.id,
        "expires_at": wanted.expires_at,
        "accruing": accruing,
        "now": now,
        "stem": str(new_id())[:LENGTH_OF_STEM],
    }
    outcome, present, amount = session.execute(PLACE, keys | more).one()
    if outcome == Placing.HELD:
        wanted.amount = amount
    wanted.at = present or now
    return Placing(outcome)


def find_hold(session: Session, organization_id: UUID, hold_id: UUID) -> CreditHold | None:
    """The hold as it is stored now, or None."""
    return session.get(CreditHold, (organization_id, hold_id), populate_existing=True)


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
