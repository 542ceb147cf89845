"""Subscriptions that are billed as they run, and the messages that make somebody look at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

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


LIST_CHANGED: Final = text(
    """
    -- Whoever has no message was looked at since anything was used.
    SELECT subscription.id FROM subscription
    WHERE subscription.organization_id = :organization_id
        AND subscription.test_clock_id = :test_clock_id
        AND subscription.threshold_amount IS NOT NULL
        AND subscription.ended_at IS NULL AND subscription.deleted_at IS NULL
        AND (
            subscription.id IN (
                SELECT CAST(message.payload ->> 'subscription_id' AS uuid)
                FROM outbox_message AS message
                WHERE message.organization_id = :organization_id AND message.kind = 'threshold'
            )
            -- A void alone takes back what was said, and asks nobody to look.
            OR EXISTS (
                SELECT FROM subscription_period AS running
                JOIN invoice ON invoice.organization_id = running.organization_id
                    AND invoice.subscription_id = running.subscription_id
                    AND invoice.period_index = running.index
                    AND invoice.kind = 'threshold' AND invoice.status = 'VOID'
                WHERE running.organization_id = subscription.organization_id
                    AND running.subscription_id = subscription.id
                    AND running.status = 'open' AND running.threshold_steps > 0
            )
        )
    ORDER BY subscription.id
    """
)


def list_changed_on_clock(
    session: Session, organization_id: UUID, test_clock_id: UUID
) -> Sequence[UUID]:
    """Those with a threshold on a test clock whose unbilled amount may have changed unlooked at.

    In the order of their ids.
    """
    keys = {"organization_id": organization_id, "test_clock_id": test_clock_id}
    session.flush()
    return session.execute(LIST_CHANGED, keys).scalars().all()
