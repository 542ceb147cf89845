"""Usage of a customer: frozen for a bill, recomputed for its proof, read for a look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from uuid import UUID

from sqlmodel import Session

from billing.errors import NotFound
from billing.metering.aggregations import MeterTerms
from billing.metering.tallies import Level, Tally, conclude, level_after
from billing.money import ZERO, exactly
from billing.periods import Period
from billing.rating.quantities import MeteredUsage, UsageWindow
from billing.ratios import Exact
from repositories.catalog import meters as stored_meters
from repositories.usage import period_usage as stored_usage
from repositories.usage.arrival_locks import lock_arrivals
from repositories.usage.figures import put_together
from repositories.usage.period_usage import BEGINNING, UsagePart, UsageRead
from services.usage.groups import GroupedSpan, read_groups_of, sum_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredUsage:
    """The answer to some windows, and the last arrival sequence that is in it."""

    watermark: int
    usage: tuple[MeteredUsage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageAsked:
    """Windows of a customer's usage that are to be measured."""

    organization_id: UUID
    customer_id: UUID
    windows: Sequence[UsageWindow]


def measure_usage(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    windows: Sequence[UsageWindow],
) -> MeasuredUsage:
    """As :func:`measure_all`, of one customer."""
    asked = UsageAsked(organization_id=organization_id, customer_id=customer_id, windows=windows)
    [measured] = measure_all(session, [asked])
    return measured


def measure_all(session: Session, asked: Sequence[UsageAsked]) -> list[MeasuredUsage]:
    """The usage of every window, with nothing more on its way below the watermark.

    No event of the customers arrives until the transaction ends. Source: docs/decisions/0010.
    Raises NotFound for an unknown meter.
    """
    terms = load_meter_terms(session, asked)
    lock_arrivals(session, [(one.organization_id, one.customer_id) for one in asked])
    return _read(session, asked, terms)


def look_at_usage(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    windows: Sequence[UsageWindow],
) -> MeasuredUsage:
    """As :func:`look_at_all`, of one customer."""
    asked = UsageAsked(organization_id=organization_id, customer_id=customer_id, windows=windows)
    [measured] = look_at_all(session, [asked])
    return measured


def look_at_all(session: Session, asked: Sequence[UsageAsked]) -> list[MeasuredUsage]:
    """The usage of every window as it stands, every acknowledged event included; holds nobody up.

    Its watermark proves nothing, since events may be on their way. Raises NotFound.
    """
    return _read(session, asked, load_meter_terms(session, asked))


def recompute_usage(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    windows: Sequence[UsageWindow],
    watermark: int,
) -> tuple[MeteredUsage, ...]:
    """The usage of every window from raw events and corrections up to the watermark alone."""
    asked = UsageAsked(organization_id=organization_id, customer_id=customer_id, windows=windows)
    [found] = _read(session, [asked], load_meter_terms(session, [asked]), watermark=watermark)
    return found.usage


def _read(
    session: Session,
    asked: Sequence[UsageAsked],
    terms: Mapping[UUID, MeterTerms],
    *,
    watermark: int | None = None,
) -> list[MeasuredUsage]:
    """What one statement says of all windows, whose places are counted through."""
    places = count()
    placed = [[(next(places), window) for window in one.windows] for one in asked]
    spans = [
        [
            span
            for place, window in windows
            if not window.group_by
            for span in list_spans(terms[window.meter_id], _period_of(window), place)
        ]
        for windows in placed
    ]
    whose = [(one.organization_id, one.customer_id) for one in asked]
    newest, of_place = read_parts(
        session,
        [(*customer, own) for customer, own in zip(whose, spans, strict=True)],
        watermark=watermark,
    )
    groups = read_groups_of(session, _grouped(asked, placed), terms, watermark=watermark)
    return [
        MeasuredUsage(
            watermark=newest if watermark is None else watermark,
            usage=tuple(
                sum_of(window, groups[place])
                if window.group_by
                else _answer(window, terms[window.meter_id], of_place[place], place)
                for place, window in windows
            ),
        )
        for windows in placed
    ]


def _grouped(
    asked: Sequence[UsageAsked], placed: Sequence[Sequence[tuple[int, UsageWindow]]]
) -> list[GroupedSpan]:
    return [
        GroupedSpan(
            place=place,
            organization_id=one.organization_id,
            customer_id=one.customer_id,
            window=window,
        )
        for one, windows in zip(asked, placed, strict=True)
        for place, window in windows
    ]


def read_parts(
    session: Session,
    asked: Sequence[tuple[UUID, UUID, Sequence[UsageRead]]],
    *,
    watermark: int | None = None,
) -> tuple[int, Mapping[int, list[UsagePart]]]:
    """The newest arrival, and the parts of all spans by the place that :func:`list_spans` had."""
    newest, parts = stored_usage.read_usage(session, asked, watermark=watermark)
    of_place: dict[int, list[UsagePart]] = defaultdict(list)
    for part in parts:
        of_place[part.place // 2].append(part)
    return newest, of_place


def load_meter_terms(session: Session, asked: Iterable[UsageAsked]) -> dict[UUID, MeterTerms]:
    """How the meters of all windows measure, by their ids. Raises NotFound for an unknown one."""
    wanted: dict[UUID, set[UUID]] = defaultdict(set)
    for one in asked:
        wanted[one.organization_id].update(window.meter_id for window in one.windows)
    terms = {}
    for organization_id, meter_ids in sorted(wanted.items()):
        found = stored_meters.list_meters_by_id(session, organization_id, meter_ids)
        for meter_id in meter_ids - found.keys():
            raise NotFound("Meter not found.", code="meter_not_found", meter_id=str(meter_id))
        for meter_id, meter in found.items():
            terms[meter_id] = stored_meters.to_meter_terms(meter)
    return terms


def list_spans(meter: MeterTerms, period: Period, place: int) -> list[UsageRead]:
    """What must be read to know a meter's usage in a period; ``place`` names it in the parts."""
    definition = meter.aggregation.definition
    inside = UsageRead(
        place=2 * place,
        meter_id=meter.meter_id,
        period=period,
        wants_weighted=definition.is_over_time,
        wants_distinct=definition.uses_distinct_values,
    )
    if not meter.carry_forward:
        return [inside]
    before = replace(
        inside,
        place=2 * place + 1,
        period=Period(starts_at=BEGINNING, ends_at=period.starts_at),
        wants_totals=definition.level is Level.TOTAL,
        wants_weighted=False,
    )
    return [inside, before]


def read_usage_of(
    meter: MeterTerms, period: Period, parts: Sequence[UsagePart], place: int
) -> Exact:
    """A meter's usage in a period, out of the parts of its spans."""
    inside, before = join_parts(parts, 2 * place), join_parts(parts, 2 * place + 1)
    carried = level_after(meter.aggregation, before) if meter.carry_forward else ZERO
    return conclude(meter.aggregation, inside, period, carried=carried)


def _period_of(window: UsageWindow) -> Period:
    return Period(starts_at=window.starts_at, ends_at=window.ends_at)


@exactly
def join_parts(parts: Iterable[UsagePart], place: int) -> Tally:
    """The parts of one span put together."""
    own = [part for part in parts if part.place == place]
    newest = max(
        ((part.newest_at, part.newest_value) for part in own if part.newest_at is not None),
        default=(None, None),
    )
    return Tally(
        event_count=sum(part.event_count for part in own),
        newest=newest[1],
        weighted_total=sum(
            (part.weighted_total for part in own if part.weighted_total is not None), ZERO
        ),
        distinct_count=sum(part.distinct_count or 0 for part in own),
        **put_together([part.figures for part in own]),
    )


def _answer(
    window: UsageWindow, meter: MeterTerms, parts: Sequence[UsagePart], place: int
) -> MeteredUsage:
    return MeteredUsage(
        charge_id=window.charge_id,
        window=window,
        aggregate=read_usage_of(meter, _period_of(window), parts, place),
        event_count=join_parts(parts, 2 * place).event_count,
    )
