"""Groups: the usage of one charge told apart by properties of its events, each with its price.

A charge names its groups: the values that have a price of their own. What has other values, and
what lacks a property, are two more groups, at the charge's default price. So there are never more
groups than the charge names and two, whatever events say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from billing.errors import InvalidInput
from billing.metering.aggregations import MeterTerms
from billing.money import ZERO, exactly
from billing.pricing import Flat, Pricing, find_misfit
from billing.ratios import Exact

MOST_PROPERTIES: Final = 2
MOST_PRICES: Final = 200
LONGEST_VALUE: Final = 200

Values = tuple[str, ...]
"""What the properties of a group say, in the order of the properties."""


class GroupKind(StrEnum):
    """Whether a charge names the values, does not, or the events lack a property."""

    NAMED = "named"
    OTHERS = "others"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Which events are priced together. ``values`` are there where the charge names them."""

    properties: tuple[str, ...]
    kind: GroupKind
    values: Values = ()

    @property
    def label(self) -> str:
        """What a line says of it. Worked examples: ``large · eu``, ``other model``."""
        match self.kind:
            case GroupKind.NAMED:
                return " · ".join(self.values)
            case GroupKind.OTHERS:
                return f"other {' · '.join(self.properties)}"
            case GroupKind.MISSING:
                return f"no {' · '.join(self.properties)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPrice:
    """The price of the events whose properties have these values."""

    values: Values
    pricing: Pricing


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """By which properties a charge tells its usage apart, and the prices that it names.

    Raises: InvalidInput naming ``group_by`` or the place in ``group_prices``.
    """

    properties: tuple[str, ...]
    prices: tuple[GroupPrice, ...]

    def __post_init__(self) -> None:
        self._check_properties()
        if not 1 <= len(self.prices) <= MOST_PRICES:
            raise _refused(f"group_by takes 1 to {MOST_PRICES} group_prices.", "group_prices")
        seen: set[Values] = set()
        for place, one in enumerate(self.prices):
            self._check_price(one, f"group_prices.{place}")
            if one.values in seen:
                raise _refused("Another price has these values.", f"group_prices.{place}.values")
            seen.add(one.values)

    def groups(self) -> tuple[Group, ...]:
        """Every group in its order: as their prices stand, then other values, then none."""
        named = [
            Group(properties=self.properties, kind=GroupKind.NAMED, values=one.values)
            for one in self.prices
        ]
        rest = (GroupKind.OTHERS, GroupKind.MISSING)
        return (*named, *(Group(properties=self.properties, kind=kind) for kind in rest))

    def pricing_of(self, group: Group, default: Pricing) -> Pricing:
        """The price that the charge names for a group, else the default one."""
        found = (one.pricing for one in self.prices if one.values == group.values)
        return next(found, default)

    def _check_properties(self) -> None:
        if not 1 <= len(self.properties) <= MOST_PROPERTIES:
            raise _refused(f"group_by takes 1 to {MOST_PROPERTIES} properties.", "group_by")
        if len(set(self.properties)) < len(self.properties):
            raise _refused("group_by names a property twice.", "group_by")
        for place, name in enumerate(self.properties):
            steps = name.split(".")
            if not all(step.strip() for step in steps):
                raise _refused("A property has a name.", f"group_by.{place}")
            if len(steps) > 1 and any(step.lstrip("-").isdecimal() for step in steps):
                raise _refused("A path goes through objects, not lists.", f"group_by.{place}")

    def _check_price(self, one: GroupPrice, field: str) -> None:
        if len(one.values) != len(self.properties):
            raise _refused("A price has one value for each of group_by.", f"{field}.values")
        if not all(0 < len(value) <= LONGEST_VALUE for value in one.values):
            raise _refused(f"A value has 1 to {LONGEST_VALUE} characters.", f"{field}.values")
        if isinstance(one.pricing, Flat):
            raise _refused("The price of a group is one of usage.", f"{field}.pricing")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUsage:
    """What was measured of one group of a window; groups without events are left out."""

    kind: GroupKind
    aggregate: Exact
    event_count: int
    values: Values = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupQuantity:
    """A group's part in a charge, as ``ChargeQuantity`` has it of the whole. Units: the meter's."""

    group: Group
    measured: Exact = ZERO
    included: Exact = ZERO
    billable: Exact = ZERO
    over_limit: Exact = ZERO
    billable_within_limit: Exact = ZERO
    event_count: int = 0

    @exactly
    def plus(self, other: GroupQuantity) -> GroupQuantity:
        """The same group in both windows together."""
        return GroupQuantity(
            group=self.group,
            measured=self.measured + other.measured,
            included=self.included + other.included,
            billable=self.billable + other.billable,
            over_limit=self.over_limit + other.over_limit,
            billable_within_limit=self.billable_within_limit + other.billable_within_limit,
            event_count=self.event_count + other.event_count,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedWindow:
    """A reset window's groups, and how much of their sum is included or above a hard limit."""

    usage: Sequence[GroupUsage]
    included: Exact
    over_limit: Exact


def split_windows(
    grouping: Grouping, windows: Iterable[GroupedWindow]
) -> tuple[GroupQuantity, ...]:
    """Give what is billed of each group that was used, in the order of the groups.

    One allowance, and one hard limit, are over all groups: the first groups are included first, and
    what is over the limit is of the last ones. Without any usage the group of other values stands
    for the charge, with nothing. Worked example: 1,000 included, 700 of the first group and 600 of
    the second: 700 and 300 are included, 300 of the second are billed.
    """
    found: dict[Group, GroupQuantity] = {}
    for window in windows:
        for one in _split(grouping, window):
            found[one.group] = found[one.group].plus(one) if one.group in found else one
    used = tuple(found[group] for group in grouping.groups() if group in found)
    if used:
        return used
    others = next(one for one in grouping.groups() if one.kind is GroupKind.OTHERS)
    return (GroupQuantity(group=others),)


@exactly
def _split(grouping: Grouping, window: GroupedWindow) -> list[GroupQuantity]:
    measured = _by_group(grouping, window.usage)
    included = window.included
    room = sum((one.aggregate for one in window.usage), ZERO) - window.over_limit
    quantities = []
    for group in grouping.groups():
        if group not in measured:
            continue
        amount, event_count = measured[group]
        own_included, within = min(amount, included), min(amount, room)
        included, room = included - own_included, room - within
        quantities.append(
            GroupQuantity(
                group=group,
                measured=amount,
                included=own_included,
                billable=amount - own_included,
                over_limit=amount - within,
                billable_within_limit=max(ZERO, within - own_included),
                event_count=event_count,
            )
        )
    return quantities


def _by_group(grouping: Grouping, usage: Sequence[GroupUsage]) -> dict[Group, tuple[Exact, int]]:
    """The usage by the groups that the charge tells apart: values that it does not name are others.

    Other charges on the meter may name them, so that they were measured apart.
    """
    named = {one.values: one for one in grouping.groups() if one.kind is GroupKind.NAMED}
    rest = {one.kind: one for one in grouping.groups() if one.kind is not GroupKind.NAMED}
    found: dict[Group, tuple[Exact, int]] = {}
    for one in usage:
        kind = GroupKind.OTHERS if one.kind is GroupKind.NAMED else one.kind
        group = named.get(one.values) or rest[kind]
        amount, event_count = found.get(group, (ZERO, 0))
        found[group] = (amount + one.aggregate, event_count + one.event_count)
    return found


def require_groupable(grouping: Grouping, meter: MeterTerms | None) -> None:
    """Refuse to price by properties what has no parts. Raises: InvalidInput naming the field."""
    if meter is None:
        raise _refused("A FIXED charge has no group_by.", "group_by")
    if not meter.aggregation.definition.is_additive:
        raise _refused(
            f"group_by prices SUM and COUNT meters: the parts of a {meter.aggregation.value} cannot"
            " be added up.",
            "group_by",
        )
    for place, one in enumerate(grouping.prices):
        misfit = find_misfit(one.pricing, meter.aggregation)
        if misfit is not None:
            raise _refused(misfit, f"group_prices.{place}.pricing.model")


def _refused(reason: str, field: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_charge", field=field)
