"""Which bill asks for terms of commitments, and how its period ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from services.rating.frozen_usage import Rated


class Ending(StrEnum):
    """How the period of a bill ends: as it is stored, or as a preview supposes.

    ``CUT`` inside its regular period, with it (``REGULAR``), or with the plan (``PLAN``).
    """

    STORED = "stored"
    CUT = "cut"
    REGULAR = "regular"
    PLAN = "plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsAsked:
    """A bill that may say something of terms: of its ``own`` period, and of ``corrected`` ones.

    ``rated`` is what its own lines are computed from, ``draft_id`` the draft that is being written.
    """

    subscription: Subscription
    own: SubscriptionPeriod | None = None
    rated: Rated | None = None
    corrected: frozenset[int] = frozenset()
    draft_id: UUID | None = None
    ending: Ending = Ending.STORED

    @property
    def touched(self) -> frozenset[int]:
        """The periods that the bill says something of."""
        return self.corrected if self.own is None else self.corrected | {self.own.index}
