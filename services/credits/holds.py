"""Holds: credit is set aside before something is used, and settled for what it came to.

They draw only from grants without limits on what they pay for, and outlive none of those.
Source: CREDITS 20.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.ledger import (
    CreditPostingKind,
    key_of_release,
    key_of_settling,
)
from billing.date_limits import clock_in_words
from billing.errors import BillingError, Conflict, InvalidInput
from billing.money import ZERO, exactly
from models.base import new_id
from models.credits.grants import CreditGrant
from models.credits.holds import CreditHold
from repositories.credits import holds as stored_holds
from repositories.credits import postings as stored_postings
from repositories.credits.holds import HoldAsked, Placing
from services.constraints import translating
from services.credits import posting, units
from services.credits.posting import Movement
from services.credits.recurring import occurrences
from services.credits.standing import find_customer
from services.required import not_found
from services.subscriptions import clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHold:
    """Credit to be set aside. ``hold_id`` tells a repeat; None makes a new one."""

    customer_id: UUID
    unit: str
    amount: Decimal
    expires_at: datetime
    hold_id: UUID | None = None


def hold(
    session: Session,
    organization_id: UUID,
    command: NewHold,
    *,
    accruing: Decimal = ZERO,
    now: datetime,
) -> CreditHold:
    """The credit is set aside until ``expires_at``, a day from now at most.

    ``accruing`` is what is spent already and not billed yet. Raises NotFound, InvalidInput, which
    names the field; Conflict ``no_credit`` if there is less, ``hold_exists``. Idempotent by the id.
    """
    wanted = _row_of(organization_id, ask_for(command, now=now))
    outcome = _place(session, wanted, accruing, now=now)
    while outcome in {Placing.SOME_OVER, Placing.SOME_DUE}:
        key = (organization_id, wanted.customer_id, wanted.unit)
        if outcome is Placing.SOME_OVER:
            posting.free_holds_over(session, {key: wanted.at}, now=now)
        else:
            occurrences.store_due(session, key, at=wanted.at, now=now)
        session.flush()
        outcome = _place(session, wanted, accruing, now=now)
    if outcome is Placing.KNOWN:
        return _require_same(session, wanted)
    if outcome is Placing.NOT_IN_UNIT:
        unit = units.find_unit(session, organization_id, command.unit)
        unit.require_scale(command.amount, field="amount")
    if outcome is not Placing.HELD:
        raise _refusal(session, outcome, wanted)
    posting.note_moved(session, organization_id, wanted.customer_id, now=now)
    return wanted


def ask_for(command: NewHold, *, now: datetime) -> HoldAsked:
    """The hold that is wanted; nothing is set aside. Raises InvalidInput, which names the field."""
    if command.amount <= ZERO:
        raise InvalidInput("amount is more than 0.", code="not_positive", field="amount")
    return HoldAsked(
        id=command.hold_id or new_id(),
        customer_id=command.customer_id,
        unit=command.unit.strip().upper(),
        amount=command.amount,
        expires_at=command.expires_at,
        now=now,
    )


def _row_of(organization_id: UUID, asked: HoldAsked) -> CreditHold:
    return CreditHold(
        organization_id=organization_id,
        id=asked.id,
        customer_id=asked.customer_id,
        unit=asked.unit,
        amount=asked.amount,
        at=asked.now,
        expires_at=asked.expires_at,
        created_at=asked.now,
    )


def _place(session: Session, wanted: CreditHold, accruing: Decimal, *, now: datetime) -> Placing:
    with translating("pk_credit_hold", _taken()):
        return stored_holds.place_hold(session, wanted, accruing=accruing, now=now)


def _refusal(session: Session, outcome: Placing, wanted: CreditHold) -> BillingError:
    match outcome:
        case Placing.NO_CUSTOMER:
            return not_found("Customer")
        case Placing.TOO_LONG:
            customer = find_customer(session, wanted.organization_id, wanted.customer_id)
            is_test_clock = customer.test_clock_id is not None
            return InvalidInput(
                "A hold ends after the customer's present, and at most 24 hours after it, by"
                f" {clock_in_words(wanted.at, is_test_clock=is_test_clock)}.",
                code="hold_too_long",
                field="expires_at",
            )
        case _:
            return Conflict("The customer has not that much credit.", code="no_credit")


def settle(
    session: Session, organization_id: UUID, hold_id: UUID, amount: Decimal, *, now: datetime
) -> CreditHold:
    """The hold's credit was used, as much of it as that; the rest is free again.

    Raises NotFound ``hold_not_found``; InvalidInput; Conflict ``hold_over``, ``hold_settled`` for
    another amount than before, ``settles_too_much``. Idempotent by the hold.
    """
    found, at = _lock_hold(session, organization_id, hold_id, now=now)
    unit = units.find_unit(session, organization_id, found.unit)
    unit.require_scale(amount, field="amount")
    if found.settled_amount is not None:
        if found.settled_amount != amount:
            raise Conflict("The hold was settled for another amount.", code="hold_settled")
        return found
    if found.ended_at is not None:
        raise Conflict("The hold was released, or its time is over.", code="hold_over")
    if amount > found.amount:
        raise Conflict(f"The hold is of {found.amount}.", code="settles_too_much", field="amount")
    found.settled_amount, found.ended_at = amount, at
    session.add(found)
    _free(session, found, used=amount, at=at, now=now)
    return found


def release(session: Session, organization_id: UUID, hold_id: UUID, *, now: datetime) -> None:
    """What the hold set aside is free again.

    Raises NotFound ``hold_not_found``, Conflict ``hold_settled``. Idempotent by the hold.
    """
    found, at = _lock_hold(session, organization_id, hold_id, now=now)
    if found.settled_amount is not None:
        raise Conflict("The hold was settled.", code="hold_settled")
    if found.ended_at is None:
        found.ended_at = at
        session.add(found)
        _free(session, found, used=ZERO, at=at, now=now)


@exactly
def _free(
    session: Session, found: CreditHold, *, used: Decimal, at: datetime, now: datetime
) -> None:
    """What was held is free, and what of it was used is drawn, from the first grants first."""
    left = used
    back: list[tuple[CreditGrant, Decimal]] = []
    movements = []
    for one in stored_postings.list_held(session, found.organization_id, found.id):
        row = posting.grant_of(session, one)
        part = min(-one.amount, left)
        left -= part
        movements.append(_freed(row, CreditPostingKind.RELEASED, -one.amount, found, at=at))
        if part:
            movements.append(_freed(row, CreditPostingKind.DRAWN, -part, found, at=at))
        back.append((row, -one.amount - part))
    posting.post(session, movements, now=now)
    for row, part in back:
        if part:
            posting.end_returned(session, row, part, because_of=found.id, at=at, now=now)


def _freed(
    row: CreditGrant,
    kind: CreditPostingKind,
    amount: Decimal,
    found: CreditHold,
    *,
    at: datetime,
) -> Movement:
    key_of = key_of_settling if kind is CreditPostingKind.DRAWN else key_of_release
    return Movement(
        grant=row,
        kind=kind,
        amount=amount,
        key=key_of(found.id, row.id),
        at=at,
        hold_id=found.id,
    )


def _lock_hold(
    session: Session, organization_id: UUID, hold_id: UUID, *, now: datetime
) -> tuple[CreditHold, datetime]:
    """The hold as it stands once its wallet is locked, and the customer's present."""
    found = stored_holds.find_hold(session, organization_id, hold_id)
    if found is None:
        raise not_found("Hold")
    customer = find_customer(session, organization_id, found.customer_id, may_be_deleted=True)
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    key = (organization_id, found.customer_id, found.unit)
    posting.lock_wallet(session, key, at=at, now=now)
    locked = stored_holds.find_hold(session, organization_id, hold_id)
    return locked or found, at


def _require_same(session: Session, wanted: CreditHold) -> CreditHold:
    made = stored_holds.find_hold(session, wanted.organization_id, wanted.id)
    same = ("customer_id", "unit", "amount", "expires_at")
    if made is None or any(getattr(made, name) != getattr(wanted, name) for name in same):
        raise _taken()
    return made


def _taken() -> Conflict:
    return Conflict("A hold has this id, and says something else.", code="hold_exists", field="id")
