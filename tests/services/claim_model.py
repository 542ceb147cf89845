"""What subscriptions claim of meters, said naively: every period is kept, and all are compared.

Plans are monthly, instants are midnights of days that every month has, and nobody lags behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime

FOREVER = datetime.max.replace(tzinfo=UTC)

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPeriod:
    """A trial or a period, and the version of a plan that it is billed by."""

    starts_at: datetime
    ends_at: datetime
    plan: int
    version: int
    is_trial: bool = False


@dataclass(slots=True, kw_only=True)
class ModelPlan:
    """How many charges a plan has on each meter, and the meters of its versions from 1 on."""

    charges: dict[int, int]
    versions: list[frozenset[int]] = field(default_factory=list)

    def publish(self) -> None:
        self.versions.append(frozenset(meter for meter, count in self.charges.items() if count))


@dataclass(slots=True, kw_only=True)
class ModelLife:
    """A subscription: what it went through, and what is planned."""

    customer: int
    plan: int
    anchor: datetime
    plan_periods: list[PlanPeriod]
    pinned: int | None = None
    next_plan: int | None = None
    ends_at_boundary: bool = False
    is_over: bool = False

    @property
    def boundary(self) -> datetime:
        return self.plan_periods[-1].ends_at


@dataclass(slots=True, kw_only=True)
class Market:
    """Plans, and the subscriptions to them."""

    now: datetime
    plans: list[ModelPlan]
    lives: list[ModelLife] = field(default_factory=list)

    def subscribe(
        self, customer: int, plan: int, start: datetime, trial_end: datetime | None, *, pins: bool
    ) -> None:
        version = len(self.plans[plan].versions)
        anchor = trial_end or start
        first = PlanPeriod(
            starts_at=start,
            ends_at=trial_end or regular_end(anchor, start),
            plan=plan,
            version=version,
            is_trial=trial_end is not None,
        )
        life = ModelLife(customer=customer, plan=plan, anchor=anchor, plan_periods=[first])
        life.pinned = version if pins else None
        self.lives.append(life)

    def cancel_now(self, life: ModelLife) -> None:
        self._cut(life)
        life.is_over = True

    def change_now(self, life: ModelLife, plan: int) -> None:
        running = life.plan_periods[-1]
        kept = running.version
        self._cut(life)
        goes_on = bool(life.plan_periods) and running.starts_at < self.now and plan == life.plan
        self._move_to(life, plan)
        version = life.pinned or len(self.plans[plan].versions)
        starts_at = max(self.now, running.starts_at)
        ends_at = running.ends_at if running.is_trial else regular_end(life.anchor, starts_at)
        life.plan_periods.append(
            PlanPeriod(
                starts_at=starts_at,
                ends_at=ends_at,
                plan=plan,
                version=kept if goes_on and not running.is_trial else version,
                is_trial=running.is_trial,
            )
        )

    def edit(self, plan: int, *, for_running: bool) -> None:
        """The plan's charges have changed: whom does its next version reach at once?"""
        self.plans[plan].publish()
        for life in self.lives:
            if not life.is_over and life.plan == plan and life.pinned is None:
                self._reach(life, for_running=for_running)

    def migrate(self, plan: int, *, for_running: bool) -> bool:
        newest, are_refused = len(self.plans[plan].versions), False
        for at, life in enumerate(self.lives):
            if not life.is_over and life.plan == plan and (life.pinned or newest) < newest:
                self.lives[at] = moved = deepcopy(life)
                moved.pinned = newest
                self._reach(moved, for_running=for_running)
                if self.rivals(at):
                    self.lives[at], are_refused = life, True
        return are_refused

    def advance(self, to: datetime) -> None:
        """Whatever ends by then is followed by what was planned."""
        self.now = to
        for life in self.lives:
            while not life.is_over and life.boundary <= to:
                self._roll(life)

    def claims(self, index: int) -> dict[int, list[Span]]:
        """By meter what a subscription charges and will charge, joined, in order."""
        life = self.lives[index]
        raw = [
            (meter, (one.starts_at, one.ends_at))
            for one in life.plan_periods
            for meter in self.plans[one.plan].versions[one.version - 1]
        ]
        if not life.is_over and not life.ends_at_boundary:
            raw += [(meter, (life.boundary, FOREVER)) for meter in self._planned_meters(life)]
        return {meter: joined(span for of, span in raw if of == meter) for meter, _ in raw}

    def rivals(self, index: int) -> dict[int, datetime]:
        """Which subscriptions charge what this one does at the same time, and until when."""
        mine, found = self.claims(index), dict[int, datetime]()
        for other, life in enumerate(self.lives):
            if other != index and life.customer == self.lives[index].customer:
                ends = [
                    theirs[1]
                    for meter, spans in self.claims(other).items()
                    for theirs in spans
                    if any(theirs[0] < e and s < theirs[1] for s, e in mine.get(meter, []))
                ]
                if ends:
                    found[other] = max(ends)
        return found

    def _planned_meters(self, life: ModelLife) -> frozenset[int]:
        if life.next_plan is not None:
            return self.plans[life.next_plan].versions[-1]
        return self.plans[life.plan].versions[(life.pinned or 0) - 1]

    def _move_to(self, life: ModelLife, plan: int) -> None:
        if life.pinned is not None and plan != life.plan:
            life.pinned = len(self.plans[plan].versions)
        life.plan, life.next_plan = plan, None

    def _cut(self, life: ModelLife) -> None:
        running = life.plan_periods.pop()
        if running.starts_at < self.now:
            life.plan_periods.append(
                PlanPeriod(
                    starts_at=running.starts_at,
                    ends_at=self.now,
                    plan=running.plan,
                    version=running.version,
                    is_trial=running.is_trial,
                )
            )

    def _reach(self, life: ModelLife, *, for_running: bool) -> None:
        running = life.plan_periods[-1]
        is_whole = running.starts_at.day == life.anchor.day
        begins = running.starts_at > self.now or (running.starts_at == self.now and is_whole)
        if not running.is_trial and (for_running or begins):
            life.plan_periods[-1] = PlanPeriod(
                starts_at=running.starts_at,
                ends_at=running.ends_at,
                plan=running.plan,
                version=len(self.plans[running.plan].versions),
            )

    def _roll(self, life: ModelLife) -> None:
        if life.ends_at_boundary:
            life.is_over = True
            return
        starts_at = life.boundary
        self._move_to(life, life.plan if life.next_plan is None else life.next_plan)
        life.plan_periods.append(
            PlanPeriod(
                starts_at=starts_at,
                ends_at=regular_end(life.anchor, starts_at),
                plan=life.plan,
                version=life.pinned or len(self.plans[life.plan].versions),
            )
        )


def regular_end(anchor: datetime, after: datetime) -> datetime:
    """The next day of a month that is the anchor's."""
    if after < anchor or after.day < anchor.day:
        return after.replace(day=anchor.day)
    return months_later(after.replace(day=anchor.day), 1)


def months_later(at: datetime, months: int) -> datetime:
    count = at.year * 12 + at.month - 1 + months
    return at.replace(year=count // 12, month=count % 12 + 1)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans that touch, or lie in each other, as one."""
    found: list[Span] = []
    for starts_at, ends_at in sorted(spans):
        if found and found[-1][1] >= starts_at:
            found[-1] = (found[-1][0], max(found[-1][1], ends_at))
        else:
            found.append((starts_at, ends_at))
    return found


def periods_of(life: ModelLife) -> Sequence[tuple[datetime, datetime, int, int]]:
    """The periods that are stored of a subscription."""
    return [
        (one.starts_at, one.ends_at, one.plan, one.version)
        for one in life.plan_periods
        if not one.is_trial
    ]
