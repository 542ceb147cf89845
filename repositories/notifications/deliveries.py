"""Webhook deliveries: each telling of an event, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import and_, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.notifications.schedule import DeliveryStatus
from models.notifications.webhooks import WebhookAttempt, WebhookDelivery, WebhookEventRow
from repositories.asynchronous.document_reads import DocumentRead, PageRead
from repositories.outbox import CHANNEL

REPLAYS: Final = "webhook_delivery"
"""What the outbox's channel tells when a delivery is due that no message announced."""


DELIVERY_PAGES: Final = PageRead(
    read=DocumentRead(
        """
        SELECT asked.place, row_to_json(delivery) AS document
        FROM asked JOIN webhook_delivery AS delivery
            ON delivery.organization_id = tenant.id AND delivery.id = asked.id""",
        WebhookDelivery,
    ),
    table="webhook_delivery",
    filters={
        "endpoint_id": "endpoint_id = %(endpoint_id)s",
        "status": "status = %(status)s",
        "event": "event = %(event)s",
    },
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


_FORGET: Final = text(
    """
    -- A delivery ends after it is made: the index by organization and day finds the oldest.
    WITH finished AS (
        SELECT organization_id, id FROM webhook_delivery
        WHERE organization_id = ANY (CAST(:organizations AS uuid[]))
          AND created_at < :before AND completed_at < :before
        ORDER BY organization_id, created_at, id
        LIMIT :at_most
        FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        DELETE FROM webhook_delivery AS delivery USING finished
        WHERE delivery.organization_id = finished.organization_id AND delivery.id = finished.id
        RETURNING delivery.organization_id, delivery.id, delivery.event_id
    ), told AS (
        -- What else is told of the event, or is told of it again, keeps it.
        DELETE FROM webhook_event AS event
        WHERE (event.organization_id, event.id) IN (SELECT organization_id, event_id FROM forgotten)
          AND event.created_at < :before
          AND NOT EXISTS (
              SELECT FROM webhook_delivery AS other
              WHERE other.organization_id = event.organization_id AND other.event_id = event.id
                AND (other.organization_id, other.id)
                    NOT IN (SELECT organization_id, id FROM forgotten)
          )
    )
    SELECT count(*) FROM forgotten
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDelivery:
    """A delivery as people look at it: the bytes that are sent, and each try."""

    delivery: WebhookDelivery
    body: str
    tries: Sequence[WebhookAttempt]


def insert_events(session: Session, events: Sequence[WebhookEventRow]) -> set[UUID]:
    """Store events; give the ids of those that were not told before. Idempotent by their keys."""
    if not events:
        return set()
    return set(
        session.execute(
            insert(WebhookEventRow)
            .values([one.model_dump() for one in events])
            .on_conflict_do_nothing(constraint="uq_webhook_event_key")
            .returning(col(WebhookEventRow.id))
        ).scalars()
    )


def insert_deliveries(session: Session, deliveries: Sequence[WebhookDelivery]) -> None:
    """Store deliveries, which are sent from the commit on."""
    session.add_all(deliveries)
    session.flush()


def tell_of_replay(session: Session) -> None:
    """The commit tells whoever sends that something is due."""
    session.execute(
        text("SELECT pg_notify(:channel, :told)"), {"channel": CHANNEL, "told": REPLAYS}
    )


def lock_delivery(
    session: Session, organization_id: UUID, delivery_id: UUID
) -> WebhookDelivery | None:
    """The delivery with its row locked, or None."""
    return session.exec(
        select(WebhookDelivery)
        .where(
            WebhookDelivery.organization_id == organization_id, WebhookDelivery.id == delivery_id
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def take(
    session: Session, due: Sequence[tuple[UUID, UUID]], until: datetime
) -> list[TakenDelivery]:
    """These deliveries are due again at ``until``, unless somebody says what became of them.

    The transaction names their organizations.
    """
    found = session.execute(
        _TAKE,
        {"organizations": [one[0] for one in due], "ids": [one[1] for one in due], "until": until},
    )
    return [TakenDelivery(**row) for row in found.mappings()]


def find_replay(
    session: Session, organization_id: UUID, delivery_id: UUID, *, since: datetime
) -> WebhookDelivery | None:
    """The newest replay of a delivery that was asked for after ``since``, or None."""
    return session.exec(
        select(WebhookDelivery)
        .where(
            WebhookDelivery.organization_id == organization_id,
            WebhookDelivery.created_at > since,
            WebhookDelivery.replay_of == delivery_id,
        )
        .order_by(col(WebhookDelivery.created_at).desc())
    ).first()


def find_shown(session: Session, organization_id: UUID, delivery_id: UUID) -> ShownDelivery | None:
    """A delivery with what is sent and all of its tries, or None."""
    found = session.exec(
        select(WebhookDelivery, WebhookEventRow.body)
        .join(
            WebhookEventRow,
            and_(
                col(WebhookEventRow.organization_id) == col(WebhookDelivery.organization_id),
                col(WebhookEventRow.id) == col(WebhookDelivery.event_id),
            ),
        )
        .where(
            WebhookDelivery.organization_id == organization_id, WebhookDelivery.id == delivery_id
        )
    ).one_or_none()
    if found is None:
        return None
    tries = session.exec(
        select(WebhookAttempt)
        .where(
            WebhookAttempt.organization_id == organization_id,
            WebhookAttempt.delivery_id == delivery_id,
        )
        .order_by(col(WebhookAttempt.number))
    ).all()
    return ShownDelivery(delivery=found[0], body=found[1], tries=tries)


def give_up_pending(
    session: Session, organization_id: UUID, endpoint_id: UUID, *, reason: str, now: datetime
) -> None:
    """What waits for the endpoint has failed: it is told of nothing any more."""
    session.execute(
        update(WebhookDelivery)
        .where(
            col(WebhookDelivery.organization_id) == organization_id,
            col(WebhookDelivery.endpoint_id) == endpoint_id,
            col(WebhookDelivery.status) == DeliveryStatus.PENDING,
        )
        .values(status=DeliveryStatus.FAILED, error=reason, next_attempt_at=None, completed_at=now)
    )


def forget_finished(
    session: Session, organization_ids: Sequence[UUID], *, before: datetime, at_most: int
) -> int:
    """Deliveries of these organizations that ended before then are gone, the oldest first.

    Their events go with their last delivery. How many deliveries there were: fewer than
    ``at_most`` where none is left.
    """
    values = {"organizations": list(organization_ids), "before": before, "at_most": at_most}
    forgotten: int = session.connection().execute(_FORGET, values).scalar_one()
    return forgotten
