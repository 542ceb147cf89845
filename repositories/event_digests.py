"""A fingerprint of the events behind a line, whatever their number and order."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

_DIGEST = text(
    """
    WITH fingerprint AS (
        SELECT encode(sha256(convert_to(id::text || ':' || trim_scale(quantity)::text, 'UTF8')),
                      'hex') AS hash
        FROM usage_event
        WHERE organization_id = :organization_id AND customer_id = :customer_id
          AND meter_id = :meter_id AND timestamp >= :starts_at AND timestamp < :ends_at
          AND counted AND NOT paused AND arrival_sequence <= :watermark
    )
    SELECT coalesce(sum(('x' || left(hash, 15))::bit(60)::bigint), 0)::text,
           coalesce(sum(('x' || right(hash, 15))::bit(60)::bigint), 0)::text
    FROM fingerprint
    """
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

    It is made of sums of the events' SHA-256 hashes, so it takes no sorting and no memory, and
    differs as soon as an event is added, missing or different.
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
