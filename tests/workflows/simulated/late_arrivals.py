"""Money in the simulator's books: late usage, voids, notes, and the customer's credit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING
from uuid import UUID

from billing.invoicing import corrections
from billing.invoicing.corrections import BilledCharge, correct_period
from billing.subscriptions import PeriodStatus
from tests.services.credits.machine.pots import Pot
from tests.workflows.simulated.credit.prepaid import Prepaid
from tests.workflows.simulated.prices import CHARGE_IDS, CHARGES, PLANS, Item

if TYPE_CHECKING:
    from tests.workflows.simulated.facts import BilledPeriod

SETTLED = (PeriodStatus.FINAL, PeriodStatus.VOID, PeriodStatus.UNBILLED)


@dataclass(slots=True, kw_only=True)
class Document:
    """A final document: what it says of which charge of which period, and its credit.

    ``bills`` is the period whose invoice it is; None is a settlement.
    """

    says: Counter[Item]
    bills: int | None = None
    carried: int = 0
    granted: int = 0
    is_void: bool = False
    is_paid: bool = False
    draws: dict[UUID, Decimal] = field(default_factory=dict)
    """What grants pay of it."""
    parts: list[tuple[Pot, Fraction]] = field(default_factory=list, compare=False, repr=False)

    @property
    def amount(self) -> int:
        """What its lines come to, before credit."""
        return sum(self.says.values())

    @property
    def drawn(self) -> int:
        """What all grants pay of it."""
        return int(sum(self.draws.values()))

    @property
    def is_due(self) -> bool:
        """Whether something of it is still to be paid."""
        return not self.is_void and not self.is_paid and self.amount > self.granted

    @property
    def settles(self) -> bool:
        """Whether it says something of periods that others bill."""
        return any(amount for (index, _), amount in self.says.items() if index != self.bills)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgiven:
    """Dollars more, or less, than what ``stood`` of an item, which nobody says any more."""

    item: Item
    stood: int
    amount: int

    def forgive(self, wanted: int) -> int:
        """What is owed of what is wanted: dollar by dollar from what stood, none are counted."""
        step = 1 if self.amount > 0 else -1
        dollars = range(self.stood + step, self.stood + self.amount + step, step)
        return wanted - step * sum((wanted - dollar) * step >= 0 for dollar in dollars)


@dataclass(slots=True, kw_only=True)
class LateArrivals:
    """How many events each item has, and what all documents say of it (CONTRACT 48, 81 to 85).

    ``settles_alone`` is the policy of an invoice or a credit note for late usage; without it the
    next invoice takes what is late, or the workflow alone once the subscription is over.
    """

    settles_alone: bool = False
    regular: int = 0
    """How many events of each meter every period has from its beginning."""
    arrived: Counter[Item] = field(default_factory=Counter)
    aimed: Counter[Item] = field(default_factory=Counter)
    """More of them, of periods that depend on what had been billed, and so on faults."""
    documents: list[Document] = field(default_factory=list)
    notes: Counter[Item] = field(default_factory=Counter)
    """What people gave back of each item."""
    forgiven: list[Forgiven] = field(default_factory=list)
    _known: dict[tuple[object, ...], tuple[int, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """What the real rule answered to equal questions of this life."""
    credit: int = 0
    returned: int = 0
    prepaid: Prepaid = field(default_factory=Prepaid)

    def begin(self, index: int) -> None:
        """A period begins with its regular events."""
        for item in items_at(index):
            self.arrived[item] = self.regular
            self.prepaid.forget(item)

    def arrive(
        self, periods: Sequence[BilledPeriod], timestamp: datetime, meter: int, events: int = 1
    ) -> bool:
        """Events of that instant are stored, or as many void; False where there are none."""
        for period in periods:
            if period.starts_at <= timestamp < period.ends_at:
                item = (period.index, meter)
                has_changed = _add(self.arrived, item, events)
                if has_changed:
                    self.prepaid.note(item, timestamp, events)
                return has_changed
        return False

    def aim(self, item: Item, events: int) -> bool:
        """Events are stored, or void, of a period that was chosen by what was billed by then."""
        return _add(self.aimed, item, events)

    def said(self, item: Item) -> int:
        """What documents bill of an item; void ones bill nothing."""
        return sum(
            [one.says[item] for one in self.documents if item in one.says and not one.is_void]
        )

    def missing(self, period: BilledPeriod) -> Counter[Item]:
        """What documents are to say more, or less, of which of its items, by the real rule."""
        items = items_of(period)
        wanted, said, notes = zip(
            *[(self._used(period, one), self.said(one), self.notes[one]) for one in items],
            strict=True,
        )
        forgiven = tuple(one for one in self.forgiven if one.item in items)
        question = period.plan, wanted, said, notes, forgiven
        if question not in self._known:
            self._known[question] = _correct(*question)
        return Counter(
            {item: more for item, more in zip(items, self._known[question], strict=True) if more}
        )

    def missing_of(self, periods: Iterable[BilledPeriod]) -> Counter[Item]:
        """The same of several periods."""
        return Counter(dict(pair for one in periods for pair in self.missing(one).items()))

    def owed_of(self, period: BilledPeriod, item: Item) -> int:
        """What an item comes to, no less than notes gave back of it, less what was forgiven.

        Told naively. Source: CONTRACT 82, 85.
        """
        owed = max(self._used(period, item), self.notes[item])
        for one in self.forgiven:
            owed = one.forgive(owed) if one.item == item else owed
        return owed

    def changed(self, periods: Sequence[BilledPeriod]) -> list[BilledPeriod]:
        """Periods whose documents do not say what they come to now."""
        return [one for one in periods if one.status in SETTLED and self.missing(one)]

    def bill(self, period: BilledPeriod, periods: Sequence[BilledPeriod]) -> None:
        """The period's bill is final: it holds all of the period, and what the policy adds."""
        others = [] if self.settles_alone else self.changed(periods)
        says = self.missing_of({one.index: one for one in (*others, period)}.values())
        self._post(says, bills=period.index)

    def settle(self, periods: Sequence[BilledPeriod]) -> bool:
        """Everything that is late is billed; whether there was any. Idempotent by the documents."""
        says = self.missing_of(self.changed(periods))
        if says:
            self._post(says)
        return bool(says)

    def pay(self) -> None:
        """Everything that is final is paid."""
        for one in self.documents:
            one.is_paid = True

    def void(self, document: Document, *, settles_again: bool) -> None:
        """It is void: what it took is back, and what it said is said no more.

        What it said of periods that others bill is said by another, or forgiven.
        """
        document.is_void = True
        self.prepaid.give_back(document)
        self.credit += document.granted
        if document.bills is not None:
            self.notes.update({item: -self.notes[item] for item in items_at(document.bills)})
        if not settles_again:
            self.forgiven += [
                Forgiven(item=item, stood=self.said(item), amount=amount)
                for item, amount in sorted(document.says.items())
                if item[0] != document.bills and amount
            ]

    def give_back(self, index: int) -> bool:
        """People give back what is left of a period's bill; False where nothing is.

        What grants have paid is given back by nobody here.
        """
        bill = self.bill_of(index)
        if bill.draws:
            return False
        left = {
            item: min(self.said(item), bill.says[item]) - self.notes[item]
            for item in items_at(index)
        }
        given = Counter({item: amount for item, amount in left.items() if amount > 0})
        self.notes.update(given)
        return bool(given)

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
            self.owed_of(one, item) - self.notes[item]
            for one in periods
            if one.status in SETTLED
            for item in items_of(one)
        )

    def bill_of(self, index: int) -> Document:
        """The invoice of a period that has one."""
        return next(one for one in self.documents if one.bills == index and not one.is_void)

    def _used(self, period: BilledPeriod, item: Item) -> int:
        is_final = period.status is PeriodStatus.FINAL
        price = PLANS[period.plan].get(item[1], 0)
        return (self.arrived[item] + self.aimed[item]) * price if is_final else 0

    def _post(self, says: Counter[Item], bills: int | None = None) -> None:
        document = Document(says=says, bills=bills)
        drawn = self.prepaid.pay(document, self.arrived + self.aimed)
        document.carried = max(0, -document.amount)
        document.granted = min(self.credit, max(0, document.amount) - drawn)
        self.credit += document.carried - document.granted
        self.documents.append(document)


def items_at(index: int) -> tuple[Item, ...]:
    """Everything that documents may say of a period."""
    return tuple((index, charge) for charge in CHARGES)


def items_of(period: BilledPeriod) -> tuple[Item, ...]:
    """The same, of a stored period."""
    return items_at(period.index)


def _add(events: Counter[Item], item: Item, more: int) -> bool:
    is_possible = events[item] + more >= 0
    events[item] += more if is_possible else 0
    return is_possible


def _correct(
    plan: int,
    wanted: Sequence[int],
    said: Sequence[int],
    notes: Sequence[int],
    forgiven: Sequence[Forgiven],
) -> tuple[int, ...]:
    present = [
        BilledCharge(
            charge_id=CHARGE_IDS[charge],
            billed=Decimal(said[charge]),
            given_back=Decimal(notes[charge]),
            forgiven=tuple(
                corrections.Forgiven(billed=Decimal(one.stood), amount=Decimal(one.amount))
                for one in forgiven
                if one.item[1] == charge
            ),
        )
        for charge in CHARGES
    ]
    rated = {CHARGE_IDS[charge]: Decimal(wanted[charge]) for charge in PLANS[plan]}
    corrected = correct_period(0, rated, present).charges
    changes = {one.charge_id: int(one.amount) for one in corrected}
    return tuple(changes.get(CHARGE_IDS[charge], 0) for charge in CHARGES)
