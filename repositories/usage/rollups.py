"""Roll-ups out of raw events: compared with what is stored, or written anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, text
from sqlmodel import Session, col, select

from models.usage.rollups import UsageDistinct, UsageRollup
from repositories.usage.arrival_locks import LOCK_BUCKETS, lock_key
from repositories.usage.counted_events import COUNTS, QUANTITY, latest_corrections
from repositories.usage.figures import USING_DISTINCT_VALUES, listed, names


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Which roll-ups are meant: an organization's, or those of one of its customers' hours."""

    organization_id: UUID
    customer_id: UUID | None = None
    meter_id: UUID | None = None
    hour: datetime | None = None

    def parameters(self) -> dict[str, object]:
        """The values that the statements below are given."""
        return {
            "organization_id": self.organization_id,
            "customer_id": self.customer_id,
            "meter_id": self.meter_id,
            "hour": self.hour,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupDifference:
    """One hour whose roll-up is not what its events come to."""

    meter_id: UUID
    customer_id: UUID
    hour: datetime
    kind: str
    stored: str | None
    recomputed: str | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> RollupDifference:
        """The difference that a row says: its columns are the fields in their order."""
        meter_id, customer_id, hour, kind, stored, recomputed = row
        return cls(
            meter_id=meter_id,
            customer_id=customer_id,
            hour=hour,
            kind=kind,
            stored=stored,
            recomputed=recomputed,
        )


ONE_HOUR = """
    AND {table}.customer_id = :customer_id AND {table}.meter_id = :meter_id
    AND {table}.{column} >= :hour AND {table}.{column} < CAST(:hour AS timestamptz)
        + interval '1 hour'
"""

_COMPUTED = """
-- Every event as it is now: with its newest quantity, and whether it counts.
WITH correction AS NOT MATERIALIZED {corrections},
source AS NOT MATERIALIZED (
    SELECT event.customer_id, event.meter_id,
        date_trunc('hour', event.timestamp, 'UTC') AS hour,
        event.timestamp, event.arrival_sequence,
        extract(epoch FROM event.timestamp) AS seconds,
        {quantity} AS quantity, event.distinct_value, {counts} AS counts
    FROM usage_event AS event
    LEFT JOIN correction ON correction.event_id = event.id
    WHERE event.organization_id = :organization_id {event_hour}
),
-- The columns of a roll-up. The greatest array is that of the newest event: its instant, then its
-- arrival decide.
computed AS (
    SELECT customer_id, meter_id, hour,
        count(*) AS recorded_count,
        count(*) FILTER (WHERE counts) AS event_count,
        {figures},
        (max(ARRAY[seconds, arrival_sequence, quantity]) FILTER (WHERE counts))[3] AS last_value,
        max(timestamp) FILTER (WHERE counts) AS last_at,
        (max(ARRAY[seconds, arrival_sequence, quantity]) FILTER (WHERE counts))[2]::bigint
            AS last_sequence,
        coalesce(
            sum(quantity * (extract(epoch FROM hour) + 3600 - seconds)) FILTER (WHERE counts), 0
        ) * 1000000 AS weighted_total
    FROM source
    GROUP BY customer_id, meter_id, hour
),
-- Values of meters that count them, each once an hour.
seen AS (
    SELECT DISTINCT customer_id, meter_id, hour,
        sha256(convert_to(distinct_value, 'UTF8')) AS value_hash
    FROM source
    WHERE counts AND distinct_value IS NOT NULL AND meter_id = ANY (
        SELECT id FROM meter
        WHERE organization_id = :organization_id AND aggregation_type IN {distinct}
    )
)
"""

# A statement that writes runs on one core, and one that fills a table of its own on all of them.
_KEEP_COMPUTED = "CREATE TEMPORARY TABLE computed ON COMMIT DROP AS {} SELECT * FROM computed"

_WRITE_ROLLUPS = f"""
INSERT INTO usage_rollup (organization_id, customer_id, meter_id, hour, recorded_count,
    event_count, {names()}, last_value, last_at, last_sequence, weighted_total)
SELECT :organization_id, customer_id, meter_id, hour, recorded_count,
    event_count, {names()}, last_value, last_at, last_sequence, weighted_total
FROM computed
ORDER BY customer_id, meter_id, hour
"""  # noqa: S608  (put together out of constants)

_WRITE_DISTINCT = """
INSERT INTO usage_distinct (organization_id, customer_id, meter_id, hour, value_hash)
SELECT :organization_id, customer_id, meter_id, hour, value_hash FROM seen
ORDER BY customer_id, meter_id, hour, value_hash
"""

# Equal numbers may be stored with different zeros at their end; text shows them alike.
_FIGURES = f"""
concat_ws(', ', {{0}}.recorded_count, {{0}}.event_count,
    {listed(lambda figure: f"trim_scale({{0}}.{figure.name})")}, trim_scale({{0}}.last_value),
    {{0}}.last_at, {{0}}.last_sequence, trim_scale({{0}}.weighted_total))"""

_DIFFERENCES = f"""
-- An hour that is missing on either side differs as well.
SELECT coalesce(stored.meter_id, computed.meter_id),
    coalesce(stored.customer_id, computed.customer_id), coalesce(stored.hour, computed.hour),
    'rollup',
    CASE WHEN stored.hour IS NOT NULL THEN {_FIGURES.format("stored")} END,
    CASE WHEN computed.hour IS NOT NULL THEN {_FIGURES.format("computed")} END
FROM (SELECT * FROM usage_rollup WHERE organization_id = :organization_id) AS stored
FULL JOIN computed USING (customer_id, meter_id, hour)
WHERE (stored.recorded_count, stored.event_count, {names("stored.")},
        stored.last_value, stored.last_at, stored.last_sequence, stored.weighted_total)
    IS DISTINCT FROM
    (computed.recorded_count, computed.event_count, {names("computed.")},
        computed.last_value, computed.last_at, computed.last_sequence, computed.weighted_total)
UNION ALL
-- Of values only one side can be told, the other has none.
SELECT coalesce(stored.meter_id, seen.meter_id), coalesce(stored.customer_id, seen.customer_id),
    coalesce(stored.hour, seen.hour), 'distinct value', encode(stored.value_hash, 'hex'),
    encode(seen.value_hash, 'hex')
FROM (SELECT * FROM usage_distinct WHERE organization_id = :organization_id) AS stored
FULL JOIN seen USING (customer_id, meter_id, hour, value_hash)
WHERE stored.value_hash IS NULL OR seen.value_hash IS NULL
ORDER BY 1, 2, 3
LIMIT :limit
"""  # noqa: S608  (put together out of constants)


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


def lock_all_arrivals(session: Session, organization_id: UUID) -> None:
    """No event of the organization arrives until the transaction ends, and none is on its way."""
    buckets = range(LOCK_BUCKETS)
    keys = sorted({lock_key(organization_id, UUID(int=bucket)) for bucket in buckets})
    session.execute(
        text(
            "SELECT pg_advisory_xact_lock(key)"
            " FROM unnest(CAST(:keys AS bigint[])) WITH ORDINALITY AS lock(key, place)"
            " ORDER BY place"
        ),
        {"keys": keys},
    )


def write_rollups(session: Session, organization_id: UUID) -> int:
    """All roll-ups of an organization are what their events come to; how many there are.

    Arrivals are locked by the caller.
    """
    hours = Hours(organization_id=organization_id)
    session.execute(text(_KEEP_COMPUTED.format(_computed(hours))), hours.parameters())
    count = _replace(session, hours, _WRITE_ROLLUPS)
    session.execute(text("DROP TABLE computed"))
    return count


def write_hour(session: Session, hour: Hours) -> None:
    """The roll-up of a customer's hour is what its events come to.

    Arrivals are locked by the caller.
    """
    _replace(session, hour, _computed(hour) + _WRITE_ROLLUPS)


def analyze_events(session: Session) -> None:
    """PostgreSQL looks at how events are spread, on which the speed of what is below rests.

    It reads some thirty thousand rows of every month, and passes over months that are being
    cleaned. The first event of a new month waits for it, no other does.
    """
    session.execute(text("SELECT analyze_usage_events()"))


def list_differences(
    session: Session, organization_id: UUID, *, limit: int
) -> Sequence[RollupDifference]:
    """The hours whose roll-ups are not what their events come to, as one snapshot sees both."""
    hours = Hours(organization_id=organization_id)
    rows = session.execute(
        text(_computed(hours) + _DIFFERENCES), {**hours.parameters(), "limit": limit}
    )
    return [RollupDifference.of(row) for row in rows]


def count_rollups(session: Session, organization_id: UUID) -> tuple[int, int]:
    """How many roll-ups an organization has, and how many recorded events they stand for."""
    row = session.execute(
        text(
            "SELECT count(*), coalesce(sum(recorded_count), 0)::bigint FROM usage_rollup"
            " WHERE organization_id = :organization_id"
        ),
        {"organization_id": organization_id},
    ).one()
    return row[0], row[1]


def _replace(session: Session, hours: Hours, write_computed: str) -> int:
    for table in (UsageRollup, UsageDistinct):
        session.execute(delete(table).where(*_stored(table, hours)))
    written = session.execute(text(write_computed), hours.parameters())
    session.execute(text(_computed(hours) + _WRITE_DISTINCT), hours.parameters())
    return int(getattr(written, "rowcount", 0))


def _stored(table: type[UsageRollup | UsageDistinct], hours: Hours) -> list[ColumnElement[bool]]:
    conditions = [col(table.organization_id) == hours.organization_id]
    if hours.hour is not None:
        conditions.append(col(table.customer_id) == hours.customer_id)
        conditions.append(col(table.meter_id) == hours.meter_id)
        conditions.append(col(table.hour) == hours.hour)
    return conditions


def _computed(hours: Hours) -> str:
    event_hour, corrections = conditions_of(hours)
    return _COMPUTED.format(
        event_hour=event_hour,
        corrections=corrections,
        quantity=QUANTITY,
        counts=COUNTS,
        figures=listed(lambda figure: f"{figure.of_counted_events()} AS {figure.name}"),
        distinct=USING_DISTINCT_VALUES,
    )


def conditions_of(hours: Hours) -> tuple[str, str]:
    """Which rows of ``event`` are meant beside their organization's, and their corrections."""
    event_hour = correction_hour = ""
    if hours.hour is not None:
        event_hour = ONE_HOUR.format(table="event", column="timestamp")
        correction_hour = ONE_HOUR.format(table="made", column="timestamp")
    return event_hour, latest_corrections(
        "made.organization_id = :organization_id " + correction_hour
    )
