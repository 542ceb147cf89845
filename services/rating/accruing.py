"""What of a customer's credit is used already, by usage that no final bill has drawn yet.

Bills draw it as they become final; until then nothing is posted, and nothing of it is free. Taxes
that credit will pay are left out. Source: CREDITS.md rules 9 and 15.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.cuts import cut_instants
from billing.credits.drawing import DrawableLine, Lot, draw
from billing.credits.grants import Place
from billing.credits.used import segments_of_period, unit_of, without_minimum
from billing.identifiers import ChargeId, MeterId
from billing.money import ZERO, exactly
from billing.rating.frozen_usage import rate
from billing.rating.lines import LineType
from billing.rating.terms import PlanTerms
from billing.ratios import as_decimal
from billing.units import Unit
from repositories.credits.wallets import WalletKey
from repositories.subscriptions import unbilled_periods as stored_periods
from services.credits import units
from services.credits.balances import Accruing
from services.credits.spendable import find_spendable
from services.credits.standing import find_customer
from services.rating.frozen_usage import Billed, look_at_spans
from services.subscriptions import clocks
from services.subscriptions.start import span_of
from services.usage.cuts import CutsAsked, measure_cuts


@exactly
def find_accruing(session: Session, key: WalletKey, unit: Unit, at: datetime) -> Accruing:
    """What bills would draw now from grants that are alive, for what was used up to that instant.

    A fixed charge is used at the last instant of its period, and what a minimum adds as well.
    """
    bills = _unbilled(session, key, unit, at)
    if not bills:
        return Accruing()
    lots = _lots(session, key, at)
    left = _draw(session, bills, lots, unit, at)
    taken = [(one.grant, one.rest - left[one.grant.grant_id]) for one in _alive(lots, at)]
    return Accruing(
        amount=sum((amount for _, amount in taken), ZERO),
        unrestricted=sum((a for grant, a in taken if not grant.applies_to.is_restricted), ZERO),
        watermark=max(bill.frozen.watermark for bill in bills),
    )


def find_unholdable(
    session: Session, organization_id: UUID, customer_id: UUID, unit: str, *, now: datetime
) -> Decimal:
    """What of the grants that holds draw from is used already. One statement where nothing is."""
    key = (organization_id, customer_id, unit.strip().upper())
    if not stored_periods.list_unbilled(session, *key):
        return ZERO
    customer = find_customer(session, organization_id, customer_id)
    known = units.find_unit(session, organization_id, unit)
    present = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    return find_accruing(session, key, known, present).unrestricted


@dataclass(frozen=True, slots=True, kw_only=True)
class SpentLine:
    """What usage of one running period comes to so far, before what pays it: one line.

    Units: ``amount`` in ``unit``, rounded as on a bill; ``quantity`` in the meter's unit.
    """

    subscription_id: UUID
    period_starts_at: datetime
    charge_id: ChargeId | None
    meter_id: MeterId | None
    unit: Unit
    amount: Decimal
    quantity: Decimal
    watermark: int


def list_spent(
    session: Session, organization_id: UUID, customer_id: UUID, *, at: datetime
) -> tuple[SpentLine, ...]:
    """What the customer's running periods come to so far, line by line.

    Of what is used as it is: a fixed charge is used at the last instant of its period, and what a
    minimum adds as well.
    """
    running = stored_periods.list_running(session, organization_id, customer_id, at=at)
    spans = [(of, period, span_of(period)) for of, period in running]
    bills = look_at_spans(session, spans, lambda _: True) if spans else []
    return tuple(line for bill in bills for line in _spent_lines(bill))


def _spent_lines(bill: Billed) -> Iterator[SpentLine]:
    terms = without_minimum(bill.terms)
    charges = {one.charge_id: one for one in terms.charges}
    for line in rate(terms, bill.frozen):
        charge = None if line.charge_id is None else charges.get(line.charge_id)
        if line.type is LineType.USAGE and charge is not None:
            unit = unit_of(terms, charge)
            yield SpentLine(
                subscription_id=bill.subscription.id,
                period_starts_at=bill.stored.starts_at,
                charge_id=line.charge_id,
                meter_id=line.meter_id,
                unit=unit,
                amount=unit.round(line.exact_amount),
                quantity=as_decimal(line.usage_quantity or ZERO),
                watermark=bill.frozen.watermark,
            )


def find_left(session: Session, key: WalletKey, unit: Unit, *, at: datetime) -> list[Lot]:
    """The grants that can be spent at that instant, with what bills so far leave of each."""
    lots = _lots(session, key, at)
    left = _draw(session, _unbilled(session, key, unit, at), lots, unit, at) if lots else {}
    rests = [replace(one, rest=left[one.grant.grant_id]) for one in _alive(lots, at)]
    return [one for one in rests if one.rest > ZERO]


def _unbilled(session: Session, key: WalletKey, unit: Unit, at: datetime) -> list[Billed]:
    spans = [
        (subscription, period, span_of(period))
        for subscription, period in stored_periods.list_unbilled(session, *key)
        if period.starts_at <= at
    ]
    if not spans:
        return []
    return look_at_spans(session, spans, lambda terms: bool(_charges_in(terms, unit)))


def _lots(session: Session, key: WalletKey, at: datetime) -> tuple[Lot, ...]:
    spendable = find_spendable(session, {key: at}).get(key)
    return spendable.lots if spendable is not None else ()


def _alive(lots: Iterable[Lot], at: datetime) -> list[Lot]:
    return [one for one in lots if one.grant.is_alive(at)]


@exactly
def _draw(
    session: Session, bills: Sequence[Billed], lots: Sequence[Lot], unit: Unit, at: datetime
) -> dict[UUID, Decimal]:
    """What the bills leave of each lot: first those that pay before tax, as on a bill."""
    lines: list[DrawableLine] = []
    for bill in bills:
        used = _used_lines(session, bill, lots, unit, at)
        lines += [replace(one, position=len(lines) + place) for place, one in enumerate(used)]
    left = {one.grant.grant_id: one.rest for one in lots}
    for place in Place:
        drawing = draw(lines, [one for one in lots if one.grant.place is place])
        lines = list(drawing.left)
        for one in drawing.draws:
            left[one.grant_id] -= one.amount
    return left


def _charges_in(terms: PlanTerms, unit: Unit) -> frozenset[UUID]:
    return frozenset(
        one.charge_id for one in terms.charges if unit_of(terms, one).code == unit.code
    )


def _used_lines(
    session: Session, bill: Billed, lots: Sequence[Lot], unit: Unit, at: datetime
) -> Iterator[DrawableLine]:
    """The lines of a bill so far in the unit, each in parts by when it was used, not placed yet."""
    frozen, wanted = bill.frozen, _charges_in(bill.terms, unit)
    terms = without_minimum(bill.terms)
    # What begins at this very instant pays for what is used at it; later cuts have nothing yet.
    instants = [
        one for one in cut_instants(frozen.period, [one.grant for one in lots]) if one <= at
    ]
    asked = CutsAsked(
        organization_id=bill.subscription.organization_id,
        customer_id=bill.subscription.customer_id,
        usage=frozen.usage,
        cuts=instants,
    )
    lines = rate(terms, frozen)
    segments = segments_of_period(terms, frozen, lines, measure_cuts(session, asked))
    for place, line in enumerate(lines):
        is_used = line.type is LineType.USAGE or frozen.period.ends_at <= at
        if line.charge_id in wanted and is_used:
            yield DrawableLine(
                position=0,
                segments=segments[place],
                charge_id=line.charge_id,
                meter_id=line.meter_id,
            )
