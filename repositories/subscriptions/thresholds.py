"""Subscriptions that are billed as they run, and the messages that make somebody look at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.subscriptions.subscriptions import Subscription

MESSAGE: Final = "threshold"
"""The kind of outbox message that asks for a look at a subscription; ingestion queues them too."""

WAKE: Final = text(
    """
    -- Each its own: one that is read already says nothing of what came after it.
    INSERT INTO outbox_message
        (organization_id, id, kind, key, payload, created_at, available_at, attempts)
    SELECT organization_id, gen_random_uuid(), 'threshold', id || '/' || gen_random_uuid(),
        jsonb_build_object('subscription_id', id), :now, :now, 0
    FROM subscription
    WHERE organization_id = :organization_id
        AND (CAST(:customer_id AS uuid) IS NULL OR customer_id = :customer_id)
        AND threshold_amount IS NOT NULL AND ended_at IS NULL AND deleted_at IS NULL
    """
)


def wake(
    session: Session, organization_id: UUID, customer_id: UUID | None, *, now: datetime
) -> None:
    """Somebody looks at the subscriptions with a threshold, of the customer or of all."""
    session.flush()
    keys = {"organization_id": organization_id, "customer_id": customer_id, "now": now}
    session.execute(WAKE, keys)


def list_on_clock(session: Session, organization_id: UUID, test_clock_id: UUID) -> Sequence[UUID]:
    """The subscriptions with a threshold that live on a test clock, in the order of their ids."""
    return session.exec(
        select(Subscription.id)
        .where(
            Subscription.organization_id == organization_id,
            Subscription.test_clock_id == test_clock_id,
            col(Subscription.threshold_amount).is_not(None),
            col(Subscription.ended_at).is_(None),
            col(Subscription.deleted_at).is_(None),
        )
        .order_by(col(Subscription.id))
    ).all()
