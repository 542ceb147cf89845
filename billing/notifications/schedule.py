"""When a delivery is tried again, and when an endpoint is given up."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

RETRY_AFTER: Final = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
"""How long after each try that failed the next one is made. Source: CONTRACT 4.14, 30."""

GIVEN_UP_AFTER: Final = timedelta(days=5)
"""How long every try of an endpoint fails before it is disabled."""

OLD_SECRET_HOLDS: Final = timedelta(hours=24)
"""How long a secret that was replaced still signs. Source: CONTRACT 78."""


class DeliveryStatus(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


def next_try_at(failed: int, *, at: datetime) -> datetime | None:
    """When the next try is due after ``failed`` ones, the last at ``at``; None after the last.

    The first try and five more: 30 s, 2 min, 10 min, 1 h and 6 h after the one before.
    """
    return None if failed > len(RETRY_AFTER) else at + RETRY_AFTER[failed - 1]


def is_given_up(failing_since: datetime | None, *, at: datetime) -> bool:
    """Whether an endpoint of which every try has failed since then is disabled at ``at``."""
    return failing_since is not None and at - failing_since >= GIVEN_UP_AFTER
