"""Frozen usage: what a bill is computed from, and the one function that computes it.

Bill, preview, verification, late usage and files of receipts all rate through :func:`rate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from billing.periods import Period
from billing.rating.add_ons.lines import add_on_lines
from billing.rating.add_ons.spans import AddOnTerms
from billing.rating.charge_bounds import EarlierParts
from billing.rating.engines import Engine
from billing.rating.lines import PricedLine
from billing.rating.parts import without_minimum
from billing.rating.periods import Part, rate_period
from billing.rating.proration import Share
from billing.rating.quantities import MeteredUsage
from billing.rating.terms import ChargeTerms, PlanTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenUsage:
    """What a bill is computed from, and up to which arrival: the content of its first step.

    ``share`` is what fixed charges, minimum and maximum owe of the regular period; ``watermark``
    the last arrival sequence that is in. ``earlier`` are the parts of the same regular period that
    were billed before, ``engine`` the rules that the bill is made by, for good. ``add_ons`` are
    those of the subscription, in the quantities that held in the period. A bill of a period that
    still runs is of the period ``is_so_far``.
    """

    plan_id: UUID
    plan_version: int
    period: Period
    share: Share
    watermark: int
    usage: tuple[MeteredUsage, ...]
    earlier: tuple[EarlierParts, ...] = ()
    engine: Engine = Engine.FIRST
    add_ons: tuple[AddOnTerms, ...] = ()
    is_so_far: bool = False

    @property
    def part(self) -> Part:
        """Which part of its regular period it is, and the rules."""
        return Part(share=self.share, earlier=self.earlier, engine=self.engine)


def rate(
    terms: PlanTerms, frozen: FrozenUsage, usage: Sequence[MeteredUsage] | None = None
) -> tuple[PricedLine, ...]:
    """The priced lines of what was frozen; ``usage`` stands in for its own, read in another way.

    Of a period so far these are the lines of :func:`billed_so_far`, without what it owes at least.
    """
    used = frozen.usage if usage is None else usage
    if not frozen.is_so_far:
        lines = rate_period(terms, frozen.period, used, frozen.part)
        return with_add_ons(terms, frozen, lines)
    billed = {one.charge_id for one in terms.charges if billed_so_far(one)}
    lines = rate_period(without_minimum(terms), frozen.period, used, frozen.part)
    return tuple(one for one in lines if one.charge_id in billed)


def with_add_ons(
    terms: PlanTerms, frozen: FrozenUsage, lines: Sequence[PricedLine]
) -> tuple[PricedLine, ...]:
    """The lines of the plan's charges, and after them those of the subscription's add-ons."""
    return (*lines, *add_on_lines(terms.currency, frozen.add_ons))


def billed_so_far(charge: ChargeTerms) -> bool:
    """Whether a charge is billed of a period that still runs, by its usage.

    What is fixed, or measures time that has not been yet, is billed as the period is over, and so
    is what has its price in an own unit.
    """
    meter = charge.meter
    if meter is None or charge.unit is not None:
        return False
    return not (meter.carry_forward or meter.aggregation.definition.is_over_time)
