"""A subscription in the model of money: its periods, and how far the bill of each has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from fractions import Fraction

from tests.money.model.add_ons import AddOn
from tests.money.model.aggregates import Event
from tests.money.model.journal import Plan
from tests.money.model.notes import Note
from tests.money.model.rating import Part
from tests.money.model.years import Anchor, Span


class State(Enum):
    """How far the bill of a period has come."""

    RUNNING = auto()
    DRAFTED = auto()
    FINAL = auto()
    WITHOUT_BILL = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgiven:
    """An amount, beyond what stood without it, that nobody bills or gives back any more.

    Of a period that people rewrote it is of all charges together: ``charge`` is None.
    """

    charge: str | None
    stood: Fraction
    amount: Fraction

    def forgive(self, wanted: Fraction) -> Fraction:
        """What is owed of what is wanted: it waits at what stood until the amount is used up."""
        beyond = wanted - self.stood
        used = max(min(beyond, self.amount), Fraction(0))
        if self.amount < 0:
            used = min(max(beyond, self.amount), Fraction(0))
        return wanted - used


@dataclass(slots=True, kw_only=True, eq=False)
class Period:
    """One period of a subscription and its bill."""

    part: Part
    plan: Plan
    state: State = State.RUNNING
    final_at: datetime | None = None
    known: tuple[Event, ...] = ()
    fixed: dict[str, Fraction] = field(default_factory=dict)
    """What it came to when it became final, and the events that were known then."""
    written: Fraction | None = None
    drafted: tuple[Event, ...] = ()
    replaced: Fraction = Fraction(0)
    """What people wrote in its draft, and what it would have billed otherwise."""
    notes: list[Note] = field(default_factory=list)
    forgiven: list[Forgiven] = field(default_factory=list)

    def forgive(self, charge: str | None, wanted: Fraction) -> Fraction:
        """What is owed of what is wanted of a charge, or of all, less what was forgiven of it."""
        for one in self.forgiven:
            wanted = one.forgive(wanted) if one.charge == charge else wanted
        return wanted

    def unbill(self) -> None:
        """It has no bill any more: what people wrote in it, and gave back of it, is gone."""
        self.state, self.final_at = State.WITHOUT_BILL, None
        self.notes = [one for one in self.notes if one.invoice is not None]
        self.written, self.replaced = None, Fraction(0)

    @property
    def is_one(self) -> bool:
        """Whether its charges are forgiven together."""
        return self.written is not None or any(one.charge is None for one in self.forgiven)

    @property
    def span(self) -> Span:
        """From when until when it runs."""
        return self.part.span


@dataclass(slots=True, kw_only=True)
class Life:
    """One subscription."""

    anchor: Anchor
    plan: Plan
    periods: list[Period] = field(default_factory=list)
    add_ons: dict[str, AddOn] = field(default_factory=dict)
    next_plan: str | None = None
    ends_with_period: bool = False
    is_over: bool = False
    is_deleted: bool = False

    @property
    def running(self) -> Period | None:
        """The period that runs."""
        last = self.periods[-1] if self.periods else None
        return last if last and last.state is State.RUNNING else None

    def parts(self, index: int) -> list[Period]:
        """The parts, up to one, of the regular period that it is of, as long as its plan ran."""
        mine = self.periods[index]
        return [
            one
            for one in self.periods[: index + 1]
            if one.part.regular == mine.part.regular and one.plan.name == mine.plan.name
        ]
