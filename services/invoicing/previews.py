"""A bill as it would look, of the present or of another instant. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidInput
from billing.invoicing.invoices import InvoiceTotals
from billing.periods import Period
from billing.subscriptions import SubscriptionStatus
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.catalog import plans as stored_plans
from repositories.subscriptions.running import find_running
from services.invoicing import composition
from services.invoicing.commitments.asked import Ending
from services.invoicing.composition import Composing
from services.rating import steps
from services.rating.steps import Rated
from services.required import require_subscription
from services.subscriptions.start import span_of


@dataclass(frozen=True, slots=True, kw_only=True)
class BillPreview:
    """What an invoice would say. It has no number and is stored nowhere."""

    subscription: Subscription
    span: Period
    totals: InvoiceTotals


def preview_invoice(
    session: Session, organization_id: UUID, subscription_id: UUID, *, at: datetime | None
) -> BillPreview:
    """The invoice of the current period as if it ended now, fixed charges in full.

    With ``at`` the period is cut there. Raises Conflict where no period runs. Source: CONTRACT 54.
    """
    found = find_running(session, organization_id, subscription_id)
    subscription, stored = found or (None, None)
    subscription = require_subscription(subscription)
    if stored is None:
        why = (
            "is in its trial, which is never billed"
            if subscription.status == SubscriptionStatus.TRIAL
            else "has no period that runs"
        )
        raise Conflict(f"The subscription {why}.", code="nothing_to_preview")
    span = _span(stored, at)
    rated = steps.look_at_span(session, subscription, stored, span)
    ending = Ending.STORED if span == span_of(stored) else Ending.CUT
    totals = total_span(session, subscription, stored, rated, ending=ending)
    return BillPreview(subscription=subscription, span=span, totals=totals)


def total_span(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    rated: Rated,
    *,
    ending: Ending,
) -> InvoiceTotals:
    """What an invoice of these lines would come to: late lines, taxes and credit included.

    It would be final as its span ends; terms of commitments that end with it are settled.
    """
    plan = stored_plans.find_plan(session, subscription.organization_id, stored.plan_id)
    assert plan is not None
    composing = Composing(
        subscription=subscription,
        rated=rated,
        at=rated.frozen.period.ends_at,
        currency=plan.currency,
        own_period=stored,
        ending=ending,
    )
    [bill] = composition.compose_bills(session, [composing])
    return bill.totals


def _span(stored: SubscriptionPeriod, at: datetime | None) -> Period:
    if at is None:
        return span_of(stored)
    if not stored.starts_at < at <= stored.ends_at:
        raise InvalidInput(
            f"The current period runs from {stored.starts_at.isoformat()} to"
            f" {stored.ends_at.isoformat()}.",
            code="outside_current_period",
            field="at",
        )
    return Period(starts_at=stored.starts_at, ends_at=at)
