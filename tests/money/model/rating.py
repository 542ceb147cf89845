"""What a period comes to, charge by charge: slow, plain, in fractions, without the product's code.

*Source: CONTRACT 8, 10, 11, 13, 18, 26, 42, 91, 92, 93.*
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from tests.billing.naive import price, round_half_away
from tests.money.model.aggregates import Event, aggregate, counted
from tests.money.model.journal import Allowance, Charge, Meter, Plan
from tests.money.model.years import Anchor, Span, span_around

NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Time that is billed together, the regular period that it is of, and the events it knows."""

    span: Span
    regular: Span
    anchor: Anchor
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What does not change from period to period."""

    meters: dict[str, Meter]
    places: int
    by_second: bool


def rate(world: World, plan: Plan, parts: Sequence[Part]) -> dict[str, Fraction]:
    """What the last of these parts owes for each charge, rounded.

    The parts are those of one regular period on one plan, in order, up to the one in question.
    """
    return {charge.name: _rate_charge(world, plan, charge, parts) for charge in plan.charges}


def _rate_charge(world: World, plan: Plan, charge: Charge, parts: Sequence[Part]) -> Fraction:
    """Hold the parts, one after the other, to the share of the bounds that they cover so far."""
    priced, covered, billed = NOTHING, NOTHING, [NOTHING]
    is_moved = False
    for part in parts:
        amounts = _price_part(world, plan, charge, part)
        amount = sum(amounts, NOTHING)
        priced, covered = priced + amount, covered + share(world, part)
        held = _clamp(charge, priced, covered)
        is_moved = is_moved or held != priced
        if is_moved:
            amount = max(NOTHING, held - sum(billed, NOTHING))
        # Lines of groups are rounded each, unless bounds hold them together.
        is_bounded = charge.minimum is not None or charge.maximum is not None
        lines = [amount] if is_bounded else amounts
        billed.append(sum((round_half_away(one, world.places) for one in lines), NOTHING))
    return billed[-1]


def _clamp(charge: Charge, amount: Fraction, share: Fraction) -> Fraction:
    if charge.minimum is not None:
        amount = max(amount, Fraction(charge.minimum) * share)
    if charge.maximum is not None:
        amount = min(amount, Fraction(charge.maximum) * share)
    return amount


def share(world: World, part: Part) -> Fraction:
    """How much of its regular period a part is."""
    if world.by_second:
        return Fraction(
            (part.span.ends_at - part.span.starts_at) // timedelta(microseconds=1),
            (part.regular.ends_at - part.regular.starts_at) // timedelta(microseconds=1),
        )
    return Fraction(_days(part.span), _days(part.regular))


def _days(span: Span) -> int:
    return (span.ends_at.date() - span.starts_at.date()).days


def _price_part(world: World, plan: Plan, charge: Charge, part: Part) -> list[Fraction]:
    """What each line of the charge costs: one, or one for each group that was used."""
    if charge.meter is None:
        assert charge.amount is not None
        return [Fraction(charge.amount) * share(world, part)]
    assert charge.pricing is not None
    meter = world.meters[charge.meter]
    mine = [event for event in part.events if event.meter == charge.meter and not event.is_void]
    if charge.groups is not None:
        return _price_groups(world, plan, charge, part, mine)
    billable = NOTHING
    for opens_at, window in _windows(plan, charge, part):
        before = Span(starts_at=opens_at, ends_at=window.starts_at)
        earlier = aggregate(meter, mine, before) if opens_at < window.starts_at else NOTHING
        measured = aggregate(meter, mine, window)
        billable += _billable(plan, charge, max(NOTHING, earlier), measured)
    return [price(charge.pricing, billable, len(counted(mine, part.span)))]


def _price_groups(
    world: World, plan: Plan, charge: Charge, part: Part, mine: Sequence[Event]
) -> list[Fraction]:
    """What is billed of everybody together, less what is billed of those before in the order."""
    assert charge.meter is not None
    assert charge.pricing is not None
    assert charge.groups is not None
    meter, default = world.meters[charge.meter], charge.pricing
    order = [*charge.groups, "somebody else", "nobody"]
    amounts = []
    for place, group in enumerate(order):
        upto = [event for event in mine if order.index(_group_of(charge, event)) <= place]
        own = [event for event in upto if _group_of(charge, event) == group]
        billable, count = NOTHING, len(counted(own, part.span))
        for opens_at, window in _windows(plan, charge, part):
            before = Span(starts_at=opens_at, ends_at=window.starts_at)
            earlier = aggregate(meter, mine, before) if opens_at < window.starts_at else NOTHING
            together = aggregate(meter, upto, window)
            without = together - aggregate(meter, own, window)
            billable += _billable(plan, charge, earlier, together)
            billable -= _billable(plan, charge, earlier, without)
        if count:
            amounts.append(price(charge.groups.get(group, default), billable, count))
    return amounts or [price(default, NOTHING, 0)]


def _group_of(charge: Charge, event: Event) -> str:
    assert charge.groups is not None
    if event.distinct is None:
        return "nobody"
    return event.distinct if event.distinct in charge.groups else "somebody else"


def _billable(plan: Plan, charge: Charge, earlier: Fraction, measured: Fraction) -> Fraction:
    """What of a window's usage is billed, where ``earlier`` was used of it before the part."""
    included = max(NOTHING, _included(plan, charge) - earlier)
    billable = max(NOTHING, measured - included)
    allowance = _allowance(plan, charge)
    if allowance is None or allowance.is_soft or not allowance.waives:
        return billable
    over = max(NOTHING, measured - max(NOTHING, Fraction(allowance.units) - earlier))
    # Nothing that is included is ever above the limit.
    return billable if over == NOTHING else max(NOTHING, billable - over)


def _included(plan: Plan, charge: Charge) -> Fraction:
    if charge.included is not None:
        return Fraction(charge.included)
    oldest = next(one for one in plan.charges if one.meter == charge.meter)
    allowance = _allowance(plan, charge)
    return Fraction(allowance.units) if allowance and oldest is charge else NOTHING


def _allowance(plan: Plan, charge: Charge) -> Allowance | None:
    return next((one for one in plan.allowances if one.meter == charge.meter), None)


def _windows(plan: Plan, charge: Charge, part: Part) -> list[tuple[datetime, Span]]:
    """The part cut at every reset, each piece with the instant since which its usage counts."""
    allowance = _allowance(plan, charge)
    is_limited = allowance is not None and not allowance.is_soft
    if _included(plan, charge) == NOTHING and not is_limited:
        return [(part.span.starts_at, part.span)]
    resets = (allowance.resets if allowance else None) or plan.interval
    pieces: list[tuple[datetime, Span]] = []
    starts_at = part.span.starts_at
    while starts_at < part.span.ends_at:
        whole = span_around(part.anchor, resets, starts_at)
        ends_at = min(whole.ends_at, part.span.ends_at)
        opens_at = max(whole.starts_at, part.anchor.at)
        pieces.append((opens_at, Span(starts_at=starts_at, ends_at=ends_at)))
        starts_at = ends_at
    return pieces
