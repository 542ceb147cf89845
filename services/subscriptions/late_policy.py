"""An organization's policy on usage that comes after its invoice was final (CONTRACT 19, 48)."""

from __future__ import annotations

from billing.invoicing.kinds import LateUsage
from billing.subscriptions import has_ended
from models.subscriptions.subscriptions import Subscription


def settles_alone(subscription: Subscription, policy: str, *, has_unfinished_periods: bool) -> bool:
    """Whether a difference is settled by a document of its own instead of the next invoice.

    Where late usage is ignored that is said of terms of commitments that ended, and nothing else.
    ``repositories.invoicing.late_policy.SETTLES_ALONE`` says the same in statements, and a property
    test compares them. Source: CONTRACT 48, 84.
    """
    is_over = has_ended(subscription.status) and not has_unfinished_periods
    return policy == LateUsage.CREDIT_NOTE_OR_INVOICE or is_over
