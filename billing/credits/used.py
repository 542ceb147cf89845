"""When the lines of a period's bill were used: each line in segments, by the usage up to each cut.

Source: CREDITS 9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from billing.credits.cuts import Segment, segments_of_fixed, segments_of_usage, used_after
from billing.errors import InvariantBroken
from billing.identifiers import ChargeId
from billing.money import ZERO, exactly
from billing.rating.frozen_usage import FrozenUsage, rate
from billing.rating.groups import Group
from billing.rating.lines import LineType, PricedLine
from billing.rating.parts import without_minimum
from billing.rating.quantities import MeteredUsage
from billing.rating.terms import ChargeTerms, PlanTerms
from billing.units import Unit, currency_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class CutUsage:
    """What of a bill's usage had been used before an instant, of the same events.

    ``usage`` answers the bill's windows in their order, each by its events before ``at`` alone.
    """

    at: datetime
    usage: tuple[MeteredUsage, ...]


def segments_of_period(
    terms: PlanTerms,
    frozen: FrozenUsage,
    lines: Sequence[PricedLine],
    cuts: Sequence[CutUsage],
) -> dict[int, tuple[Segment, ...]]:
    """The segments of a period's lines by their place; ``cuts`` are in order, inside the period.

    Up to a cut a line is what the same code makes of the usage before it, rounded as the line is,
    to the unit of its charge; what its minimum adds belongs to the last segment, and a fixed charge
    is used at the period's last instant. Lines that are not of the period (late usage, credit) have
    none here: they are used as they become final.
    Raises: InvariantBroken if cuts are out of order or outside.
    """
    instants = [one.at for one in cuts]
    edges = [frozen.period.starts_at, *instants, frozen.period.ends_at]
    if any(earlier >= later for earlier, later in pairwise(edges)) and cuts:
        raise InvariantBroken("The cuts of a period are inside it, in their order.")
    before = [_totals(terms, frozen, one.usage) for one in cuts]
    return {
        place: _segments(frozen, instants, line, before)
        for place, line in enumerate(lines)
        if line.charge_id is not None and line.type in _OF_PERIOD
    }


@exactly
def not_billed(
    lines: Sequence[PricedLine],
    segments: Mapping[int, tuple[Segment, ...]],
    billed: Mapping[ChargeId, Decimal],
) -> dict[int, tuple[Segment, ...]]:
    """The segments without what earlier invoices of the period ``billed`` of each charge.

    Where several lines bill a charge, the first ones were billed first
    (``repositories.invoicing.invoiced_before`` says the same of stored lines), and of each line
    what was used first.
    """
    left = dict(segments)
    due = dict(billed)
    for place in sorted(segments):
        charge_id = lines[place].charge_id
        before = ZERO if charge_id is None else due.get(charge_id, ZERO)
        taken = min(before, max(ZERO, lines[place].amount))
        if charge_id is not None and taken > ZERO:
            due[charge_id] = before - taken
            left[place] = used_after(segments[place], taken)
    return left


def unit_of(terms: PlanTerms, charge: ChargeTerms) -> Unit:
    """What the prices of a charge are in, and its lines are rounded to: by default the currency."""
    return charge.unit or currency_unit(terms.currency)


_Part = tuple[ChargeId, Group | None]
"""A charge, or one group of its usage."""

_OF_PERIOD = frozenset({LineType.USAGE, LineType.FIXED, LineType.PRORATION})


def _segments(
    frozen: FrozenUsage,
    instants: Sequence[datetime],
    line: PricedLine,
    before: Sequence[Mapping[_Part, Decimal]],
) -> tuple[Segment, ...]:
    total = line.amount
    if line.type is not LineType.USAGE:
        return segments_of_fixed(frozen.period, instants, total)
    assert line.charge_id is not None
    part = (line.charge_id, line.group)
    # A group that nobody had used yet has no line.
    totals = [one.get(part, ZERO) for one in before]
    return segments_of_usage(frozen.period, instants, [*totals, total])


def _totals(
    terms: PlanTerms,
    frozen: FrozenUsage,
    usage: Sequence[MeteredUsage],
) -> dict[_Part, Decimal]:
    """What each line came to before a cut, rounded as it is, and without a minimum."""
    return {
        (line.charge_id, line.group): line.amount
        for line in rate(without_minimum(terms), frozen, usage)
        if line.charge_id is not None
    }
