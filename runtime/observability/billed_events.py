"""Events that a bill is of, so that its trace leads back to those in which they were accepted."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from activities.declarations import ActionRequest
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.transactions import Transactions
from repositories.usage.events import EventSelection, list_events
from runtime.observability.traces import MOST_LINKED_EVENTS

LOOKED_AT = 200
"""So many of the newest are looked at for some whose traces are kept."""


def find_billed_events(
    transactions: Transactions, keeps: Callable[[UUID], bool], request: ActionRequest
) -> list[UUID]:
    """The newest events of the bill's period whose traces are kept, at most twenty."""
    organization_id, subscription_id = UUID(request.organization_id), UUID(request.subscription_id)
    assert request.period_index is not None
    with transactions.for_organization(organization_id) as session:
        subscription = stored_subscriptions.find_subscription(
            session, organization_id, subscription_id
        )
        period = stored_subscriptions.find_period(
            session, organization_id, subscription_id, request.period_index
        )
        if subscription is None or period is None:
            return []
        selection = EventSelection(
            customer_id=subscription.customer_id,
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            counted=True,
        )
        events = list_events(
            session, organization_id, selection, after=None, offset=0, limit=LOOKED_AT
        )
        return [one.id for one in events if keeps(one.id)][:MOST_LINKED_EVENTS]
