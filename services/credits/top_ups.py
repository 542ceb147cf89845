"""Rules that top credit up: switched on and off, shown, and told what became of their tries.

Who tries is :mod:`services.purchases.top_ups`. Source: CREDITS 21.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.credits.top_ups import PerWindow, Price, TopUpStatus, TopUpTerms, next_try_at
from billing.errors import Conflict
from models.base import new_id
from models.credits.top_ups import CreditTopUp, CreditTopUpRule
from repositories.credits import top_ups as stored_top_ups
from services.audit_log import ACTOR, SYSTEM, record
from services.constraints import translating
from services.credits import posting, units
from services.credits.standing import find_customer
from services.required import not_found
from services.subscriptions import clocks

BY_PERSON: Final = "person"
BY_DECLINES: Final = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRule:
    """A rule as somebody asks for it; ``asked_from`` is the address that the request came from."""

    unit: str
    threshold: Decimal
    step: Decimal
    max_count: PerWindow
    max_amount: PerWindow
    target: Decimal | None = None
    price: Price | None = None
    asked_from: str | None = None


def create_rule(
    session: Session, organization_id: UUID, customer_id: UUID, command: NewRule, *, now: datetime
) -> CreditTopUpRule:
    """The customer's credit is topped up from now on, and at once if too little is there.

    Raises NotFound, InvalidInput, which names the field; Conflict ``top_up_rule_exists`` where the
    customer has a rule for the unit that is switched on.
    """
    customer = find_customer(session, organization_id, customer_id)
    unit = units.find_unit(session, organization_id, command.unit)
    terms = TopUpTerms(
        unit=unit,
        threshold=command.threshold,
        step=command.step,
        target=command.target,
        max_count=command.max_count,
        max_amount=command.max_amount,
        price=command.price,
    )
    units.store_unit(session, organization_id, unit, now=now)
    key = (organization_id, customer.id, unit.code)
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    posting.lock_wallet(session, key, at=at, now=now)
    row = _new_row(session, customer.id, organization_id, terms, command.asked_from, now=now)
    with translating("uq_credit_top_up_rule_enabled", _exists()):
        stored_top_ups.insert(session, row)
    _record(session, row, "top_up_rule.created", now=now)
    stored_top_ups.wake(session, organization_id, row.id, now=now)
    return row


def _new_row(
    session: Session,
    customer_id: UUID,
    organization_id: UUID,
    terms: TopUpTerms,
    asked_from: str | None,
    *,
    now: datetime,
) -> CreditTopUpRule:
    return CreditTopUpRule(
        organization_id=organization_id,
        id=new_id(),
        customer_id=customer_id,
        unit=terms.unit.code,
        threshold=terms.threshold,
        step=terms.step,
        target=terms.target,
        max_count_day=int(terms.max_count.day),
        max_count_month=int(terms.max_count.month),
        max_amount_day=terms.max_amount.day,
        max_amount_month=terms.max_amount.month,
        price_amount=None if terms.price is None else terms.price.amount,
        price_currency=None if terms.price is None else terms.price.currency,
        enabled_by=session.info.get(ACTOR, SYSTEM),
        enabled_at=now,
        enabled_from=asked_from,
        created_at=now,
    )


def switch(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    rule_id: UUID,
    *,
    is_enabled: bool,
    asked_from: str | None,
    now: datetime,
) -> CreditTopUpRule:
    """The rule is on, which says who switched it on and begins its declines anew, or off.

    What it tried before counts for its caps all the same. A try that is open goes on. A repeat
    changes nothing. Raises NotFound, Conflict ``top_up_rule_exists``.
    """
    find_customer(session, organization_id, customer_id)
    row = stored_top_ups.lock_rule(session, organization_id, rule_id)
    if row is None or row.customer_id != customer_id:
        raise not_found("Top up rule")
    if row.enabled is is_enabled:
        return row
    if is_enabled:
        row.enabled, row.disabled_at, row.disabled_because = True, None, None
        row.enabled_by, row.enabled_at = session.info.get(ACTOR, SYSTEM), now
        row.enabled_from = asked_from
        with translating("uq_credit_top_up_rule_enabled", _exists()):
            stored_top_ups.insert(session, row)
        stored_top_ups.wake(session, organization_id, row.id, suffix=f"/{new_id()}", now=now)
    else:
        _switch_off(session, row, BY_PERSON, now=now)
    action = "top_up_rule.enabled" if is_enabled else "top_up_rule.disabled"
    _record(session, row, action, now=now)
    return row


def list_rules(
    session: Session, organization_id: UUID, customer_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[CreditTopUpRule], int]:
    """A page of the customer's rules, oldest first. Raises NotFound ``customer_not_found``."""
    find_customer(session, organization_id, customer_id)
    return stored_top_ups.list_rules(
        session, organization_id, customer_id, offset=offset, limit=limit
    )


def list_top_ups(
    session: Session, organization_id: UUID, customer_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[CreditTopUp], int]:
    """A page of what was tried for the customer. Raises NotFound ``customer_not_found``."""
    find_customer(session, organization_id, customer_id)
    return stored_top_ups.list_top_ups(
        session, organization_id, customer_id, offset=offset, limit=limit
    )


def terms_of(session: Session, row: CreditTopUpRule) -> TopUpTerms:
    """What a rule was made with, as a value."""
    price = None
    if row.price_amount is not None and row.price_currency is not None:
        price = Price(amount=row.price_amount, currency=row.price_currency)
    return TopUpTerms(
        unit=units.find_unit(session, row.organization_id, row.unit),
        threshold=row.threshold,
        step=row.step,
        target=row.target,
        max_count=PerWindow(day=Decimal(row.max_count_day), month=Decimal(row.max_count_month)),
        max_amount=PerWindow(day=row.max_amount_day, month=row.max_amount_month),
        price=price,
    )


def succeed(
    session: Session, organization_id: UUID, invoice_id: UUID, *, at: datetime
) -> CreditTopUp | None:
    """The try whose invoice is paid has brought credit; None if the invoice is of no open try."""
    row = stored_top_ups.lock_open_of_invoice(session, organization_id, invoice_id)
    if row is not None:
        row.status, row.settled_at = TopUpStatus.SUCCEEDED, at
        stored_top_ups.insert(session, row)
    return row


def fail(
    session: Session, organization_id: UUID, invoice_id: UUID, *, at: datetime, now: datetime
) -> CreditTopUp | None:
    """The try has failed: the next is an hour later, then a day, then the rule is off.

    None if the invoice is of no open try. Idempotent by the try; its wallet is locked.
    """
    row = stored_top_ups.lock_open_of_invoice(session, organization_id, invoice_id)
    if row is None:
        return None
    row.status, row.settled_at = TopUpStatus.FAILED, at
    stored_top_ups.insert(session, row)
    rule = stored_top_ups.lock_rule(session, organization_id, row.rule_id)
    assert rule is not None, "rules are never deleted"
    if not rule.enabled:
        return row
    declines, declined_at = stored_top_ups.find_declines(session, rule)
    if declined_at is None:
        return row
    due_at = next_try_at(declined_at, declines=declines)
    if due_at is None:
        _switch_off(session, rule, BY_DECLINES, now=now)
        _record(session, rule, "top_up_rule.disabled", now=now)
    else:
        # On a test clock it is looked at again as the clock arrives there.
        stored_top_ups.wake(
            session, organization_id, rule.id, suffix=f"/{row.number}", due_at=due_at, now=now
        )
    return row


def _switch_off(session: Session, row: CreditTopUpRule, because: str, *, now: datetime) -> None:
    row.enabled, row.disabled_at, row.disabled_because = False, now, because
    stored_top_ups.insert(session, row)


def _exists() -> Conflict:
    return Conflict(
        "The customer has a top-up rule for this unit that is switched on.",
        code="top_up_rule_exists",
        field="unit",
    )


def _record(session: Session, row: CreditTopUpRule, action: str, *, now: datetime) -> None:
    record(
        session,
        row.organization_id,
        action,
        "top_up_rule",
        row.id,
        after={
            "customer_id": row.customer_id,
            "unit": row.unit,
            "threshold": row.threshold,
            "step": row.step,
            "disabled_because": row.disabled_because,
        },
        now=now,
    )
