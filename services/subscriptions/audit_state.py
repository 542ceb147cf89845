"""What the audit log keeps of a new subscription."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Session

from models.subscriptions.subscriptions import Subscription
from services.audit_log import record

SHOWN: Final = (
    "customer_id",
    "plan_id",
    "plan_version",
    "version_policy",
    "status",
    "start_date",
    "trial_end_date",
    "timezone",
    "billing_anchor",
)


def record_creation(session: Session, subscription: Subscription, *, now: datetime) -> None:
    """What was agreed when the subscription began is in the audit log: ids and terms, no person."""
    record(
        session,
        subscription.organization_id,
        "subscription.created",
        "subscription",
        subscription.id,
        after={name: getattr(subscription, name) for name in SHOWN},
        now=now,
    )
