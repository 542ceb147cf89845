"""What a customer's running periods come to so far: what alerts and spending caps compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.identifiers import ChargeId, MeterId
from billing.money import ZERO
from billing.rating.lines import LineType, PricedLine
from billing.rating.quantities import UsageWindow
from billing.ratios import as_decimal
from repositories.subscriptions import unbilled_periods as stored_periods
from services.rating.frozen_usage import look_at_spans
from services.rating.so_far import BillSoFar, list_lots, pay_so_far
from services.subscriptions.start import span_of
from services.usage.measure import look_at_usage


@dataclass(frozen=True, slots=True, kw_only=True)
class SpentLine:
    """What usage of one running period comes to so far, before credit in money pays it: one line.

    ``amounts`` are by what they are in, rounded as on a bill: the currency, and the own unit that
    the line is priced in. Of such a line the money is what credit in the unit leaves, at the
    overage rate; without a rate it comes to none. Units: ``quantity`` in the meter's unit.
    """

    subscription_id: UUID
    period_starts_at: datetime
    charge_id: ChargeId | None
    meter_id: MeterId | None
    amounts: Mapping[str, Decimal]
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
    if not running:
        return ()
    own = stored_periods.list_own_units(session, organization_id, customer_id)
    # Bills that are not final draw on the same credit, those that ended first before the others.
    unbilled = stored_periods.list_unbilled(session, organization_id, customer_id, own)
    known = {(of.id, period.index): (of, period) for of, period in (*unbilled, *running)}
    inside = sorted(
        (pair for pair in known.values() if pair[1].starts_at <= at),
        key=lambda pair: (pair[1].ends_at, pair[0].id),
    )
    spans = [(of, period, span_of(period)) for of, period in inside]
    bills = look_at_spans(session, spans, lambda _: True)
    lots = list_lots(session, [(organization_id, customer_id, one) for one in own], at)
    paid = pay_so_far(session, bills, lots, at)
    meant = {(of.id, period.index) for of, period in running}
    return tuple(
        line
        for one in paid.bills
        if (one.bill.subscription.id, one.bill.stored.index) in meant
        for line in _spent_lines(one)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedOfMeter:
    """How much of a meter was used in one running period, in the meter's unit."""

    period_starts_at: datetime
    quantity: Decimal
    watermark: int


def list_used(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    meter_id: UUID,
    *,
    subscription_id: UUID | None,
    at: datetime,
) -> tuple[UsedOfMeter, ...]:
    """What the meter counts in each running period of the customer, whether or not it is charged.

    Of a subscription, in that one's alone. The periods share their events: they do not add up.
    """
    windows = [
        UsageWindow(
            # No charge asks for it, and nothing else tells windows of one meter apart.
            charge_id=ChargeId(meter_id),
            meter_id=MeterId(meter_id),
            starts_at=period.starts_at,
            ends_at=period.ends_at,
        )
        for of, period in stored_periods.list_running(session, organization_id, customer_id, at=at)
        if subscription_id in {None, of.id}
    ]
    if not windows:
        return ()
    measured = look_at_usage(session, organization_id, customer_id, windows)
    return tuple(
        UsedOfMeter(
            period_starts_at=one.window.starts_at,
            quantity=as_decimal(one.aggregate),
            watermark=measured.watermark,
        )
        for one in measured.usage
    )


def _spent_lines(so_far: BillSoFar) -> Iterator[SpentLine]:
    bill = so_far.bill
    for line in so_far.lines:
        if line.type is LineType.USAGE:
            yield SpentLine(
                subscription_id=bill.subscription.id,
                period_starts_at=bill.stored.starts_at,
                charge_id=line.charge_id,
                meter_id=line.meter_id,
                amounts=_amounts(line),
                quantity=as_decimal(line.usage_quantity or ZERO),
                watermark=bill.frozen.watermark,
            )


def _amounts(line: PricedLine) -> dict[str, Decimal]:
    if line.priced_in is None:
        return {line.currency: line.money}
    own = {line.priced_in.code: line.amount}
    return own if line.overage_rate is None else own | {line.currency: line.rest_money}
