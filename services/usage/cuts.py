"""Usage before an instant: what of the windows of a bill had been used at each of its cuts.

Source: CREDITS 9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from uuid import UUID

from sqlmodel import Session

from billing.credits.used import CutUsage
from billing.metering.aggregations import MeterTerms
from billing.metering.tallies import Tally, conclude, level_after
from billing.money import ZERO, exactly
from billing.periods import Period
from billing.rating.quantities import MeteredUsage
from repositories.usage.period_usage import UsagePart, UsageRead
from services.usage.groups import GroupedSpan, read_groups_of, sum_of
from services.usage.measure import (
    UsageAsked,
    join_parts,
    list_spans,
    load_meter_terms,
    read_parts,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutsAsked:
    """A customer's measured windows, and the instants before which they are to be known.

    ``watermark`` is None for all that has arrived: the caller holds arrivals, or only looks.
    """

    organization_id: UUID
    customer_id: UUID
    usage: Sequence[MeteredUsage]
    cuts: Sequence[datetime]
    watermark: int | None = None


def measure_cuts(session: Session, asked: CutsAsked) -> tuple[CutUsage, ...]:
    """What had been used before each cut. One statement, none where no window is cut.

    A window that ended before is as it was measured, one that begins later is nothing. In one that
    is cut only the events before the cut count, over the whole window: a mean is theirs, and a
    level goes on as they left it.
    """
    windows = [one.window for one in asked.usage]
    whole = UsageAsked(
        organization_id=asked.organization_id, customer_id=asked.customer_id, windows=windows
    )
    terms = load_meter_terms(session, [whole])
    placed = _place(asked)
    parts = _read_parts(session, asked, placed, terms)
    grouped = [_grouped(asked, place, *cut) for cut, place in placed.items()]
    groups = read_groups_of(session, grouped, terms, watermark=asked.watermark)
    return tuple(
        CutUsage(
            at=at,
            usage=tuple(
                sum_of(one.window, groups[placed[number, at]])
                if one.window.group_by and (number, at) in placed
                else _before(at, one, terms[one.window.meter_id], placed.get((number, at)), parts)
                for number, one in enumerate(asked.usage)
            ),
        )
        for at in asked.cuts
    )


def _place(asked: CutsAsked) -> dict[tuple[int, datetime], int]:
    """The windows that are cut, by their numbers and the cuts, counted through."""
    places = count()
    return {
        (number, at): next(places)
        for at in asked.cuts
        for number, one in enumerate(asked.usage)
        if one.window.starts_at < at < one.window.ends_at
    }


def _read_parts(
    session: Session,
    asked: CutsAsked,
    placed: Mapping[tuple[int, datetime], int],
    terms: Mapping[UUID, MeterTerms],
) -> Mapping[int, Sequence[UsagePart]]:
    spans: list[UsageRead] = []
    for (number, at), place in placed.items():
        window = asked.usage[number].window
        if not window.group_by:
            before = Period(starts_at=window.starts_at, ends_at=at)
            spans += list_spans(terms[window.meter_id], before, place)
    if not spans:
        return {}
    read = (asked.organization_id, asked.customer_id, spans)
    return read_parts(session, [read], watermark=asked.watermark)[1]


def _grouped(asked: CutsAsked, place: int, number: int, at: datetime) -> GroupedSpan:
    window = asked.usage[number].window
    return GroupedSpan(
        place=place,
        organization_id=asked.organization_id,
        customer_id=asked.customer_id,
        window=window,
        period=Period(starts_at=window.starts_at, ends_at=at),
    )


def _before(
    at: datetime,
    measured: MeteredUsage,
    meter: MeterTerms,
    place: int | None,
    parts: Mapping[int, Sequence[UsagePart]],
) -> MeteredUsage:
    window = measured.window
    if window.ends_at <= at:
        return measured
    if place is None:
        return replace(measured, aggregate=ZERO, event_count=0, groups=())
    own = parts.get(place, ())
    inside, before = join_parts(own, 2 * place), join_parts(own, 2 * place + 1)
    whole = Period(starts_at=window.starts_at, ends_at=window.ends_at)
    carried = level_after(meter.aggregation, before) if meter.carry_forward else ZERO
    tally = _over_all(inside, Period(starts_at=at, ends_at=window.ends_at))
    return replace(
        measured,
        aggregate=conclude(meter.aggregation, tally, whole, carried=carried),
        event_count=inside.event_count,
    )


@exactly
def _over_all(before: Tally, rest: Period) -> Tally:
    """The same events, each weighted up to the end of the rest as well."""
    weighted = before.weighted_total + before.total * rest.elapsed_microseconds
    return replace(before, weighted_total=weighted)
