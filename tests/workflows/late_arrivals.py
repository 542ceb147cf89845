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
    from tests.workflows.facts import BilledPeriod

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
    is_paid: bool = False

    @property
    def amount(self) -> int:
        """What its lines come to, before credit."""
        return sum(self.says.values())

    @property
    def is_due(self) -> bool:
        """Whether something of it is still to be paid."""
        return not self.is_void and not self.is_paid and self.amount > self.granted

    @property
    def settles(self) -> bool:
        """Whether it says something of periods that others bill."""
        return any(amount for index, amount in self.says.items() if index != self.bills)


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
    next invoice takes what is late, or the workflow alone once the subscription is over.
    """

    settles_alone: bool = False
    regular: int = 0
    """How many events every period has from its beginning."""
    arrived: Counter[int] = field(default_factory=Counter)
    aimed: Counter[int] = field(default_factory=Counter)
    """More of them, of periods that depend on what had been billed, and so on faults."""
    documents: list[Document] = field(default_factory=list)
    notes: Counter[int] = field(default_factory=Counter)
    """What people gave back of each period."""
    forgiven: list[Forgiven] = field(default_factory=list)
    _known: dict[tuple[object, ...], int] = field(default_factory=dict, compare=False, repr=False)
    """What the real rule answered to equal questions of this life."""
    credit: int = 0
    returned: int = 0

    def arrive(self, periods: Sequence[BilledPeriod], timestamp: datetime, events: int = 1) -> bool:
        """Events of that instant are stored, or as many void; False where there are none."""
        for period in periods:
            if period.starts_at <= timestamp < period.ends_at:
                return _add(self.arrived, period.index, events)
        return False

    def aim(self, index: int, events: int) -> bool:
        """Events are stored, or void, of a period that was chosen by what was billed by then."""
        return _add(self.aimed, index, events)

    def said(self, index: int) -> int:
        """What documents bill of a period; void ones bill nothing."""
        return sum(one.says[index] for one in self.documents if not one.is_void)

    def missing(self, period: BilledPeriod) -> int:
        """What documents are to say of a period more than they do, or less, by the real rule."""
        wanted = self._used(period)
        said, notes = self.said(period.index), self.notes[period.index]
        forgiven = tuple(one for one in self.forgiven if one.index == period.index)
        question = wanted, said, notes, forgiven
        if question not in self._known:
            self._known[question] = _correct(wanted, said, notes, forgiven)
        return self._known[question]

    def owed_of(self, period: BilledPeriod) -> int:
        """What a period comes to, no less than notes gave back of it, less what was forgiven.

        Told naively. Source: CONTRACT 82, 85.
        """
        owed = max(self._used(period), self.notes[period.index])
        for one in self.forgiven:
            owed = one.forgive(owed) if one.index == period.index else owed
        return owed

    def changed(self, periods: Sequence[BilledPeriod]) -> list[BilledPeriod]:
        """Periods whose documents do not say what they come to now."""
        return [one for one in periods if one.status in SETTLED and self.missing(one) != 0]

    def bill(self, period: BilledPeriod, periods: Sequence[BilledPeriod]) -> None:
        """The period's bill is final: it holds all of the period, and what the policy adds."""
        changed = [] if self.settles_alone else self.changed(periods)
        says = Counter({one.index: self.missing(one) for one in changed})
        says[period.index] = self.missing(period)
        self._post(says, bills=period.index)

    def settle(self, periods: Sequence[BilledPeriod]) -> bool:
        """Everything that is late is billed; whether there was any. Idempotent by the documents."""
        changed = self.changed(periods)
        if changed:
            self._post(Counter({one.index: self.missing(one) for one in changed}))
        return bool(changed)

    def pay(self) -> None:
        """Everything that is final is paid."""
        for one in self.documents:
            one.is_paid = True

    def void(self, document: Document, *, settles_again: bool) -> None:
        """It is void: what it took is back, and what it said is said no more.

        What it said of periods that others bill is said by another, or forgiven.
        """
        document.is_void = True
        self.credit += document.granted
        if document.bills is not None:
            self.notes[document.bills] = 0
        if not settles_again:
            self.forgiven += [
                Forgiven(index=index, stood=self.said(index), amount=amount)
                for index, amount in sorted(document.says.items())
                if index != document.bills and amount
            ]

    def give_back(self, index: int) -> bool:
        """People give back what is left of a period's bill; False where nothing is."""
        left = min(self.said(index), self.bill_of(index).says[index]) - self.notes[index]
        self.notes[index] += max(0, left)
        return left > 0

    def return_credit(self) -> bool:
        """What no bill will take any more goes back; whether there was any."""
        returned, self.credit = self.credit, 0
        self.returned += returned
        return returned > 0

    def total(self) -> int:
        """What all documents come to: what was billed, less notes, less credit that stands."""
        billed = sum(
            one.amount + one.carried - one.granted for one in self.documents if not one.is_void
        )
        return billed - self.notes.total() - self.credit - self.returned

    def owed(self, periods: Sequence[BilledPeriod]) -> int:
        """What the customer owes in all, told by usage and notes alone."""
        return sum(
            self.owed_of(one) - self.notes[one.index] for one in periods if one.status in SETTLED
        )

    def bill_of(self, index: int) -> Document:
        """The invoice of a period that has one."""
        return next(one for one in self.documents if one.bills == index and not one.is_void)

    def _used(self, period: BilledPeriod) -> int:
        is_final = period.status is PeriodStatus.FINAL
        return self.arrived[period.index] + self.aimed[period.index] if is_final else 0

    def _post(self, says: Counter[int], bills: int | None = None) -> None:
        total = sum(says.values())
        carried = max(0, -total)
        granted = min(self.credit, max(0, total))
        self.credit += carried - granted
        self.documents.append(Document(says=says, bills=bills, carried=carried, granted=granted))


def _add(events: Counter[int], index: int, more: int) -> bool:
    is_possible = events[index] + more >= 0
    events[index] += more if is_possible else 0
    return is_possible


def _correct(wanted: int, said: int, notes: int, forgiven: Sequence[Forgiven]) -> int:
    present = BilledCharge(
        charge_id=CHARGE,
        billed=Decimal(said),
        given_back=Decimal(notes),
        forgiven=tuple(
            corrections.Forgiven(billed=Decimal(one.stood), amount=Decimal(one.amount))
            for one in forgiven
        ),
    )
    return int(correct_period(0, {CHARGE: Decimal(wanted)}, [present]).amount)
