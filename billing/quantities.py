"""Quantities: which usage a period needs, and what of it is included, billed, or over a limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.errors import InvariantBroken
from billing.identifiers import ChargeId, MeterId
from billing.money import ZERO, exactly, require_decimals
from billing.periods import Anchor, Period, boundary, index_containing, regular_period
from billing.terms import Allowance, ChargeTerms, ChargeType, PlanTerms, find_allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageWindow:
    """A span whose usage must be read for a charge: [starts_at, ends_at).

    ``is_earlier`` marks usage that an earlier bill covered, but that used up part of the allowance
    of the window that goes on in this period; it ends where the first billed window starts.
    """

    charge_id: ChargeId
    meter_id: MeterId
    starts_at: datetime
    ends_at: datetime
    is_earlier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredUsage:
    """The answer to a window: the aggregate of its counted events, and how many they were."""

    charge_id: ChargeId
    window: UsageWindow
    aggregate: Decimal
    event_count: int

    def __post_init__(self) -> None:
        require_decimals(aggregate=self.aggregate)
        if self.event_count < 0:
            raise InvariantBroken("A count of events cannot be negative.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowQuantity:
    """One reset window's part in a charge. ``earlier`` was measured before this period."""

    starts_at: datetime
    ends_at: datetime
    earlier: Decimal
    measured: Decimal
    included: Decimal
    billable: Decimal
    over_limit: Decimal
    billable_within_limit: Decimal
    event_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeQuantity:
    """A charge's usage in a period. Units: the meter's.

    ``billable`` = measured - included. ``billable_within_limit`` leaves out what is above a hard
    limit; it is what remains where the limit waives. ``billable_event_count`` leaves out windows
    that the allowance covered whole.
    """

    charge_id: ChargeId
    measured: Decimal
    included: Decimal
    billable: Decimal
    over_limit: Decimal
    billable_within_limit: Decimal
    event_count: int
    billable_event_count: int
    windows: tuple[WindowQuantity, ...]


def usage_windows(terms: PlanTerms, period: Period, anchor: Anchor) -> tuple[UsageWindow, ...]:
    """Give the usage to read for a period: per USAGE charge the windows that tile the period.

    Windows shorter than the period are read one by one. A window that began before the period also
    asks for its earlier usage, back to the anchor at most. Source: CONTRACT 10, 42. Worked example:
    a quarter with a monthly allowance needs three windows; a month with a yearly one needs the
    month, and from the second month on the part of the year before it.
    """
    return tuple(
        window
        for charge in terms.charges
        if charge.meter is not None
        for window in _windows_of(charge, find_allowance(terms, charge), period, anchor)
    )


def _windows_of(
    charge: ChargeTerms, allowance: Allowance, period: Period, anchor: Anchor
) -> list[UsageWindow]:
    if not allowance.has_windows or period.starts_at < anchor.starts_at:
        return [_window(charge, period.starts_at, period.ends_at)]
    first = index_containing(anchor, allowance.cadence, period.starts_at)
    opens_at = max(regular_period(anchor, allowance.cadence, first).starts_at, anchor.starts_at)
    windows: list[UsageWindow] = []
    if opens_at < period.starts_at:
        windows.append(_window(charge, opens_at, period.starts_at, is_earlier=True))
    starts_at, n = period.starts_at, first
    while True:
        n += 1
        ends_at = min(boundary(anchor, allowance.cadence, n), period.ends_at)
        if ends_at > starts_at or period.is_empty:
            windows.append(_window(charge, starts_at, ends_at))
        if ends_at == period.ends_at:
            return windows
        starts_at = ends_at


def _window(
    charge: ChargeTerms, starts_at: datetime, ends_at: datetime, *, is_earlier: bool = False
) -> UsageWindow:
    if charge.meter is None:
        raise InvariantBroken("A charge without a meter has no usage.")
    return UsageWindow(
        charge_id=charge.charge_id,
        meter_id=charge.meter.meter_id,
        starts_at=starts_at,
        ends_at=ends_at,
        is_earlier=is_earlier,
    )


@exactly
def measure_quantities(
    terms: PlanTerms, period: Period, usage: Iterable[MeteredUsage]
) -> tuple[ChargeQuantity, ...]:
    """Give, per USAGE charge, what was measured, included, billable and over a hard limit.

    ``usage`` answers every window of :func:`usage_windows`, in any order. Raises: InvariantBroken
    if the windows of a charge don't tile the period. Source: CONTRACT 10, 11, 41, 42. Worked
    example: 1,500 calls on a limit of 1,000 are 1,000 included, 500 billable, 500 over the limit.
    """
    by_charge: dict[ChargeId, list[MeteredUsage]] = {}
    for one in usage:
        by_charge.setdefault(one.charge_id, []).append(one)
    return tuple(
        _measure(terms, charge, period, by_charge.get(charge.charge_id, []))
        for charge in terms.charges
        if charge.type is ChargeType.USAGE
    )


def _measure(
    terms: PlanTerms, charge: ChargeTerms, period: Period, usage: Sequence[MeteredUsage]
) -> ChargeQuantity:
    billed = [one for one in usage if not one.window.is_earlier]
    billed.sort(key=lambda one: one.window.starts_at)
    _require_tiling(charge, period, [one.window for one in billed])
    earlier = {one.window.ends_at: one.aggregate for one in usage if one.window.is_earlier}
    allowance = find_allowance(terms, charge)
    windows = tuple(
        _measure_window(one, allowance, earlier.get(one.window.starts_at, ZERO)) for one in billed
    )
    return ChargeQuantity(
        charge_id=charge.charge_id,
        measured=sum((one.measured for one in windows), ZERO),
        included=sum((one.included for one in windows), ZERO),
        billable=sum((one.billable for one in windows), ZERO),
        over_limit=sum((one.over_limit for one in windows), ZERO),
        billable_within_limit=sum((one.billable_within_limit for one in windows), ZERO),
        event_count=sum(one.event_count for one in windows),
        billable_event_count=sum(
            one.event_count for one in windows if one.billable > ZERO or one.included == ZERO
        ),
        windows=windows,
    )


def _measure_window(usage: MeteredUsage, allowance: Allowance, earlier: Decimal) -> WindowQuantity:
    # A level can be negative; it then uses up no allowance and bills nothing.
    measured = max(ZERO, usage.aggregate)
    used = max(ZERO, earlier)
    included = min(measured, max(ZERO, allowance.units - used))
    over_limit = within = ZERO
    if allowance.hard_limit is not None:
        room = max(ZERO, allowance.hard_limit - used)
        over_limit = max(ZERO, measured - room)
    within = max(ZERO, measured - over_limit - included)
    return WindowQuantity(
        starts_at=usage.window.starts_at,
        ends_at=usage.window.ends_at,
        earlier=earlier,
        measured=usage.aggregate,
        included=included,
        billable=measured - included,
        over_limit=over_limit,
        billable_within_limit=within,
        event_count=usage.event_count,
    )


def _require_tiling(charge: ChargeTerms, period: Period, windows: Sequence[UsageWindow]) -> None:
    edges = [window.starts_at for window in windows] + [period.ends_at]
    starts = [period.starts_at] + [window.ends_at for window in windows]
    if not windows or edges != starts:
        raise InvariantBroken(
            "The usage of a charge does not cover its period exactly once.",
            charge_id=str(charge.charge_id),
        )
