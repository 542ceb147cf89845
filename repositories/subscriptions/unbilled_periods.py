"""Periods of a customer whose bills are not final, where they charge in a unit of credit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, TextClause, text
from sqlmodel import Session, col, select

from billing.subscriptions import PeriodStatus
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod

NOT_FINAL = (PeriodStatus.OPEN, PeriodStatus.CLOSED, PeriodStatus.PARKED, PeriodStatus.DRAFTED)

# Edits only add and end charges, so a plan that has none in the unit never bills one in it.
# What no credit in a charge's own unit pays is billed in money, and so are add-ons.
_CHARGES_IN: Final = """
    (EXISTS (
        SELECT FROM charge
        JOIN plan ON plan.organization_id = charge.organization_id AND plan.id = charge.plan_id
        WHERE charge.organization_id = subscription_period.organization_id
            AND charge.plan_id = subscription_period.plan_id
            AND (
                coalesce(charge.unit, plan.currency) = ANY({units})
                OR (charge.overage_rate IS NOT NULL AND plan.currency = ANY({units}))
            )
    ) OR EXISTS (
        SELECT FROM subscription_add_on AS add_on
        JOIN plan ON plan.organization_id = add_on.organization_id
            AND plan.id = subscription_period.plan_id AND plan.currency = ANY({units})
        WHERE add_on.organization_id = subscription_period.organization_id
            AND add_on.subscription_id = subscription_period.subscription_id
    ))
    """
CHARGES_IN_UNITS = text(_CHARGES_IN.format(units=":units"))

OWN_UNITS = text(
    """
    SELECT DISTINCT charge.unit
    FROM subscription
    JOIN subscription_period ON subscription_period.organization_id = subscription.organization_id
        AND subscription_period.subscription_id = subscription.id
    JOIN plan ON plan.organization_id = subscription_period.organization_id
        AND plan.id = subscription_period.plan_id
    JOIN charge ON charge.organization_id = plan.organization_id AND charge.plan_id = plan.id
    WHERE subscription.organization_id = :organization_id
        AND subscription.customer_id = :customer_id
        AND subscription_period.status = ANY(:statuses)
        AND charge.unit IS NOT NULL AND charge.overage_rate IS NOT NULL
        AND (CAST(:currency AS text) IS NULL OR plan.currency = :currency)
    ORDER BY charge.unit
    """
)


def list_unbilled(
    session: Session, organization_id: UUID, customer_id: UUID, units: Sequence[str]
) -> Sequence[tuple[Subscription, SubscriptionPeriod]]:
    """Those that charge in any of the units, each with its subscription, in the order of billing.

    What is due in money where credit in an own unit ends is charged in the currency as well.
    """
    if not units:
        return []
    return _list(
        session,
        organization_id,
        customer_id,
        col(SubscriptionPeriod.status).in_(NOT_FINAL),
        CHARGES_IN_UNITS.bindparams(units=list(units)),
    )


def has_unbilled_in(*, organization: str, customer: str, unit: str) -> str:
    """A condition on what these name in a statement: :func:`list_unbilled` would find something."""
    statuses = ", ".join(f"'{one.value}'" for one in NOT_FINAL)
    return f"""EXISTS (
        SELECT FROM subscription
        JOIN subscription_period
            ON subscription_period.organization_id = subscription.organization_id
            AND subscription_period.subscription_id = subscription.id
        WHERE subscription.organization_id = {organization}
            AND subscription.customer_id = {customer}
            AND subscription_period.status IN ({statuses})
            AND {_CHARGES_IN.format(units=f"ARRAY[{unit}]")}
    )"""


def list_own_units(
    session: Session, organization_id: UUID, customer_id: UUID, *, currency: str | None = None
) -> Sequence[str]:
    """The own units that these periods charge in, and in money what no credit in them pays.

    Where a currency is named, in that one alone.
    """
    keys = {
        "organization_id": organization_id,
        "customer_id": customer_id,
        "statuses": [one.value for one in NOT_FINAL],
        "currency": currency,
    }
    return session.execute(OWN_UNITS, keys).scalars().all()


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
