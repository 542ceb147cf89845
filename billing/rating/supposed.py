"""Supposed usage: what people say that would be used, in the place of what was measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.errors import InvalidInput
from billing.identifiers import MeterId
from billing.metering.aggregations import MeterTerms
from billing.money import ZERO
from billing.periods import Anchor, Period
from billing.rating.groups import GroupKind, GroupUsage
from billing.rating.quantities import MeteredUsage, UsageWindow, usage_windows
from billing.rating.terms import ChargeTerms, PlanTerms
from billing.ratios import add_up, quotient


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """Usage of a meter in one period.

    Units: ``quantity`` is what the meter's aggregation comes to, in the meter's unit.
    ``event_count`` are the events that it consists of, None where nobody says; ``properties`` are
    what all of them say of themselves.
    """

    meter_id: MeterId
    quantity: Decimal
    event_count: int | None = None
    properties: Mapping[str, str]


def suppose_usage(
    terms: PlanTerms, period: Period, anchor: Anchor, supposed: Sequence[Supposed]
) -> tuple[MeteredUsage, ...]:
    """Give the answer to every window of a period that begins at its anchor.

    What is supposed of a meter is spread evenly over the windows in which an allowance of it
    resets. Meters of which nothing is supposed were not used.

    Raises: InvalidInput naming ``quantities.<place>`` for a meter that the plan does not charge,
    for a second quantity of a meter whose parts cannot be added up, and for a COUNT of less than
    whole events. Worked example: 3,000 calls of a quarter whose allowance is monthly are 1,000 in
    each month.
    """
    meters = {one.meter.meter_id: one.meter for one in terms.charges if one.meter is not None}
    _check(meters, supposed)
    windows = usage_windows(terms, period, anchor)
    charges = {one.charge_id: one for one in terms.charges}
    return tuple(
        _answer(
            window,
            charges[window.charge_id],
            [one for one in supposed if one.meter_id == window.meter_id],
            [one for one in windows if one.charge_id == window.charge_id],
        )
        for window in windows
    )


def _check(meters: Mapping[MeterId, MeterTerms], supposed: Sequence[Supposed]) -> None:
    seen: set[MeterId] = set()
    for place, one in enumerate(supposed):
        meter = meters.get(one.meter_id)
        if meter is None:
            raise _refused("The plan has no charge on this meter.", place, "meter_id")
        if one.meter_id in seen and not meter.aggregation.definition.is_additive:
            raise _refused(
                f"A {meter.aggregation.value} has one quantity: its parts cannot be added up.",
                place,
                "meter_id",
            )
        seen.add(one.meter_id)
        is_whole = one.quantity == one.quantity.to_integral_value()
        if meter.aggregation.definition.counts_events and not is_whole:
            raise _refused(f"A {meter.aggregation.value} is of whole events.", place, "quantity")


def _answer(
    window: UsageWindow,
    charge: ChargeTerms,
    supposed: Sequence[Supposed],
    windows: Collection[UsageWindow],
) -> MeteredUsage:
    parts = [_part_of(one, charge, window, tuple(windows)) for one in supposed]
    return MeteredUsage(
        charge_id=window.charge_id,
        window=window,
        aggregate=add_up(one.aggregate for one in parts),
        event_count=sum(one.event_count for one in parts),
        groups=tuple(parts) if window.group_by else (),
    )


def _part_of(
    one: Supposed, charge: ChargeTerms, window: UsageWindow, windows: tuple[UsageWindow, ...]
) -> GroupUsage:
    """The share of a window, told apart as the charge does."""
    said = tuple(one.properties.get(name) for name in window.group_by)
    values = tuple(value for value in said if value is not None)
    is_told = len(values) == len(said)
    whole, rest = divmod(_events_of(one, charge), len(windows))
    return GroupUsage(
        # Values that the charge does not name are those of others: the charge tells.
        kind=GroupKind.NAMED if is_told else GroupKind.MISSING,
        aggregate=quotient(one.quantity, len(windows)),
        event_count=whole + (windows.index(window) < rest),
        values=values if is_told else (),
    )


def _events_of(one: Supposed, charge: ChargeTerms) -> int:
    if one.event_count is not None:
        return one.event_count
    if charge.meter is not None and charge.meter.aggregation.definition.counts_events:
        return int(one.quantity)
    return int(one.quantity != ZERO)


def _refused(reason: str, place: int, field: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_quantity", field=f"quantities.{place}.{field}")
