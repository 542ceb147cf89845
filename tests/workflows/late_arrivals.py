"""Money in the simulator's books: late usage, voids, notes, and the customer's credit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from billing.subscriptions import PeriodStatus

if TYPE_CHECKING:
    from tests.workflows.books import Stretch

SETTLED = (PeriodStatus.FINAL, PeriodStatus.VOID)


@dataclass(slots=True, kw_only=True)
class Document:
    """A final document: what it says of which period, one dollar an event, and its credit."""

    says: Counter[int]
    carried: int = 0
    granted: int = 0
    is_void: bool = False


@dataclass(slots=True, kw_only=True)
class LateArrivals:
    """How many events each period has, and what all documents say of it (CONTRACT 48, 81 to 85).

    ``settles_alone`` is the policy of an invoice or a credit note for late usage; without it the
    next invoice takes what is late, or the owner alone once the subscription is over.
    """

    settles_alone: bool = False
    arrived: Counter[int] = field(default_factory=Counter)
    documents: list[Document] = field(default_factory=list)
    notes: Counter[int] = field(default_factory=Counter)
    """What people gave back of each period."""
    credit: int = 0
    returned: int = 0

    def arrive(self, periods: Sequence[Stretch], timestamp: datetime, events: int = 1) -> bool:
        """Events of that instant are stored, or as many void; False where there are none."""
        for period in periods:
            if period.starts_at <= timestamp < period.ends_at:
                if self.arrived[period.index] + events < 0:
                    return False
                self.arrived[period.index] += events
                return True
        return False

    def said(self, index: int) -> int:
        """What documents bill of a period; void ones bill nothing."""
        return sum(one.says[index] for one in self.documents if not one.is_void)

    def missing(self, period: Stretch) -> int:
        """What documents are to say of a period more than they do, or less (CONTRACT 82)."""
        wanted = self.arrived[period.index] if period.status is PeriodStatus.FINAL else 0
        return max(wanted, self.notes[period.index]) - self.said(period.index)

    def changed(self, periods: Sequence[Stretch]) -> list[Stretch]:
        """Periods whose documents do not say what they come to now."""
        return [one for one in periods if one.status in SETTLED and self.missing(one) != 0]

    def bill(self, period: Stretch, periods: Sequence[Stretch]) -> None:
        """The period's bill is final: it holds all of the period, and what the policy adds."""
        changed = [] if self.settles_alone else self.changed(periods)
        says = Counter({one.index: self.missing(one) for one in changed})
        says[period.index] = self.arrived[period.index]
        self._post(says)

    def settle(self, periods: Sequence[Stretch]) -> bool:
        """Everything that is late is billed; whether there was any. Idempotent by the documents."""
        changed = self.changed(periods)
        if changed:
            self._post(Counter({one.index: self.missing(one) for one in changed}))
        return bool(changed)

    def void(self, index: int) -> bool:
        """The bill of a period is void: what it took is back, and what it said is said no more.

        False where nothing is to be paid of it: such a bill is paid already.
        """
        bill = next(one for one in self.documents if index in one.says and not one.is_void)
        if sum(bill.says.values()) <= bill.granted:
            return False
        bill.is_void = True
        self.credit += bill.granted
        self.notes[index] = 0
        return True

    def give_back(self, index: int) -> bool:
        """People give one dollar back, unless nothing is left of what was billed."""
        if self.said(index) <= self.notes[index]:
            return False
        self.notes[index] += 1
        return True

    def return_credit(self) -> bool:
        """What no bill will take any more goes back; whether there was any."""
        returned, self.credit = self.credit, 0
        self.returned += returned
        return returned > 0

    def total(self) -> int:
        """What all documents come to: what was billed, less notes, less credit that stands."""
        billed = sum(
            sum(one.says.values()) + one.carried - one.granted
            for one in self.documents
            if not one.is_void
        )
        return billed - self.notes.total() - self.credit - self.returned

    def owed(self, periods: Sequence[Stretch]) -> int:
        """What the customer owes in all, told by usage and notes alone."""
        return sum(
            max(self.arrived[one.index], self.notes[one.index]) - self.notes[one.index]
            for one in periods
            if one.status is PeriodStatus.FINAL
        )

    def _post(self, says: Counter[int]) -> None:
        total = sum(says.values())
        carried = max(0, -total)
        granted = min(self.credit, max(0, total))
        self.credit += carried - granted
        self.documents.append(Document(says=says, carried=carried, granted=granted))
