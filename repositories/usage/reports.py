"""Reading usage for people: many spans of one or of all customers in one statement.

A span is read as whole hours from the roll-ups and raw events of its two ragged edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, TextClause, text
from sqlmodel import Session

from billing.metering.hours import floor_hour, split_hours
from billing.metering.tallies import NOTHING, Tally
from billing.periods import Period
from repositories.statement_text import compact
from repositories.usage.counted_events import COUNTS, QUANTITY, latest_corrections
from repositories.usage.figures import listed, names, pick_figures


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodUsage:
    """What the counted events of a period come to, and of how many customers they are."""

    tally: Tally = NOTHING
    customer_count: int = 0


NO_USAGE: Final = PeriodUsage()

# OFFSET 0 keeps each laterally joined query whole: it is run once for each span, by its index,
# and not turned around into a scan of everything that looks for its span.
_SPANS = """
-- The whole hours of each span. Its end is needed to weigh by time what is read of it.
WITH span AS MATERIALIZED (
    SELECT * FROM unnest(
        CAST(:ordinals AS int[]), CAST(:meters AS uuid[]), CAST(:whole_starts AS timestamptz[]),
        CAST(:whole_ends AS timestamptz[]), CAST(:ends AS timestamptz[])
    ) AS span(ordinal, meter_id, whole_starts_at, whole_ends_at, ends_at)
),
-- Its ragged edges, up to two of them.
edge AS MATERIALIZED (
    SELECT * FROM unnest(
        CAST(:edge_ordinals AS int[]), CAST(:edge_meters AS uuid[]),
        CAST(:edge_starts AS timestamptz[]), CAST(:edge_ends AS timestamptz[]),
        CAST(:edge_span_ends AS timestamptz[])
    ) AS edge(ordinal, meter_id, starts_at, ends_at, span_ends_at)
),
-- The counted events of the edges, each with its newest quantity.
raw AS MATERIALIZED (
    SELECT edge.ordinal, edge.span_ends_at, used.*
    FROM edge CROSS JOIN LATERAL (
        SELECT event.customer_id, event.timestamp, event.arrival_sequence, event.distinct_value,
            {quantity} AS quantity
        FROM usage_event AS event
        LEFT JOIN {corrections} AS correction ON correction.event_id = event.id
        WHERE event.organization_id = :organization_id
            AND event.meter_id = edge.meter_id
            AND event.timestamp >= edge.starts_at AND event.timestamp < edge.ends_at
            {of_event_customer}
            AND {counts}
        OFFSET 0
    ) AS used
),
-- Hours and single events in the same columns: an event is an hour with one event in it. An hour's
-- level goes on from its end to the end of the span, which its roll-up does not know.
part AS (
    SELECT span.ordinal, hours.customer_id, hours.event_count, {hours_figures}, hours.last_value,
        hours.last_at, hours.last_sequence,
        hours.weighted_total + hours.total
            * extract(epoch FROM span.ends_at - (hours.hour + interval '1 hour')) * 1000000
            AS weighted_total
    FROM span CROSS JOIN LATERAL (
        SELECT * FROM usage_rollup AS rollup
        WHERE rollup.organization_id = :organization_id
            AND rollup.meter_id = span.meter_id
            AND rollup.hour >= span.whole_starts_at AND rollup.hour < span.whole_ends_at
            {of_rollup_customer}
            AND rollup.event_count > 0
        OFFSET 0
    ) AS hours
    UNION ALL
    SELECT ordinal, customer_id, 1, {raw_figures}, quantity, timestamp, arrival_sequence,
        quantity * extract(epoch FROM span_ends_at - timestamp) * 1000000
    FROM raw
),
-- Distinct values: hours keep fingerprints, so those of the edges are taken here. UNION drops what
-- hours and edges have in common.
value AS (
    SELECT span.ordinal, seen.value_hash
    FROM span CROSS JOIN LATERAL (
        SELECT seen.value_hash FROM usage_distinct AS seen
        WHERE seen.organization_id = :organization_id
            AND seen.meter_id = span.meter_id
            AND seen.hour >= span.whole_starts_at AND seen.hour < span.whole_ends_at
            {of_seen_customer}
        OFFSET 0
    ) AS seen
    UNION
    SELECT ordinal, sha256(convert_to(distinct_value, 'UTF8'))
    FROM raw WHERE distinct_value IS NOT NULL
)
SELECT ordinal, sum(event_count)::bigint AS event_count,
    count(DISTINCT customer_id) AS customer_count, {figures},
    (array_agg(last_value ORDER BY last_at DESC, last_sequence DESC))[1] AS newest,
    sum(weighted_total) AS weighted_total, {distinct_count} AS distinct_count
FROM part
GROUP BY ordinal
"""

_CORRECTIONS_OF_EDGE = """made.organization_id = :organization_id
    AND made.meter_id = edge.meter_id
    AND made.timestamp >= edge.starts_at AND made.timestamp < edge.ends_at """

_DISTINCT_COUNT = "(SELECT count(*) FROM value WHERE value.ordinal = part.ordinal)"


def read_spans(
    session: Session,
    organization_id: UUID,
    spans: Sequence[tuple[UUID, Period]],
    *,
    customer_id: UUID | None,
    distinct: bool,
) -> list[PeriodUsage]:
    """What the usage of each meter in its period comes to, of one customer or of all.

    Read by one statement. ``distinct`` asks for distinct values too, which other aggregations need
    not pay for.
    """
    if not spans:
        return []
    statement = _statement(of_one_customer=customer_id is not None, distinct=distinct)
    rows = session.execute(
        statement,
        {
            "organization_id": organization_id,
            "customer_id": customer_id,
            **_span_columns(spans),
            **_edge_columns(spans),
        },
    )
    found = {row["ordinal"]: _to_usage(row) for row in rows.mappings()}
    return [found.get(ordinal, NO_USAGE) for ordinal in range(len(spans))]


def list_used_meters(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    period: Period,
) -> list[UUID]:
    """The meters on which a customer may have usage in a period, hours at its edges included."""
    rows = session.execute(
        text(
            "SELECT DISTINCT meter_id FROM usage_rollup"
            " WHERE organization_id = :organization_id AND customer_id = :customer_id"
            " AND hour >= :first AND hour < :last"
        ),
        {
            "organization_id": organization_id,
            "customer_id": customer_id,
            "first": floor_hour(period.starts_at),
            "last": period.ends_at,
        },
    )
    return [row[0] for row in rows]


def find_first_and_last(
    session: Session, organization_id: UUID, meter_id: UUID
) -> tuple[datetime, datetime] | None:
    """The timestamps of a meter's first and last recorded event, or None if there is none."""
    row = session.execute(text(_FIRST_AND_LAST), _of_meter(organization_id, meter_id)).one()
    return (row[0], row[1]) if row[0] is not None else None


def count_recorded(session: Session, organization_id: UUID, meter_id: UUID) -> tuple[int, int]:
    """How many events a meter recorded, counted or not, and of how many customers."""
    row = session.execute(
        text(
            "SELECT coalesce(sum(recorded_count), 0)::bigint, count(DISTINCT customer_id)"
            " FROM usage_rollup"
            " WHERE organization_id = :organization_id AND meter_id = :meter_id"
        ),
        _of_meter(organization_id, meter_id),
    ).one()
    return row[0], row[1]


def _of_meter(organization_id: UUID, meter_id: UUID) -> dict[str, UUID]:
    return {"organization_id": organization_id, "meter_id": meter_id}


# The roll-ups name the first and the last hour and whose events lie in it, so that only those are
# looked at.
_FIRST_AND_LAST = """
WITH hours AS (
    SELECT min(hour) AS first, max(hour) AS last FROM usage_rollup
    WHERE organization_id = :organization_id AND meter_id = :meter_id
)
SELECT min(used.first), max(used.last)
FROM hours
JOIN usage_rollup rollup
    ON rollup.organization_id = :organization_id AND rollup.meter_id = :meter_id
    AND rollup.hour IN (hours.first, hours.last)
CROSS JOIN LATERAL (
    SELECT min(event.timestamp) AS first, max(event.timestamp) AS last
    FROM usage_event AS event
    WHERE event.organization_id = :organization_id AND event.customer_id = rollup.customer_id
        AND event.meter_id = :meter_id
        AND event.timestamp >= rollup.hour AND event.timestamp < rollup.hour + interval '1 hour'
    OFFSET 0
) AS used
"""


def _span_columns(spans: Sequence[tuple[UUID, Period]]) -> dict[str, list[Any]]:
    # Without whole hours the span of hours is empty.
    whole = [
        split_hours(one.starts_at, one.ends_at).whole or (one.ends_at, one.ends_at)
        for _, one in spans
    ]
    return {
        "ordinals": list(range(len(spans))),
        "meters": [meter_id for meter_id, _ in spans],
        "whole_starts": [starts_at for starts_at, _ in whole],
        "whole_ends": [ends_at for _, ends_at in whole],
        "ends": [one.ends_at for _, one in spans],
    }


def _edge_columns(spans: Sequence[tuple[UUID, Period]]) -> dict[str, list[Any]]:
    edges = [
        (ordinal, meter_id, starts_at, ends_at, one.ends_at)
        for ordinal, (meter_id, one) in enumerate(spans)
        for starts_at, ends_at in split_hours(one.starts_at, one.ends_at).edges
    ]
    columns = ("ordinals", "meters", "starts", "ends", "span_ends")
    return {f"edge_{name}": [one[place] for one in edges] for place, name in enumerate(columns)}


@cache
def _statement(*, of_one_customer: bool, distinct: bool) -> TextClause:
    only = "AND {}.customer_id = :customer_id" if of_one_customer else ""
    written = _SPANS.format(
        quantity=QUANTITY,
        counts=COUNTS,
        corrections=latest_corrections(_CORRECTIONS_OF_EDGE + only.format("made")),
        of_event_customer=only.format("event"),
        of_rollup_customer=only.format("rollup"),
        of_seen_customer=only.format("seen"),
        distinct_count=_DISTINCT_COUNT if distinct else "0",
        hours_figures=names("hours."),
        raw_figures=listed(lambda figure: figure.of_event),
        figures=listed(lambda figure: f"{figure.of_hours()} AS {figure.name}"),
    )
    return text(compact(written))


def _to_usage(row: RowMapping) -> PeriodUsage:
    return PeriodUsage(
        customer_count=row["customer_count"],
        tally=Tally(
            event_count=row["event_count"],
            newest=row["newest"],
            weighted_total=row["weighted_total"],
            distinct_count=row["distinct_count"],
            **pick_figures(row),
        ),
    )
