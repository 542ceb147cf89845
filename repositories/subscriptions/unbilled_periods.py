"""Periods of a customer whose bills are not final, where they charge in a unit of credit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, TextClause, text
from sqlmodel import Session, col, select

from billing.subscriptions import PeriodStatus
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod

NOT_FINAL = (PeriodStatus.OPEN, PeriodStatus.CLOSED, PeriodStatus.PARKED, PeriodStatus.DRAFTED)

# Edits only add and end charges, so a plan that has none in the unit never bills one in it.
CHARGES_IN_UNIT = text(
    """
    EXISTS (
        SELECT FROM charge
        JOIN plan ON plan.organization_id = charge.organization_id AND plan.id = charge.plan_id
        WHERE charge.organization_id = subscription_period.organization_id
            AND charge.plan_id = subscription_period.plan_id
            AND coalesce(charge.unit, plan.currency) = :unit
    )
    """
)


def list_unbilled(
    session: Session, organization_id: UUID, customer_id: UUID, unit: str
) -> Sequence[tuple[Subscription, SubscriptionPeriod]]:
    """Each with its subscription, in the order in which they are billed."""
    return _list(
        session,
        organization_id,
        customer_id,
        col(SubscriptionPeriod.status).in_(NOT_FINAL),
        CHARGES_IN_UNIT.bindparams(unit=unit),
    )


def list_running(
    session: Session, organization_id: UUID, customer_id: UUID, *, at: datetime
) -> Sequence[tuple[Subscription, SubscriptionPeriod]]:
    """The periods that have begun by that instant and are open, whatever they charge in."""
    return _list(
        session,
        organization_id,
        customer_id,
        col(SubscriptionPeriod.status) == PeriodStatus.OPEN,
        col(SubscriptionPeriod.starts_at) <= at,
        col(Subscription.deleted_at).is_(None),
    )


def _list(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    *conditions: ColumnElement[bool] | TextClause,
) -> Sequence[tuple[Subscription, SubscriptionPeriod]]:
    found = session.exec(
        select(Subscription, SubscriptionPeriod)
        .join(
            SubscriptionPeriod,
            (col(SubscriptionPeriod.organization_id) == Subscription.organization_id)
            & (col(SubscriptionPeriod.subscription_id) == Subscription.id),
        )
        .where(
            Subscription.organization_id == organization_id,
            Subscription.customer_id == customer_id,
            *conditions,
        )
        .order_by(col(SubscriptionPeriod.ends_at), col(Subscription.id))
    )
    return [(row[0], row[1]) for row in found]
