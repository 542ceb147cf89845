"""Money in the simulator's books: late usage, voids, notes, and the customer's credit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from billing.identifiers import ChargeId
from billing.invoicing import corrections
from billing.invoicing.corrections import BilledCharge, correct_period
from billing.subscriptions import PeriodStatus

if TYPE_CHECKING:
    from tests.workflows.facts import Stretch

CHARGE = ChargeId(UUID(int=1))
SETTLED = (PeriodStatus.FINAL, PeriodStatus.VOID, PeriodStatus.UNBILLED)


@dataclass(slots=True, kw_only=True)
class Document:
    """A final document: what it says of which period, one dollar an event, and its credit.

    ``bills`` is the period whose invoice it is; None is a settlement.
    """

    says: Counter[int]
    bills: int | None = None
    carried: int = 0
    granted: int = 0
    is_void: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgiven:
    """Dollars more, or less, than what ``stood`` of a period, which nobody says any more."""

    index: int
    stood: int
    amount: int

    def forgive(self, wanted: int) -> int:
        """What is owed of what is wanted: dollar by dollar from what stood, none are counted."""
        step = 1 if self.amount > 0 else -1
        dollars = range(self.stood + step, self.stood + self.amount + step, step)
        return wanted - step * sum((wanted - dollar) * step >= 0 for dollar in dollars)


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
    forgiven: list[Forgiven] = field(default_factory=list)
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
        """What documents are to say of a period more than they do, or less, by the real rule."""
        wanted = self.arrived[period.index] if period.status is PeriodStatus.FINAL else 0
        present = BilledCharge(
            charge_id=CHARGE,
            billed=Decimal(self.said(period.index)),
            given_back=Decimal(self.notes[period.index]),
            forgiven=tuple(
                corrections.Forgiven(billed=Decimal(one.stood), amount=Decimal(one.amount))
                for one in self.forgiven
                if one.index == period.index
            ),
        )
        return int(correct_period(period.index, {CHARGE: Decimal(wanted)}, [present]).amount)

    def _wanted(self, period: Stretch) -> int:
        """What a period comes to, less what was forgiven of it, told naively (CONTRACT 85)."""
        wanted = self.arrived[period.index] if period.status is PeriodStatus.FINAL else 0
        for one in self.forgiven:
            wanted = one.forgive(wanted) if one.index == period.index else wanted
        return wanted

    def changed(self, periods: Sequence[Stretch]) -> list[Stretch]:
        """Periods whose documents do not say what they come to now."""
        return [one for one in periods if one.status in SETTLED and self.missing(one) != 0]

    def bill(self, period: Stretch, periods: Sequence[Stretch]) -> None:
        """The period's bill is final: it holds all of the period, and what the policy adds."""
        changed = [] if self.settles_alone else self.changed(periods)
        says = Counter({one.index: self.missing(one) for one in changed})
        says[period.index] = self.missing(period)
        self._post(says, bills=period.index)

    def settle(self, periods: Sequence[Stretch]) -> bool:
        """Everything that is late is billed; whether there was any. Idempotent by the documents."""
        changed = self.changed(periods)
        if changed:
            self._post(Counter({one.index: self.missing(one) for one in changed}))
        return bool(changed)

    def void(self, index: int, *, settles_again: bool) -> bool:
        """The bill of a period is void: what it took is back, and what it said is said no more.

        What it said of others is said by another, or forgiven. False where nothing is to be paid
        of it: such a bill is paid already.
        """
        bill = next(one for one in self.documents if one.bills == index and not one.is_void)
        if sum(bill.says.values()) <= bill.granted:
            return False
        bill.is_void = True
        self.credit += bill.granted
        self.notes[index] = 0
        if not settles_again:
            self.forgiven += [
                Forgiven(index=other, stood=self.said(other), amount=amount)
                for other, amount in sorted(bill.says.items())
                if other != index and amount
            ]
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
            max(self._wanted(one), self.notes[one.index]) - self.notes[one.index]
            for one in periods
            if one.status in SETTLED
        )

    def _post(self, says: Counter[int], bills: int | None = None) -> None:
        total = sum(says.values())
        carried = max(0, -total)
        granted = min(self.credit, max(0, total))
        self.credit += carried - granted
        self.documents.append(Document(says=says, bills=bills, carried=carried, granted=granted))
