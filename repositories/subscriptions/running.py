"""A subscription with what surrounds its running period, for a look at what it would be billed."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import and_
from sqlmodel import Session, col, select

from billing.subscriptions import PeriodStatus
from models.accounts.organizations import Organization
from models.catalog.plans import Plan
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.asynchronous.prefetched import prefetchable


@prefetchable
def find_running(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> tuple[Subscription, SubscriptionPeriod | None] | None:
    """The subscription with the period that runs, by one statement, or None.

    It brings the plan and the organization, so that whoever gets them next asks nobody.
    """
    row = session.exec(
        select(Subscription, SubscriptionPeriod, Plan, Organization)
        .join(Organization, col(Organization.id) == col(Subscription.organization_id))
        .join(
            Plan,
            and_(
                col(Plan.organization_id) == col(Subscription.organization_id),
                col(Plan.id) == col(Subscription.plan_id),
            ),
        )
        .outerjoin(
            SubscriptionPeriod,
            and_(
                col(SubscriptionPeriod.organization_id) == col(Subscription.organization_id),
                col(SubscriptionPeriod.subscription_id) == col(Subscription.id),
                col(SubscriptionPeriod.status) == PeriodStatus.OPEN,
            ),
        )
        .where(Subscription.organization_id == organization_id, Subscription.id == subscription_id)
    ).first()
    return None if row is None else (row[0], row[1])
