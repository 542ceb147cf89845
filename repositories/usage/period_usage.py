"""The usage of periods: whole hours from roll-ups, ragged edges from events, in one statement."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from sqlalchemy import text
from sqlmodel import Session, col, select

from billing.metering.hours import split_hours
from billing.periods import Period
from models.usage.events import ARRIVAL_BLOCK
from models.usage.rollups import UsageRollup
from repositories.tenant_reads import TENANT, read_rows
from repositories.usage.counted_events import COUNTS, QUANTITY, latest_corrections
from repositories.usage.figures import NO_FIGURES, Figure, listed, pick_figures

BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
"""Before every event."""

_NO_WATERMARK: Final = 2**63 - 1
_NAMED_PARAMETER: Final = re.compile(r"(?<!:):([a-z]\w*)")
"""A parameter in SQLAlchemy's notation, which the driver writes otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRead:
    """A period of one meter to read; ``place`` names it in the answer.

    The flags ask for what costs more: sums over all hours, the time-weighted sum, distinct values.
    """

    place: int
    meter_id: UUID
    period: Period
    wants_totals: bool = True
    wants_weighted: bool = False
    wants_distinct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePart:
    """What a part of a span comes to; parts of a span don't overlap.

    Units: ``weighted_total`` is value x microseconds until the span's end, ``newest_at`` seconds
    since 1970. ``distinct_count`` is that of the whole span and comes in a part of its own.
    ``figures`` are those of ``repositories.usage.figures``, by name.
    """

    place: int
    event_count: int
    figures: Mapping[str, Decimal | None]
    weighted_total: Decimal | None
    newest_at: Decimal | None
    newest_value: Decimal | None
    distinct_count: int | None


def has_events(session: Session, organization_id: UUID, meter_id: UUID) -> bool:
    """Whether any event was ever recorded on the meter, counted or not."""
    found = session.exec(
        select(col(UsageRollup.meter_id))
        .where(
            UsageRollup.organization_id == organization_id,
            UsageRollup.meter_id == meter_id,
        )
        .limit(1)
    ).first()
    return found is not None


def read_usage(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    spans: Sequence[UsageRead],
    *,
    watermark: int | None = None,
) -> tuple[int, list[UsagePart]]:
    """The newest arrival sequence and the parts of every span, as one statement sees them.

    With a ``watermark`` only raw events and corrections up to it are read, and no roll-up.
    """
    statement = _Statement(organization_id, customer_id, watermark)
    for span in spans:
        statement.read(span)
    rows = session.execute(text(statement.sql()), statement.values).mappings().all()
    newest = next(row["event_count"] for row in rows if row["place"] is None)
    return newest, _to_parts(rows)


async def read_usage_now(
    connection: AsyncConnection,
    organization_id: UUID,
    customer_id: UUID,
    spans: Sequence[UsageRead],
) -> list[UsagePart]:
    """The parts of every span as one statement sees them, outside of any transaction."""
    statement = _of_spans(organization_id, customer_id, spans)
    sql = _for_driver(statement.sql().replace(":organization", TENANT))
    return _to_parts(await read_rows(connection, organization_id, sql, statement.values))


async def read_usage_within(
    connection: AsyncConnection,
    organization_id: UUID,
    customer_id: UUID,
    spans: Sequence[UsageRead],
) -> list[UsagePart]:
    """The parts of every span as one statement of the running transaction sees them."""
    statement = _of_spans(organization_id, customer_id, spans)
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_for_driver(statement.sql()), statement.values)
        return _to_parts(await cursor.fetchall())


def _of_spans(organization_id: UUID, customer_id: UUID, spans: Sequence[UsageRead]) -> _Statement:
    statement = _Statement(organization_id, customer_id, None)
    for span in spans:
        statement.read(span)
    return statement


def _for_driver(sql: str) -> str:
    return _NAMED_PARAMETER.sub(r"%(\1)s", sql)


def _to_parts(rows: Sequence[Mapping[Any, Any]]) -> list[UsagePart]:
    return [
        UsagePart(
            place=row["place"],
            event_count=row["event_count"],
            figures=pick_figures(row),
            weighted_total=row["weighted_total"],
            newest_at=row["newest_at"],
            newest_value=row["newest_value"],
            distinct_count=row["distinct_count"],
        )
        for row in rows
        if row["place"] is not None
    ]


class _Statement:
    """One statement, put together out of the parts that its spans need."""

    def __init__(self, organization_id: UUID, customer_id: UUID, watermark: int | None) -> None:
        self.values: dict[str, Any] = {
            "organization": organization_id,
            "customer": customer_id,
            "watermark": _NO_WATERMARK if watermark is None else watermark,
            "rows_per_draw": ARRIVAL_BLOCK - 1,
        }
        self._is_raw = watermark is not None
        self._branches = [_NEWEST_SEQUENCE]

    def sql(self) -> str:
        return "\nUNION ALL\n".join(self._branches)

    def read(self, span: UsageRead) -> None:
        """Ask for a span: its whole hours, its edges, and its distinct values over both."""
        starts_at, ends_at = span.period.starts_at, span.period.ends_at
        split = split_hours(starts_at, ends_at)
        whole = None if self._is_raw else split.whole
        edges = [(starts_at, ends_at)] if self._is_raw else split.edges
        place, meter = self._bind(span.place, "integer"), self._bind(span.meter_id, "uuid")
        ends = self._bind(ends_at, "timestamptz")
        hours = self._hours(meter, whole) if whole else ""
        events = [self._events(meter, edge) for edge in edges]
        if whole and span.wants_totals:
            weighted = _HOURS_WEIGHTED.format(ends=ends) if span.wants_weighted else "NULL::numeric"
            self._branches.append(_HOURS.format(place=place, hours=hours, weighted=weighted))
        if whole:
            self._branches.append(_NEWEST_HOUR.format(place=place, hours=hours))
        for source in events:
            weighted = _EDGE_WEIGHTED.format(ends=ends) if span.wants_weighted else "NULL::numeric"
            self._branches.append(_EDGE.format(place=place, events=source, weighted=weighted))
        if span.wants_distinct:
            hashes = [_HOUR_HASHES.format(hours=hours)] if whole else []
            hashes += [_EDGE_HASHES.format(events=source) for source in events]
            self._branches.append(
                _DISTINCT.format(place=place, hashes=" UNION ALL ".join(hashes or [_NO_HASHES]))
            )

    def _hours(self, meter: str, whole: tuple[datetime, datetime]) -> str:
        starts, ends = (self._bind(hour, "timestamptz") for hour in whole)
        return _WHICH_HOURS.format(meter=meter, starts=starts, ends=ends)

    def _events(self, meter: str, edge: tuple[datetime, datetime]) -> str:
        starts, ends = (self._bind(instant, "timestamptz") for instant in edge)
        return _EVENTS.format(meter=meter, starts=starts, ends=ends)

    def _bind(self, value: object, kind: str) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"CAST(:{name} AS {kind})"


# A transaction's rows are numbered up from the number that it drew.
_NEWEST_SEQUENCE = f"""
SELECT NULL::integer AS place,
    CASE WHEN is_called THEN last_value + :rows_per_draw ELSE 0 END AS event_count,
    {listed(lambda figure: f"NULL::numeric AS {figure.name}")},
    NULL::numeric AS weighted_total, NULL::numeric AS newest_at, NULL::numeric AS newest_value,
    NULL::bigint AS distinct_count
FROM usage_arrival_sequence"""  # noqa: S608  (put together out of constants)

_WHICH_HOURS = """
organization_id = :organization AND customer_id = :customer AND meter_id = {meter}
AND hour >= {starts} AND hour < {ends}"""

_HOURS = f"""
SELECT {{place}}, coalesce(sum(event_count), 0)::bigint, {listed(Figure.of_hours)},
    {{weighted}}, NULL, NULL, NULL
FROM usage_rollup WHERE {{hours}} AND event_count > 0"""  # noqa: S608  (put together out of constants)

_HOURS_WEIGHTED = """
sum(weighted_total
    + total * (extract(epoch FROM {ends}) - extract(epoch FROM hour) - 3600) * 1000000)"""

_NEWEST_HOUR = f"""
(SELECT {{place}}, 0, {NO_FIGURES}, NULL, extract(epoch FROM last_at), last_value, NULL
FROM usage_rollup WHERE {{hours}} AND event_count > 0
ORDER BY hour DESC LIMIT 1)"""  # noqa: S608  (put together out of constants)

_CORRECTIONS = latest_corrections(
    "made.organization_id = :organization AND made.customer_id = :customer"
    " AND made.meter_id = {meter} AND made.timestamp >= {starts} AND made.timestamp < {ends}"
    " AND made.arrival_sequence <= :watermark"
)

_EVENTS = f"""
SELECT event.timestamp, event.arrival_sequence, event.distinct_value, {QUANTITY} AS quantity
FROM usage_event AS event
LEFT JOIN {_CORRECTIONS} AS correction ON correction.event_id = event.id
WHERE event.organization_id = :organization AND event.customer_id = :customer
    AND event.meter_id = {{meter}}
    AND event.timestamp >= {{starts}} AND event.timestamp < {{ends}}
    AND event.arrival_sequence <= :watermark AND {COUNTS}"""  # noqa: S608  (put together out of constants)

# The greatest array is that of the newest event: its instant, then its arrival decide.
_EDGE = f"""
SELECT {{place}}, count(*), {listed(Figure.of_events)}, {{weighted}},
    (max(ARRAY[extract(epoch FROM timestamp), arrival_sequence, quantity]))[1],
    (max(ARRAY[extract(epoch FROM timestamp), arrival_sequence, quantity]))[3],
    NULL
FROM ({{events}}) AS edge"""  # noqa: S608  (put together out of constants)

_EDGE_WEIGHTED = """
sum(quantity * (extract(epoch FROM {ends}) - extract(epoch FROM timestamp)) * 1000000)"""

_DISTINCT = f"""
SELECT {{place}}, 0, {NO_FIGURES}, NULL, NULL, NULL, count(DISTINCT value_hash)
FROM ({{hashes}}) AS hashes"""  # noqa: S608  (put together out of constants)

_HOUR_HASHES = "SELECT value_hash FROM usage_distinct WHERE {hours}"
_EDGE_HASHES = """
SELECT sha256(convert_to(distinct_value, 'UTF8')) AS value_hash FROM ({events}) AS edge"""
_NO_HASHES = "SELECT NULL::bytea AS value_hash"
