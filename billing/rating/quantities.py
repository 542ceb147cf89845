"""Quantities: which usage a period needs, and what of it is included, billed, or over a limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from billing.errors import InvariantBroken
from billing.identifiers import ChargeId, MeterId
from billing.money import DECIMAL_PLACES, ZERO, exactly, require_exact, round_half_away
from billing.periods import Anchor, Period, boundary, index_containing, regular_period
from billing.rating.engines import ENGINE_VERSION, Engine
from billing.rating.groups import GroupedWindow, GroupQuantity, GroupUsage, split_windows
from billing.rating.terms import Allowance, ChargeTerms, ChargeType, PlanTerms, find_allowance
from billing.ratios import Exact, add_up


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageWindow:
    """A span whose usage must be read for a charge: [starts_at, ends_at).

    ``is_earlier`` marks usage that an earlier bill covered, but that used up part of the allowance
    of the window that goes on in this period; it ends where the first billed window starts.
    ``group_by`` are the properties by which its usage is told apart, if the charge does so.
    """

    charge_id: ChargeId
    meter_id: MeterId
    starts_at: datetime
    ends_at: datetime
    is_earlier: bool = False
    group_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredUsage:
    """The answer to a window: the aggregate of its counted events, and how many they were.

    ``groups`` are what it consists of, where its usage is told apart.
    """

    charge_id: ChargeId
    window: UsageWindow
    aggregate: Exact
    event_count: int
    groups: tuple[GroupUsage, ...] = ()

    def __post_init__(self) -> None:
        require_exact(aggregate=self.aggregate)
        if self.event_count < 0:
            raise InvariantBroken("A count of events cannot be negative.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowQuantity:
    """One reset window's part in a charge. ``earlier`` was measured before this period."""

    starts_at: datetime
    ends_at: datetime
    earlier: Exact
    measured: Exact
    included: Exact
    billable: Exact
    over_limit: Exact
    billable_within_limit: Exact
    event_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeQuantity:
    """A charge's usage in a period. Units: the meter's.

    ``billable`` = measured - included. ``billable_within_limit`` leaves out what is above a hard
    limit; it is what remains where the limit waives. ``billable_event_count`` are the events that a
    fee for each is due for: all of them (CONTRACT 91). ``groups`` are what it consists of, if the
    charge tells its usage apart.
    """

    charge_id: ChargeId
    measured: Exact
    included: Exact
    billable: Exact
    over_limit: Exact
    billable_within_limit: Exact
    event_count: int
    billable_event_count: int
    windows: tuple[WindowQuantity, ...]
    groups: tuple[GroupQuantity, ...] = ()


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
        group_by=charge.grouping.properties if charge.grouping is not None else (),
    )


@exactly
def measure_quantities(
    terms: PlanTerms,
    period: Period,
    usage: Iterable[MeteredUsage],
    *,
    engine: Engine = ENGINE_VERSION,
) -> tuple[ChargeQuantity, ...]:
    """Give, per USAGE charge, what was measured, included, billable and over a hard limit.

    ``usage`` answers every window of :func:`usage_windows`, in any order. Raises: InvariantBroken
    if the windows of a charge don't tile the period, or the plan has no such charge. Source:
    CONTRACT 10, 11, 41, 42. Worked example: 1,500 calls on a limit of 1,000 are 1,000 included,
    500 billable, 500 over the limit.
    """
    by_charge: dict[ChargeId, list[MeteredUsage]] = {}
    for one in usage_by(engine, usage):
        by_charge.setdefault(one.charge_id, []).append(one)
    quantities = []
    for charge in terms.charges:
        if charge.type is ChargeType.USAGE:
            usage_of_charge = by_charge.pop(charge.charge_id, [])
            try:
                quantities.append(_measure(terms, charge, period, usage_of_charge, engine))
            except ArithmeticError as error:
                raise not_priced(charge, error) from error
    if by_charge:
        raise InvariantBroken(
            "Usage was measured for a charge that the plan does not have.",
            charge_id=str(min(by_charge)),
        )
    return tuple(quantities)


def not_priced(charge: ChargeTerms, error: ArithmeticError) -> InvariantBroken:
    """What stops a bill, by the name of its charge; a line never becomes 0 instead."""
    return InvariantBroken(
        f"The charge cannot be priced exactly: {type(error).__name__}.",
        code="line_not_priced",
        charge_id=str(charge.charge_id),
    )


def usage_by(engine: Engine, usage: Iterable[MeteredUsage]) -> tuple[MeteredUsage, ...]:
    """Give the usage as an engine sees it: the first one knew 20 places of a mean."""
    if not engine.is_first:
        return tuple(usage)
    return tuple(
        replace(one, aggregate=round_half_away(one.aggregate, DECIMAL_PLACES)) for one in usage
    )


def _measure(
    terms: PlanTerms,
    charge: ChargeTerms,
    period: Period,
    usage: Sequence[MeteredUsage],
    engine: Engine,
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
        measured=add_up(one.measured for one in windows),
        included=add_up(one.included for one in windows),
        billable=add_up(one.billable for one in windows),
        over_limit=add_up(one.over_limit for one in windows),
        billable_within_limit=add_up(one.billable_within_limit for one in windows),
        event_count=sum(one.event_count for one in windows),
        billable_event_count=sum(
            one.event_count for one in windows if not engine.is_first or _is_charged(one)
        ),
        windows=windows,
        groups=_groups_of(charge, billed, windows),
    )


def _groups_of(
    charge: ChargeTerms, billed: Sequence[MeteredUsage], windows: Sequence[WindowQuantity]
) -> tuple[GroupQuantity, ...]:
    if charge.grouping is None:
        return ()
    return split_windows(
        charge.grouping,
        [
            GroupedWindow(
                usage=usage.groups, included=window.included, over_limit=window.over_limit
            )
            for usage, window in zip(billed, windows, strict=True)
        ],
    )


def _is_charged(window: WindowQuantity) -> bool:
    return window.billable > ZERO or window.included == ZERO


def _measure_window(usage: MeteredUsage, allowance: Allowance, earlier: Exact) -> WindowQuantity:
    # A level can be negative; it then uses up no allowance and bills nothing.
    measured = max(ZERO, usage.aggregate)
    used = max(ZERO, earlier)
    included = min(measured, max(ZERO, allowance.units - used))
    over_limit: Exact = ZERO
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
