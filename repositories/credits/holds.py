"""Holds, and what they set aside of each grant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from models.base import new_id
from models.credits.holds import CreditHold
from repositories.credits.wallets import WalletKey, wallets_at

LENGTH_OF_STEM: Final = 15
"""Of an id: its instant and its version; what follows is random."""


class HoldAsked(NamedTuple):
    """A hold that somebody wants: of which wallet, how much, until when, and asked for when."""

    id: UUID
    customer_id: UUID
    unit: str
    amount: Decimal
    expires_at: datetime
    now: datetime


class SetAside(NamedTuple):
    """What open holds have of a grant: ``live`` until its time is over, ``over`` since."""

    live: Decimal
    over: Decimal


ASIDE = text(
    """
    -- Looked up hold by hold (OFFSET keeps it so): a plan that was made while there were few holds
    -- would read all that were ever posted for each.
    SELECT posting.grant_id,
        coalesce(-sum(posting.amount) FILTER (WHERE hold.expires_at > :at), 0),
        coalesce(-sum(posting.amount) FILTER (WHERE hold.expires_at <= :at), 0)
    FROM credit_hold AS hold
    CROSS JOIN LATERAL (
        SELECT posting.grant_id, posting.amount FROM credit_posting AS posting
        WHERE posting.organization_id = hold.organization_id AND posting.hold_id = hold.id
            AND posting.kind = 'held'
        OFFSET 0
    ) AS posting
    WHERE hold.organization_id = :organization_id AND hold.customer_id = :customer_id
        AND (CAST(:unit AS text) IS NULL OR hold.unit = :unit) AND hold.ended_at IS NULL
    GROUP BY posting.grant_id
    """
)


ASIDE_OF = text(
    """
    SELECT hold.organization_id, posting.grant_id,
        coalesce(-sum(posting.amount) FILTER (WHERE hold.expires_at > asked.at), 0),
        coalesce(-sum(posting.amount) FILTER (WHERE hold.expires_at <= asked.at), 0)
    FROM unnest(
        CAST(:organizations AS uuid[]), CAST(:customers AS uuid[]), CAST(:units AS text[]),
        CAST(:instants AS timestamptz[])
    ) AS asked (organization_id, customer_id, unit, at)
    JOIN credit_hold AS hold ON hold.organization_id = asked.organization_id
        AND hold.customer_id = asked.customer_id AND hold.unit = asked.unit
        AND hold.ended_at IS NULL
    CROSS JOIN LATERAL (
        SELECT posting.grant_id, posting.amount FROM credit_posting AS posting
        WHERE posting.organization_id = hold.organization_id AND posting.hold_id = hold.id
            AND posting.kind = 'held'
        OFFSET 0
    ) AS posting
    GROUP BY hold.organization_id, posting.grant_id
    """
)


OVER_OF = text(
    """
    SELECT hold.organization_id, hold.id
    FROM unnest(
        CAST(:organizations AS uuid[]), CAST(:customers AS uuid[]), CAST(:units AS text[]),
        CAST(:instants AS timestamptz[])
    ) AS asked (organization_id, customer_id, unit, at)
    JOIN credit_hold AS hold ON hold.organization_id = asked.organization_id
        AND hold.customer_id = asked.customer_id AND hold.unit = asked.unit
        AND hold.ended_at IS NULL AND hold.expires_at <= asked.at
    ORDER BY hold.organization_id, hold.customer_id, hold.unit, hold.expires_at, hold.id
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


def list_over(session: Session, presents: Mapping[WalletKey, datetime]) -> Sequence[CreditHold]:
    """Open holds of these wallets that are over by the present of each, in order of their ends."""
    session.flush()
    found = session.execute(OVER_OF, wallets_at(presents)).all()
    rows = [session.get(CreditHold, (row[0], row[1]), populate_existing=True) for row in found]
    return [one for one in rows if one is not None]


def find_set_aside(
    session: Session, organization_id: UUID, customer_id: UUID, unit: str | None, *, at: datetime
) -> dict[UUID, SetAside]:
    """What open holds have of each grant of a customer, in one unit or in all."""
    keys = {"organization_id": organization_id, "customer_id": customer_id, "unit": unit, "at": at}
    return {grant_id: SetAside(live, over) for grant_id, live, over in session.execute(ASIDE, keys)}


def find_set_aside_of(
    session: Session, presents: Mapping[WalletKey, datetime]
) -> dict[tuple[UUID, UUID], SetAside]:
    """As :func:`find_set_aside`, of these wallets by their presents: by organization and grant."""
    return {
        (row[0], row[1]): SetAside(row[2], row[3])
        for row in session.execute(ASIDE_OF, wallets_at(presents))
    }
