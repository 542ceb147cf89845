"""Usage that arrives for periods that have ended, in the simulator's books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from billing.subscriptions import PeriodStatus

if TYPE_CHECKING:
    from tests.workflows.books import Stretch


@dataclass(slots=True, kw_only=True)
class LateArrivals:
    """How many events each period has, and how many of them have been billed (CONTRACT 48).

    ``settles_alone`` is the policy of an invoice or a credit note for late usage; without it the
    next invoice takes what is late, or the owner alone once the subscription is over.
    """

    settles_alone: bool = False
    arrived: Counter[int] = field(default_factory=Counter)
    billed: Counter[int] = field(default_factory=Counter)

    def arrive(self, periods: Sequence[Stretch], timestamp: datetime) -> bool:
        """An event of that instant is stored; False where no period holds it."""
        for period in periods:
            if period.starts_at <= timestamp < period.ends_at:
                self.arrived[period.index] += 1
                return True
        return False

    def changed(self, periods: Sequence[Stretch]) -> list[Stretch]:
        """Final periods with more usage than was billed."""
        return [
            one
            for one in periods
            if one.status is PeriodStatus.FINAL and self.arrived[one.index] > self.billed[one.index]
        ]

    def bill(self, period: Stretch, periods: Sequence[Stretch]) -> None:
        """The period's bill is final: it holds all of the period, and what the policy adds."""
        self.billed[period.index] = self.arrived[period.index]
        if not self.settles_alone:
            self.settle(periods)

    def settle(self, periods: Sequence[Stretch]) -> bool:
        """Everything that is late is billed; whether there was any. Idempotent by the counts."""
        changed = self.changed(periods)
        for one in changed:
            self.billed[one.index] = self.arrived[one.index]
        return bool(changed)
