"""A fingerprint of the events behind a line, whatever their number and order."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from repositories.usage.counted_events import COUNTS, QUANTITY, latest_corrections

_CORRECTIONS = latest_corrections(
    "made.organization_id = :organization_id AND made.customer_id = :customer_id"
    " AND made.meter_id = :meter_id"
    " AND made.timestamp >= :starts_at AND made.timestamp < :ends_at"
    " AND made.arrival_sequence <= :watermark"
)

_DIGEST = text(
    f"""
    WITH fingerprint AS (
        SELECT encode(sha256(convert_to(event.id::text || ':' || trim_scale({QUANTITY})::text,
                                        'UTF8')), 'hex') AS hash
        FROM usage_event AS event
        LEFT JOIN {_CORRECTIONS} AS correction ON correction.event_id = event.id
        WHERE event.organization_id = :organization_id AND event.customer_id = :customer_id
          AND event.meter_id = :meter_id
          AND event.timestamp >= :starts_at AND event.timestamp < :ends_at
          AND event.arrival_sequence <= :watermark AND {COUNTS}
    )
    SELECT coalesce(sum(('x' || left(hash, 15))::bit(60)::bigint), 0)::text,
           coalesce(sum(('x' || right(hash, 15))::bit(60)::bigint), 0)::text
    FROM fingerprint
    """  # noqa: S608  (put together out of constants)
)


def digest_events(
    session: Session,
    organization_id: UUID,
    *,
    customer_id: UUID,
    meter_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    watermark: int,
) -> str:
    """The fingerprint of a meter's counted events in [starts_at, ends_at) up to a watermark.

    Voided events are not among them, and amended ones are with their newest quantity. It is made of
    sums of the events' SHA-256 hashes, so it takes no sorting and no memory, and differs as soon as
    an event is added, missing or different.
    """
    first, second = session.execute(
        _DIGEST,
        {
            "organization_id": organization_id,
            "customer_id": customer_id,
            "meter_id": meter_id,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "watermark": watermark,
        },
    ).one()
    return f"{int(first):020x}{int(second):020x}"
