"""What a customer used in each hour of a period, as lines of text, and one digest of them all.

Whole hours come from roll-ups and ragged ones from events, as when a bill is measured; so the
digest costs by hours and not by events. A line is ``<meter> <hour, in seconds> <events> <sum>``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from billing.metering.hours import split_hours
from models.usage.events import ARRIVAL_BLOCK
from repositories.statement_text import compact
from repositories.usage.counted_events import COUNTS, QUANTITY, latest_corrections


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursAsked:
    """The hours of some meters of a customer in [starts_at, ends_at)."""

    organization_id: UUID
    customer_id: UUID
    meter_ids: Sequence[UUID]
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursDigest:
    """The digest of the hours, and the last arrival that is in them."""

    digest: str
    watermark: int


_COLUMNS: Final = (
    ("place", "integer"),
    ("organization_id", "uuid"),
    ("customer_id", "uuid"),
    ("meter_id", "uuid"),
    ("starts", "timestamptz"),
    ("ends", "timestamptz"),
)


def _asked(prefix: str) -> str:
    arrays = ", ".join(f"CAST(:{prefix}_{name} AS {kind}[])" for name, kind in _COLUMNS)
    return f"unnest({arrays}) AS asked ({', '.join(name for name, _ in _COLUMNS)})"


_CORRECTIONS: Final = latest_corrections(
    "made.organization_id = asked.organization_id AND made.customer_id = asked.customer_id"
    " AND made.meter_id = asked.meter_id"
    " AND made.timestamp >= asked.starts AND made.timestamp < asked.ends"
    " AND made.arrival_sequence <= :watermark"
)

_WHOLE: Final = f"""
SELECT asked.place, rolled.meter_id, rolled.hour, rolled.event_count, rolled.total
FROM {_asked("hours")}
JOIN usage_rollup AS rolled ON rolled.organization_id = asked.organization_id
    AND rolled.customer_id = asked.customer_id AND rolled.meter_id = asked.meter_id
    AND rolled.hour >= asked.starts AND rolled.hour < asked.ends AND rolled.event_count > 0"""  # noqa: S608  (put together out of constants)

_RAGGED: Final = f"""
SELECT asked.place, asked.meter_id, found.hour, found.event_count, found.total
FROM {_asked("edges")}
CROSS JOIN LATERAL (
    SELECT date_trunc('hour', event.timestamp, 'UTC') AS hour, count(*) AS event_count,
        sum({QUANTITY}) AS total
    FROM usage_event AS event
    LEFT JOIN {_CORRECTIONS} AS correction ON correction.event_id = event.id
    WHERE event.organization_id = asked.organization_id AND event.customer_id = asked.customer_id
        AND event.meter_id = asked.meter_id
        AND event.timestamp >= asked.starts AND event.timestamp < asked.ends
        AND event.arrival_sequence <= :watermark AND {COUNTS}
    GROUP BY 1
) AS found"""  # noqa: S608  (put together out of constants)

_LINE: Final = """meter_id::text || ' ' || extract(epoch FROM hour)::bigint || ' ' || event_count
    || ' ' || trim_scale(total)::text"""

_DIGESTS: Final = text(
    compact(
        f"""
        SELECT place,
            encode(sha256(convert_to(string_agg({_LINE}, E'\\n' ORDER BY meter_id, hour), 'UTF8')),
                'hex'),
            (SELECT CASE WHEN is_called THEN last_value + :rows_per_draw ELSE 0 END
                FROM usage_arrival_sequence)
        FROM ({_WHOLE} UNION ALL {_RAGGED}) AS hours GROUP BY place
        """  # noqa: S608  (put together out of constants)
    )
)

_LINES: Final = text(
    compact(f"SELECT {_LINE} FROM ({_RAGGED}) AS hours ORDER BY meter_id, hour")  # noqa: S608  (put together out of constants)
)

_NOT_YET: Final = 2**63 - 1


def digest_hours(session: Session, asked: Sequence[HoursAsked]) -> list[HoursDigest | None]:
    """The digest of each, None where nothing was used; whole hours come from roll-ups.

    The caller holds the customers' ingestion locks, so that no event is on its way.
    """
    hours: list[tuple[object, ...]] = []
    edges: list[tuple[object, ...]] = []
    for place, one in enumerate(asked):
        split = split_hours(one.starts_at, one.ends_at)
        for meter_id in one.meter_ids:
            whose = (place, one.organization_id, one.customer_id, meter_id)
            if split.whole is not None:
                hours.append((*whose, *split.whole))
            edges.extend((*whose, *edge) for edge in split.edges)
    values = {**_arrays("hours", hours), **_arrays("edges", edges)}
    values |= {"watermark": _NOT_YET, "rows_per_draw": ARRIVAL_BLOCK - 1}
    digests: list[HoursDigest | None] = [None] * len(asked)
    for place, digest, watermark in session.execute(_DIGESTS, values):
        digests[place] = HoursDigest(digest=digest, watermark=watermark)
    return digests


def list_hour_lines(session: Session, asked: HoursAsked, *, watermark: int) -> list[str]:
    """The lines that the digest is of, from raw events up to a watermark alone."""
    spans = [
        (0, asked.organization_id, asked.customer_id, one, asked.starts_at, asked.ends_at)
        for one in asked.meter_ids
    ]
    values = {**_arrays("edges", spans), "watermark": watermark}
    return list(session.scalars(_LINES, values))


def _arrays(prefix: str, rows: Sequence[tuple[object, ...]]) -> dict[str, Any]:
    return {
        f"{prefix}_{name}": [row[column] for row in rows]
        for column, (name, _) in enumerate(_COLUMNS)
    }
