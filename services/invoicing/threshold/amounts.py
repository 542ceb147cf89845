"""At how much a subscription is billed as it runs: set, and ended."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvalidInput, InvalidTransition
from billing.money import ZERO, find_currency, plain_text
from billing.subscriptions import has_ended
from models.subscriptions.subscriptions import Subscription
from repositories.catalog import plans as stored_plans
from repositories.subscriptions import thresholds as stored_thresholds
from services.audit_log import record
from services.required import require_plan
from services.subscriptions.start import lock_existing


def set_threshold(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    amount: Decimal | None,
    *,
    now: datetime,
) -> Subscription:
    """Running periods are billed whenever so much is unbilled; None: only when they are over.

    Units: major units of the plan's currency. What is reached already is billed soon, and what was
    billed stays so. Idempotent by the amount. Raises NotFound, InvalidInput, and InvalidTransition
    once the subscription has ended.
    """
    subscription = lock_existing(session, organization_id, subscription_id)
    if has_ended(subscription.status):
        raise InvalidTransition("A subscription that is CANCELED is not billed as it runs.")
    plan = require_plan(stored_plans.find_plan(session, organization_id, subscription.plan_id))
    if amount is not None:
        _require_money(amount, plan.currency)
    if subscription.threshold_amount == amount:
        return subscription
    before = subscription.threshold_amount
    subscription.threshold_amount = amount
    session.add(subscription)
    record(
        session,
        organization_id,
        "subscription.threshold_set",
        "subscription",
        subscription.id,
        before={"threshold_amount": _text(before)},
        after={"threshold_amount": _text(amount)},
        now=now,
    )
    stored_thresholds.wake(session, organization_id, subscription.customer_id, now=now)
    return subscription


def _require_money(amount: Decimal, code: str) -> None:
    currency = find_currency(code)
    if amount <= ZERO:
        raise InvalidInput(
            "A threshold is more than 0; send null for none.",
            code="amount_invalid",
            field="threshold_amount",
        )
    if currency.round(amount) != amount:
        raise InvalidInput(
            f"{currency.code} has {currency.exponent} decimal places.",
            code="amount_invalid",
            field="threshold_amount",
        )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else plain_text(amount)
