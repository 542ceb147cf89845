"""Usage of a subscription so far: what its next invoice will be about."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from billing.periods import Period
from billing.rating.terms import PlanTerms
from services.subscriptions.period_versions import terms_in_force
from services.subscriptions.start import get_subscription
from services.usage.reports import CustomerUsage, measure_meters


def query_subscription_usage(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> CustomerUsage:
    """The usage of the current period on every meter of the plan, also on those that saw none.

    Raises NotFound. Source: CONTRACT 47.
    """
    subscription = get_subscription(session, organization_id, subscription_id)
    terms = terms_in_force(session, subscription)
    period = Period(
        starts_at=subscription.current_period_start, ends_at=subscription.current_period_end
    )
    measured = measure_meters(
        session, organization_id, subscription.customer_id, _meters_of(terms), period
    )
    return CustomerUsage(
        starts_at=period.starts_at, shown_end=period.ends_at, meters=tuple(measured)
    )


def _meters_of(terms: PlanTerms) -> list[UUID]:
    charged = [charge.meter.meter_id for charge in terms.charges if charge.meter is not None]
    limited = [feature.meter_id for feature in terms.features if feature.meter_id is not None]
    return list(dict.fromkeys([*charged, *limited]))
