"""Usage told apart by properties of its events: what each group of a window comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from billing.metering.aggregations import MeterTerms
from billing.metering.tallies import Tally, conclude_additive
from billing.periods import Period
from billing.rating.groups import GroupKind, GroupUsage
from billing.rating.quantities import MeteredUsage, UsageWindow
from billing.ratios import add_up, as_decimal
from models.usage.groups import MISSING_PLACE
from repositories.usage.properties.groups import GroupPart, GroupRead, read_groups


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedSpan:
    """A window of a customer's, of which perhaps only a part is read; ``place`` names it."""

    place: int
    organization_id: UUID
    customer_id: UUID
    window: UsageWindow
    period: Period | None = None


def read_groups_of(
    session: Session,
    spans: Sequence[GroupedSpan],
    terms: Mapping[UUID, MeterTerms],
    *,
    watermark: int | None = None,
) -> dict[int, tuple[GroupUsage, ...]]:
    """The groups of those windows that tell their usage apart, by place; no statement for none."""
    reads = [
        GroupRead(
            place=span.place,
            organization_id=span.organization_id,
            customer_id=span.customer_id,
            meter_id=span.window.meter_id,
            properties=span.window.group_by,
            period=span.period
            or Period(starts_at=span.window.starts_at, ends_at=span.window.ends_at),
        )
        for span in spans
        if span.window.group_by
    ]
    found: dict[int, dict[tuple[int, tuple[str, ...] | None], list[GroupPart]]] = {
        one.place: {} for one in reads
    }
    for part in read_groups(session, reads, watermark=watermark):
        found[part.place].setdefault((part.group_place, part.values), []).append(part)
    meters = {one.place: terms[one.meter_id] for one in reads}
    return {
        place: tuple(_group(meters[place], groups[key]) for key in sorted(groups, key=_order))
        for place, groups in found.items()
    }


def sum_of(window: UsageWindow, groups: Sequence[GroupUsage]) -> MeteredUsage:
    """The answer to a window, made of its groups."""
    return MeteredUsage(
        charge_id=window.charge_id,
        window=window,
        aggregate=add_up(one.aggregate for one in groups),
        event_count=sum(one.event_count for one in groups),
        groups=tuple(groups),
    )


def _order(key: tuple[int, tuple[str, ...] | None]) -> tuple[bool, tuple[str, ...], int]:
    """Named groups by their values, so that the order does not depend on who named them first."""
    place, values = key
    return values is None, values or (), place


def _group(meter: MeterTerms, parts: Sequence[GroupPart]) -> GroupUsage:
    first = parts[0]
    event_count = sum(part.event_count for part in parts)
    tally = Tally(event_count=event_count, total=as_decimal(add_up(part.total for part in parts)))
    kind = GroupKind.NAMED
    if first.values is None:
        kind = GroupKind.MISSING if first.group_place == MISSING_PLACE else GroupKind.OTHERS
    return GroupUsage(
        kind=kind,
        aggregate=conclude_additive(meter.aggregation, tally),
        event_count=event_count,
        values=first.values or (),
    )
