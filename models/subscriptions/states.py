"""Whether a subscription has ended or is live, and where what runs now ends: one definition each.

One that has ended does nothing by itself any more but what is left of its bills; a live one is sold
and seen: it has not ended and is not deleted. In Python ``has_ended`` and ``is_live`` of
``billing.subscriptions`` and ``boundary_of`` of ``billing.running_boundary`` say the same, and a
property test compares them. All of it speaks of a row by the name ``subscription``.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, ColumnElement, literal_column

from billing.subscriptions import PeriodStatus

HAS_NOT_ENDED: Final = "subscription.status <> 'CANCELED'"
"""Whether something goes on to happen to the row by itself, period after period."""

HAS_ENDED: Final = f"NOT ({HAS_NOT_ENDED})"
"""Whether the row has come to its end. Nothing leaves this state (CONTRACT 4.4)."""

LIVE: Final = f"subscription.deleted_at IS NULL AND {HAS_NOT_ENDED}"
"""Whether the row grants features, charges its meters and follows edits of its plan."""

LIVE_OF_INDEX: Final = LIVE.replace("subscription.", "")
"""The same, as the conditions of indexes are written."""

BOUNDARY: Final = """coalesce(
    CASE WHEN subscription.status = 'TRIAL' THEN subscription.trial_end_date END,
    subscription.current_period_end
)"""
"""Where what runs now ends, so that what is planned follows: a trial or a period."""

UNDRAFTED: Final = (PeriodStatus.OPEN, PeriodStatus.CLOSED)
"""The states of a period whose bill has no draft yet."""

UNFINISHED: Final = (*UNDRAFTED, PeriodStatus.PARKED)
"""The states of a period that still waits for something, people included."""

IS_LIVE: Final[ColumnElement[bool]] = literal_column(f"({LIVE})", Boolean())
"""The same, as a condition of selects of the model."""

IS_NOT_OVER: Final[ColumnElement[bool]] = literal_column(f"({HAS_NOT_ENDED})", Boolean())
"""``HAS_NOT_ENDED``, as a condition of selects of the model."""
