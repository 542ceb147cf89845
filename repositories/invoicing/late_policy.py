"""Whether a difference settles alone: the one definition for every statement.

In Python ``settles_alone`` of ``services.subscriptions.late_policy`` says the same, and a property
test compares them. All of it speaks of rows by the names ``organization`` and ``subscription``.
"""

from __future__ import annotations

from typing import Final

from models.subscriptions.states import HAS_ENDED

LEAVES_TO_BILLS: Final = "organization.late_usage <> 'credit_note_or_invoice'"
"""Whether a bill of the subscription that is still to be final shows what is settled at all."""

IS_SETTLED: Final = (
    "(organization.late_usage <> 'ignore' OR mark.ends_term OR period.status <> 'final')"
)
"""Whether what is marked is settled: late usage may be ignored, a term that ended is not, nor a
period whose bill is void or deleted.

It speaks of the rows ``mark`` and ``period`` too.
"""

MAY_SETTLE_ALONE: Final = f"""(
    organization.late_usage = 'credit_note_or_invoice' OR ({LEAVES_TO_BILLS} AND {HAS_ENDED})
)"""
"""Whether a difference settles alone once nothing of the subscription is unfinished.

For whoever cannot know whether something is: a period may be closed at the same time.
"""

SETTLES_ALONE: Final = f"""({MAY_SETTLE_ALONE} AND NOT ({LEAVES_TO_BILLS} AND EXISTS (
    SELECT FROM subscription_period AS unfinished
    WHERE unfinished.organization_id = subscription.organization_id
        AND unfinished.subscription_id = subscription.id
        AND unfinished.status IN ('open', 'closed', 'parked')
)))"""
"""Whether a difference is settled by a document of its own instead of the next invoice."""
