"""A bill that is parked, for tests of what is shown of it."""

from __future__ import annotations

from uuid import UUID

from api.context import AppContext
from services.invoicing import parking
from tests.api.people import Clock, Person
from tests.api.sold import V1


def park(owner: Person, context: AppContext, clock: Clock, subscription_id: str) -> None:
    """A broken rule stops the bill of the first period."""
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])
    with context.transactions.for_organization(organization_id) as session:
        parking.park_bill(
            session,
            organization_id,
            UUID(subscription_id),
            period_index=0,
            step="price_usage",
            reason="a broken rule",
            at=clock(),
            now=clock(),
        )
