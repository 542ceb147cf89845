"""The usage of periods: whole hours from roll-ups, ragged edges from events, in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from billing.metering.hours import split_hours
from billing.periods import Period
from models.usage.events import ARRIVAL_BLOCK
from repositories.asynchronous.prefetched import prefetchable
from repositories.statement_text import compact
from repositories.usage.counted_events import COUNTS, QUANTITY, latest_corrections
from repositories.usage.figures import NO_FIGURES, Figure, listed, pick_figures

UsageRow: TypeAlias = Mapping[str, Any]
"""What a statement says of a part of a span."""

BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
"""Before every event."""

_NO_WATERMARK: Final = 2**63 - 1


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


@prefetchable
def read_usage(
    session: Session,
    asked: Sequence[tuple[UUID, UUID, Sequence[UsageRead]]],
    *,
    watermark: int | None = None,
) -> tuple[int, list[UsagePart]]:
    """The newest arrival sequence and the parts of every span, as one statement sees them.

    The spans come with their organization and customer; a place names one span among all. With a
    ``watermark`` only raw events and corrections up to it are read, and no roll-up.
    """
    statement = UsageStatement(watermark)
    for organization_id, customer_id, spans in asked:
        for span in spans:
            statement.read(organization_id, customer_id, span)
    return answer_of(session.execute(text(statement.sql()), statement.values()).mappings().all())


def answer_of(rows: Sequence[Mapping[Any, Any]]) -> tuple[int, list[UsagePart]]:
    """The newest arrival sequence, and the parts."""
    # The newest arrival sequence is in a row of its own.
    return next(row["event_count"] for row in rows if row["place"] is None), to_parts(rows)


def to_parts(rows: Iterable[UsageRow]) -> list[UsagePart]:
    """The parts that stand in the rows of a statement."""
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


class UsageStatement:
    """One statement, whose text depends on the kinds of what is asked for and not on how much."""

    def __init__(self, watermark: int | None) -> None:
        self._watermark = watermark
        self._hours: list[tuple[object, ...]] = []
        self._edges: list[tuple[object, ...]] = []
        self._is_distinct = False

    def read(self, organization_id: UUID, customer_id: UUID, span: UsageRead) -> None:
        """Ask for a span: its whole hours, its edges, and its distinct values over both."""
        starts_at, ends_at = span.period.starts_at, span.period.ends_at
        split = split_hours(starts_at, ends_at)
        whole, edges = split.whole, split.edges
        if self._watermark is not None:
            whole, edges = None, ((starts_at, ends_at),)
        whose = (span.place, organization_id, customer_id, span.meter_id)
        wants = (span.wants_totals, span.wants_weighted, span.wants_distinct)
        if whole:
            self._hours.append((*whose, *whole, ends_at, *wants))
        self._edges.extend((*whose, *edge, ends_at, *wants) for edge in edges)
        self._is_distinct |= span.wants_distinct

    def sql(self) -> str:
        """The text, short enough to be kept prepared."""
        branches = [_NEWEST_SEQUENCE]
        distinct = []
        if self._hours:
            branches += [_HOURS, _NEWEST_HOUR]
            distinct.append(_HOUR_HASHES)
        if self._edges:
            branches.append(_EDGES)
            distinct.append(_EDGE_HASHES)
        if self._is_distinct and distinct:
            branches.append(_DISTINCT.format(hashes=" UNION ALL ".join(distinct)))
        return _joined(tuple(branches))

    def values(self) -> dict[str, Any]:
        """What the text refers to."""
        named: dict[str, Any] = {"rows_per_draw": ARRIVAL_BLOCK - 1}
        for prefix, rows in (("hours", self._hours), ("edges", self._edges)):
            if rows:
                for (name, _), column in zip(_ASKED, zip(*rows, strict=True), strict=True):
                    named[f"{prefix}_{name}"] = list(column)
        if self._edges:
            named["watermark"] = _NO_WATERMARK if self._watermark is None else self._watermark
            named["first"] = min(named["edges_starts"])
            named["last"] = max(named["edges_ends"])
        return named


@cache
def _joined(branches: tuple[str, ...]) -> str:
    return compact("\nUNION ALL\n".join(branches))


_ASKED: Final = (
    ("place", "integer"),
    ("organization_id", "uuid"),
    ("customer_id", "uuid"),
    ("meter_id", "uuid"),
    ("starts", "timestamptz"),
    ("ends", "timestamptz"),
    ("span_ends", "timestamptz"),
    ("totals", "boolean"),
    ("weighted", "boolean"),
    ("distincts", "boolean"),
)
"""What is known of each part of a span that is read, as arrays."""


def _asked(prefix: str) -> str:
    arrays = ", ".join(f"CAST(:{prefix}_{name} AS {kind}[])" for name, kind in _ASKED)
    return f"unnest({arrays}) AS asked ({', '.join(name for name, _ in _ASKED)})"


# A transaction's rows are numbered up from the number that it drew.
_NEWEST_SEQUENCE = f"""
SELECT NULL::integer AS place,
    CASE WHEN is_called THEN last_value + :rows_per_draw ELSE 0 END AS event_count,
    {listed(lambda figure: f"NULL::numeric AS {figure.name}")},
    NULL::numeric AS weighted_total, NULL::numeric AS newest_at, NULL::numeric AS newest_value,
    NULL::bigint AS distinct_count
FROM usage_arrival_sequence"""  # noqa: S608  (put together out of constants)

_WHICH_HOURS = """
rolled.organization_id = asked.organization_id AND rolled.customer_id = asked.customer_id
AND rolled.meter_id = asked.meter_id AND rolled.hour >= asked.starts AND rolled.hour < asked.ends"""

_HOURS = f"""
SELECT asked.place, found.*
FROM {_asked("hours")}
CROSS JOIN LATERAL (
    SELECT coalesce(sum(event_count), 0)::bigint, {listed(Figure.of_hours)},
        sum(weighted_total + total
            * (extract(epoch FROM asked.span_ends) - extract(epoch FROM hour) - 3600) * 1000000
        ) FILTER (WHERE asked.weighted),
        NULL::numeric, NULL::numeric, NULL::bigint
    FROM usage_rollup AS rolled WHERE {_WHICH_HOURS} AND event_count > 0
) AS found
WHERE asked.totals"""  # noqa: S608  (put together out of constants)

_NEWEST_HOUR = f"""
SELECT asked.place, found.*
FROM {_asked("hours")}
CROSS JOIN LATERAL (
    SELECT 0, {NO_FIGURES}, NULL::numeric, extract(epoch FROM last_at), last_value, NULL::bigint
    FROM usage_rollup AS rolled WHERE {_WHICH_HOURS} AND event_count > 0
    ORDER BY hour DESC LIMIT 1
) AS found"""  # noqa: S608  (put together out of constants)

_CORRECTIONS = latest_corrections(
    "made.organization_id = asked.organization_id AND made.customer_id = asked.customer_id"
    " AND made.meter_id = asked.meter_id"
    " AND made.timestamp >= asked.starts AND made.timestamp < asked.ends"
    " AND made.arrival_sequence <= :watermark"
)

# The bounds of all edges together tell the planner which months it need not look at.
_EVENTS = f"""
SELECT event.timestamp, event.arrival_sequence, event.distinct_value, {QUANTITY} AS quantity
FROM usage_event AS event
LEFT JOIN {_CORRECTIONS} AS correction ON correction.event_id = event.id
WHERE event.organization_id = asked.organization_id AND event.customer_id = asked.customer_id
    AND event.meter_id = asked.meter_id
    AND event.timestamp >= asked.starts AND event.timestamp < asked.ends
    AND event.timestamp >= CAST(:first AS timestamptz)
    AND event.timestamp < CAST(:last AS timestamptz)
    AND event.arrival_sequence <= :watermark AND {COUNTS}"""  # noqa: S608  (put together out of constants)

# The greatest array is that of the newest event: its instant, then its arrival decide.
_EDGES = f"""
SELECT asked.place, found.*
FROM {_asked("edges")}
CROSS JOIN LATERAL (
    SELECT count(*), {listed(Figure.of_events)},
        sum(quantity
            * (extract(epoch FROM asked.span_ends) - extract(epoch FROM timestamp)) * 1000000
        ) FILTER (WHERE asked.weighted),
        (max(ARRAY[extract(epoch FROM timestamp), arrival_sequence, quantity]))[1],
        (max(ARRAY[extract(epoch FROM timestamp), arrival_sequence, quantity]))[3],
        NULL::bigint
    FROM ({_EVENTS}) AS edge
) AS found"""  # noqa: S608  (put together out of constants)

_DISTINCT = f"""
SELECT hashes.place, 0, {NO_FIGURES}, NULL, NULL, NULL, count(DISTINCT hashes.value_hash)
FROM ({{hashes}}) AS hashes
GROUP BY hashes.place"""  # noqa: S608  (put together out of constants)

_HOUR_HASHES = f"""
SELECT asked.place, rolled.value_hash
FROM {_asked("hours")}
JOIN usage_distinct AS rolled ON {_WHICH_HOURS}
WHERE asked.distincts"""  # noqa: S608  (put together out of constants)

_EDGE_HASHES = f"""
SELECT asked.place, sha256(convert_to(edge.distinct_value, 'UTF8')) AS value_hash
FROM {_asked("edges")}
CROSS JOIN LATERAL ({_EVENTS}) AS edge
WHERE asked.distincts"""  # noqa: S608  (put together out of constants)
