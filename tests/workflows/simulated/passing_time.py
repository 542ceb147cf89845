"""How time passes in a simulated life, and what people do in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from billing.subscriptions import PeriodStatus
from tests.workflows.activations import Activated
from tests.workflows.simulated.books import Books
from tests.workflows.simulated.customers import act
from tests.workflows.simulated.facts import MONTH
from tests.workflows.simulated.fates import START, FaultPlan, add_credit, make_books, plan_faults
from tests.workflows.simulated.invariants import check_money
from tests.workflows.simulated.plans import Planned, plan_credit, plan_life
from workflows.subscription import SubscriptionWorkflow

SEEDS_WITHOUT_GRACE = 7
"""One life in so many has none; it is not drawn, so that seeds decide all else as they did."""

SEEDS_FOR_CREDIT = 4
"""One life in so many has prepaid credit, drawn apart: seeds decide all else as they did."""


@dataclass(slots=True)
class Waiting:
    """A local activity that the workflow waits for."""

    name: str
    request: Any
    since: datetime
    attempt: int = 1
    changes: int = 0
    """How often the facts had changed when the worker that began it died."""


@dataclass(slots=True)
class Life:
    """One life: the facts, what its people plan, and what waits for which instant."""

    seed: int
    faults: FaultPlan | None = None
    definition: type = SubscriptionWorkflow
    random: Random = field(init=False)
    books: Books = field(init=False)
    plan: list[Planned] = field(init=False)
    ends_at: datetime = field(init=False)
    now: datetime = START
    skew: timedelta = timedelta(0)
    outbox: int = 1
    inbox: int = 0
    workflow: Activated | None = None
    durable: int = 0
    task_at: datetime = START
    is_long: bool = False
    timers: dict[int, datetime] = field(default_factory=dict)
    retrying: set[int] = field(default_factory=set)
    """The timers after which a step is tried again."""
    waiting: dict[int, Waiting] = field(default_factory=dict)
    zombies: list[Waiting] = field(default_factory=list)
    told_at_changes: int = 0
    requests: list[tuple[str, int | None, int]] = field(default_factory=list)
    crashes: int = 0
    runs: int = 0

    def __post_init__(self) -> None:
        # What people do must not depend on which faults are drawn, so that lives compare.
        life = Random(self.seed)
        months = life.choice((3, 3, 6, 6, 6, 12, 12, 24))
        self.ends_at = START + months * MONTH
        self.books = make_books(life, months)
        if self.seed % SEEDS_WITHOUT_GRACE == 1:
            self.books.grace = timedelta(0)
        self.plan = plan_life(life, START, self.ends_at)
        if self.seed % SEEDS_FOR_CREDIT == 0:
            credit = Random(self.seed + 2_000_003)
            add_credit(self.books, credit)
            more = plan_credit(credit, START, self.ends_at)
            self.plan = sorted([*self.plan, *more], key=lambda one: (one.at, one.name))
        self.random = Random(self.seed + 1_000_003)
        if self.faults is None:
            self.faults = plan_faults(self.random)
        self.skew = timedelta(minutes=self.random.choice((0, 0, -10, 10)))

    def _pass_time(self, faults: FaultPlan) -> bool:
        """Go to the next instant at which anything can happen; False at the end of it all."""
        if self.books.frozen_at is not None and self._advance_clock():
            return True
        coming = [*self.timers.values(), *(planned.at for planned in self.plan[:1])]
        if not coming or min(coming) > self.ends_at + 2 * MONTH:
            return self._mend()
        self.now = max(self.now, *[min(coming)])
        if self._happens(faults.outage):
            self.now += timedelta(days=self.random.randint(1, 70))
        self._do_planned()
        return True

    def _do_planned(self) -> bool:
        """Everything that people do by now."""
        has_acted = False
        while self.plan and self.plan[0].at <= self.now and self.books.target_at is None:
            has_acted |= self._act(self.plan.pop(0))
        return has_acted

    def _act(self, planned: Planned) -> bool:
        has_acted = act(self.books, planned.name, planned.at)
        check_money(self.books)
        if has_acted:
            self.outbox += self.random.choice((1, 1, 2))
            return True
        return False

    def _advance_clock(self) -> bool:
        """Somebody moves the test clock, to the next deed or a while on; False at its end."""
        assert self.books.frozen_at is not None
        if self.books.frozen_at >= self.ends_at + MONTH:
            return False
        self.now = max(self.now, self.books.frozen_at)
        if self._do_planned():
            return True
        reach = self.plan[0].at if self.plan else self.ends_at + MONTH
        step = self.books.frozen_at + MONTH * self.random.choice((1, 1, 3, 12))
        self.books.target_at = max(self.books.frozen_at, min(reach, step))
        self.books.changes += 1
        self.outbox += 1
        return True

    def _mend(self) -> bool:
        """People retry what is parked, until nothing is."""
        if any(one.status is PeriodStatus.PARKED for one in self.books.periods):
            return self._act(Planned(at=self.books.frozen_at or self.now, name="retry_parked"))
        return False

    def _happens(self, likelihood: float) -> bool:
        return likelihood > 0 and self.random.random() < likelihood
