"""What of a customer's credit is used already, by usage that no final bill has drawn yet.

Bills draw it as they become final; until then nothing is posted, and nothing of it is free. Taxes
that credit will pay are left out. Source: CREDITS 9 and 15.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.drawing import DrawableLine, Lot, draw
from billing.credits.grants import Place
from billing.credits.used import unit_of
from billing.money import ZERO, exactly
from billing.units import Unit
from repositories.credits.wallets import WalletKey
from repositories.subscriptions import unbilled_periods as stored_periods
from services.credits import units
from services.credits.balances import Accruing
from services.credits.standing import find_customer
from services.rating.frozen_usage import Billed, look_at_spans
from services.rating.so_far import list_lots, pay_so_far
from services.subscriptions import clocks
from services.subscriptions.start import span_of


@exactly
def find_accruing(session: Session, key: WalletKey, unit: Unit, at: datetime) -> Accruing:
    """What bills would draw now from grants that are alive, for what was used up to that instant.

    A fixed charge is used at the last instant of its period, and what a minimum adds as well: both
    are there once the period is over, and until its bill has drawn them.
    """
    unbilled = _unbilled(session, key, unit, at)
    if not unbilled.bills:
        return Accruing()
    lots = list_lots(session, [key], at)
    left = _draw(session, unbilled, lots, unit, at)
    taken = [(one.grant, one.rest - left[one.grant.grant_id]) for one in _alive(lots, at)]
    return Accruing(
        amount=sum((amount for _, amount in taken), ZERO),
        unrestricted=sum((a for grant, a in taken if not grant.applies_to.is_restricted), ZERO),
        watermark=max(bill.frozen.watermark for bill in unbilled.bills),
    )


def find_unholdable(
    session: Session, organization_id: UUID, customer_id: UUID, unit: str, *, now: datetime
) -> Decimal:
    """What of the grants that holds draw from is used already. One statement where nothing is."""
    key = (organization_id, customer_id, unit.strip().upper())
    if not stored_periods.list_unbilled(session, *key[:2], [key[2]]):
        return ZERO
    customer = find_customer(session, organization_id, customer_id)
    known = units.find_unit(session, organization_id, unit)
    present = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    return find_accruing(session, key, known, present).unrestricted


def find_left(session: Session, key: WalletKey, unit: Unit, *, at: datetime) -> list[Lot]:
    """The grants that can be spent at that instant, with what bills so far leave of each."""
    lots = list_lots(session, [key], at)
    if not lots:
        return []
    left = _draw(session, _unbilled(session, key, unit, at), lots, unit, at)
    rests = [replace(one, rest=left[one.grant.grant_id]) for one in _alive(lots, at)]
    return [one for one in rests if one.rest > ZERO]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unbilled:
    """Bills that draw on a wallet, and on those in own units that pay before it does."""

    bills: Sequence[Billed] = ()
    before: Sequence[WalletKey] = ()


def _unbilled(session: Session, key: WalletKey, unit: Unit, at: datetime) -> _Unbilled:
    """What draws on the wallet; in a currency also what leaves less in an own unit before it."""
    periods = stored_periods.list_unbilled(session, *key[:2], [unit.code])
    own: Sequence[str] = ()
    if periods and unit.is_currency:
        own = stored_periods.list_own_units(session, *key[:2], currency=unit.code)
    if own:
        periods = stored_periods.list_unbilled(session, *key[:2], [unit.code, *own])
    spans = [(of, period, span_of(period)) for of, period in periods if period.starts_at <= at]
    if not spans:
        return _Unbilled()
    wanted = {unit.code, *own}
    bills = look_at_spans(session, spans, lambda bill: not wanted.isdisjoint(_units_of(bill)))
    return _Unbilled(bills=bills, before=[(*key[:2], one) for one in own])


def _units_of(bill: Billed) -> set[str]:
    terms = bill.terms
    of_add_ons = {terms.currency} if bill.frozen.add_ons else set()
    return {unit_of(terms, one).code for one in terms.charges} | of_add_ons


def _alive(lots: Iterable[Lot], at: datetime) -> list[Lot]:
    return [one for one in lots if one.grant.is_alive(at)]


@exactly
def _draw(
    session: Session, unbilled: _Unbilled, lots: Sequence[Lot], unit: Unit, at: datetime
) -> Mapping[UUID, Decimal]:
    """What the bills leave of each lot: own units first, then what pays before tax, as on a bill.

    The lots are those of the unit.
    """
    before = list_lots(session, unbilled.before, at)
    paid = pay_so_far(session, unbilled.bills, (*lots, *before), at)
    left = dict(paid.left)
    lines: list[DrawableLine] = []
    for one in paid.bills:
        if one.bill.terms.currency == unit.code:
            lines += one.in_money(first=len(lines))
    for place in Place:
        drawing = draw(lines, [one for one in lots if one.grant.place is place])
        lines = list(drawing.left)
        for drawn in drawing.draws:
            left[drawn.grant_id] -= drawn.amount
    return left
