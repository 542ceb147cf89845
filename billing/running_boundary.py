"""Where what runs now of a subscription ends."""

from __future__ import annotations

from datetime import datetime

from billing.subscriptions import SubscriptionStatus


def boundary_of(
    status: str, *, trial_ends_at: datetime | None, period_ends_at: datetime
) -> datetime:
    """Where what runs now ends, so that what is planned follows: a trial or a period.

    ``models.subscriptions.states.BOUNDARY`` says the same in statements.
    """
    if status == SubscriptionStatus.TRIAL and trial_ends_at is not None:
        return trial_ends_at
    return period_ends_at
