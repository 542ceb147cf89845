"""Which webhook deliveries are due, over all organizations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

LOOKUP: Final = "delivery_status"
"""What a sender's transaction looks up: it may then see and lock deliveries of that status."""

_LOCK_DUE: Final = text(
    """
    -- Endpoints are found one by one in the index, whatever waits for each: a backlog of one is
    -- not read for the sake of another.
    WITH RECURSIVE waiting AS (
        (SELECT endpoint_id FROM webhook_delivery
         WHERE status = 'pending' ORDER BY endpoint_id LIMIT 1)
        UNION ALL
        SELECT (SELECT following.endpoint_id FROM webhook_delivery AS following
                WHERE following.status = 'pending'
                  AND following.endpoint_id > waiting.endpoint_id
                ORDER BY following.endpoint_id LIMIT 1)
        FROM waiting WHERE waiting.endpoint_id IS NOT NULL
    )
    SELECT due.organization_id, due.id
    FROM waiting
    LEFT JOIN unnest(CAST(:endpoints AS uuid[]), CAST(:rooms AS integer[]))
        AS busy(endpoint_id, room) USING (endpoint_id)
    CROSS JOIN LATERAL (
        -- What is locked is taken by another process just now.
        SELECT one.organization_id, one.id, one.next_attempt_at FROM webhook_delivery AS one
        WHERE one.status = 'pending' AND one.endpoint_id = waiting.endpoint_id
          AND one.next_attempt_at <= :now
        ORDER BY one.next_attempt_at, one.id
        LIMIT coalesce(busy.room, CAST(:room_of_each AS integer))
        FOR UPDATE SKIP LOCKED
    ) AS due
    ORDER BY due.next_attempt_at, due.id
    LIMIT :room
    """
)

_TAKE: Final = text(
    """
    UPDATE webhook_delivery AS taken SET next_attempt_at = :until
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:ids AS uuid[])) AS due(organization_id, id),
        webhook_endpoint AS endpoint, webhook_event AS event
    WHERE taken.organization_id = due.organization_id AND taken.id = due.id
      AND endpoint.organization_id = taken.organization_id AND endpoint.id = taken.endpoint_id
      AND event.organization_id = taken.organization_id AND event.id = taken.event_id
    RETURNING taken.organization_id, taken.id, taken.endpoint_id, taken.event_id, taken.attempts,
        endpoint.url, endpoint.sealed_secret, endpoint.former_secret, endpoint.former_until,
        event.body
    """
)

_FIND_NEXT: Final = text(
    """
    SELECT next_attempt_at FROM webhook_delivery WHERE status = 'pending'
    ORDER BY next_attempt_at LIMIT 1
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenDelivery:
    """A delivery that is this process's to send, with all that it takes."""

    organization_id: UUID
    id: UUID
    endpoint_id: UUID
    event_id: UUID
    attempts: int
    url: str
    sealed_secret: str
    former_secret: str | None
    former_until: datetime | None
    body: str


def lock_due(
    session: Session,
    *,
    room: int,
    room_of_each: int,
    rooms: Mapping[UUID, int],
    now: datetime,
) -> list[tuple[UUID, UUID]]:
    """Organizations and ids of deliveries that are due, the oldest first, ``room`` at most.

    Of each endpoint as many as ``rooms`` says of it, else ``room_of_each``. The transaction looks
    up pending ones.
    """
    found = session.execute(
        _LOCK_DUE,
        {
            "endpoints": list(rooms),
            "rooms": list(rooms.values()),
            "room_of_each": room_of_each,
            "room": room,
            "now": now,
        },
    )
    return [(row.organization_id, row.id) for row in found]


def take(
    session: Session, due: Sequence[tuple[UUID, UUID]], *, until: datetime
) -> list[TakenDelivery]:
    """These deliveries are due again at ``until``, unless somebody says what became of them.

    The transaction names their organizations.
    """
    found = session.execute(
        _TAKE,
        {"organizations": [one[0] for one in due], "ids": [one[1] for one in due], "until": until},
    )
    return [TakenDelivery(**row) for row in found.mappings()]


def find_next_due(session: Session) -> datetime | None:
    """When the first delivery is due, None if none waits. The transaction looks up pending ones."""
    found: datetime | None = session.execute(_FIND_NEXT).scalar()
    return found
