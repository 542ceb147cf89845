"""What bills would come to now: their lines so far, and what credit in own units pays of these.

That credit pays before a line becomes money, and bills draw on it one after the other: what a bill
comes to in money is known once those before it have drawn. Source: CREDITS 9, 14 and 15.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.bills import AvailableCredit
from billing.credits.cuts import Segment, cut_instants
from billing.credits.drawing import DrawableLine, Lot
from billing.credits.own_units import pay_in_units
from billing.credits.used import not_billed, segments_of_period
from billing.money import exactly
from billing.rating.frozen_usage import rate
from billing.rating.lines import LineType, PricedLine
from billing.rating.parts import without_minimum
from billing.units import currency_unit
from repositories.credits.wallets import WalletKey
from repositories.invoicing import corrections as stored_corrections
from services.credits.spendable import find_spendable
from services.rating.frozen_usage import Billed
from services.usage.cuts import CutsAsked, measure_cuts


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSoFar:
    """A bill, and those of its lines that are used already; ``segments`` are by their place.

    The lines know what was paid of them in own units, and the segments are of the money left.
    """

    bill: Billed
    lines: tuple[PricedLine, ...]
    segments: Mapping[int, tuple[Segment, ...]]

    def in_money(self, *, first: int) -> Iterator[DrawableLine]:
        """What credit in the bill's currency may pay, with positions from the first one on."""
        for place, line in enumerate(self.lines):
            yield DrawableLine(
                position=first + place,
                segments=self.segments[place],
                charge_id=line.charge_id,
                meter_id=line.meter_id,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidSoFar:
    """Bills so far, and what they leave of each lot before they are money, by its grant."""

    bills: tuple[BillSoFar, ...]
    left: Mapping[UUID, Decimal]


@exactly
def pay_so_far(
    session: Session, bills: Sequence[Billed], lots: Sequence[Lot], at: datetime
) -> PaidSoFar:
    """Let credit in own units pay what of the bills was used up to an instant, in their order.

    ``lots`` in currencies pay nothing here, but cut the lines where they begin and end.
    """
    left = {one.grant.grant_id: one.rest for one in lots}
    found = []
    for bill in bills:
        lines, segments = _used_lines(session, bill, lots, at)
        credit = AvailableCredit(
            unit=currency_unit(bill.terms.currency),
            lots=tuple(replace(one, rest=left[one.grant.grant_id]) for one in lots),
            final_at=at,
            segments=segments,
        )
        paid = pay_in_units(lines, credit)
        for one in paid.draws:
            left[one.grant_id] -= one.amount
        segments = (paid.credit or credit).segments
        found.append(BillSoFar(bill=bill, lines=paid.lines, segments=segments))
    return PaidSoFar(bills=tuple(found), left=left)


def list_lots(session: Session, wallets: Collection[WalletKey], at: datetime) -> tuple[Lot, ...]:
    """What is left in the wallets, over or not; no statement where there are none."""
    found = find_spendable(session, dict.fromkeys(wallets, at)) if wallets else {}
    return tuple(lot for key in wallets if key in found for lot in found[key].lots)


def _used_lines(
    session: Session, bill: Billed, lots: Sequence[Lot], at: datetime
) -> tuple[list[PricedLine], Mapping[int, tuple[Segment, ...]]]:
    """The lines of a bill so far, each in parts by when it was used."""
    frozen = bill.frozen
    is_over = frozen.period.ends_at <= at
    # What a minimum adds is used at the last instant of the period, as a fixed charge is.
    terms = bill.terms if is_over else without_minimum(bill.terms)
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
    cuts = measure_cuts(session, asked) if instants else ()
    segments = segments_of_period(terms, frozen, lines, cuts)
    if bill.stored.threshold_steps:
        # What invoices of the period billed has drawn on credit, or is due, already.
        said = stored_corrections.list_said(session, bill.subscription, bill.stored.index)
        billed = {one.charge_id: one.billed for one in said if one.unit is None}
        segments = not_billed(lines, segments, billed)
    used = [
        place
        for place, line in enumerate(lines)
        if place in segments and (line.type is LineType.USAGE or is_over)
    ]
    return [lines[place] for place in used], {n: segments[place] for n, place in enumerate(used)}
