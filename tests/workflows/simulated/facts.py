"""What PostgreSQL holds of one subscription, in small, and the agenda that follows from it.

The agenda is the real one, computed from the facts. Months are thirty days long.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from activities import declarations
from billing.subscriptions import (
    AgendaEntry,
    BillFacts,
    PeriodFacts,
    PeriodStatus,
    SubscriptionFacts,
    SubscriptionStatus,
    WorkflowState,
    agenda_of,
    change_period_status,
    require_transition,
)
from tests.workflows.simulated.late_arrivals import LateArrivals
from tests.workflows.simulated.prices import Move, plan_in_force

MONTH = timedelta(days=30)
GRACE = timedelta(hours=1)
TERMS = timedelta(days=14)
CREDIT_WAITS = timedelta(days=30)
"""How long credit waits for another bill after the end (CONTRACT 81)."""
SETTLING_DELAY = timedelta(hours=1)
"""On a test clock late usage is settled this long after the clock's stand (CONTRACT 48)."""

UNFINISHED = (PeriodStatus.OPEN, PeriodStatus.CLOSED, PeriodStatus.PARKED)
EARLIER_STEPS = tuple(step.name for step in declarations.BILL_STEPS)


@dataclass(slots=True, kw_only=True)
class BilledPeriod:
    """One period and how far its bill has come."""

    index: int
    starts_at: datetime
    ends_at: datetime
    plan: int = 0
    status: PeriodStatus = PeriodStatus.OPEN
    revision: int = 1
    parked_step: str | None = None
    was_closed: bool = False
    drafts: int = 0
    """How often it has been billed: once, and again after each void or deleted bill."""


@dataclass(slots=True, kw_only=True)
class Bill:
    """The invoice of one period."""

    index: int
    finalize_at: datetime
    due_at: datetime
    number: int = 1
    """Counts the bills of its period: one, and another after each that is void or deleted."""
    status: str = "DRAFT"
    is_past_due: bool = False

    @property
    def id(self) -> str:
        """Its id: one per period and number, so that a second one would show."""
        again = f"-{self.number}" if self.number > 1 else ""
        return f"bill-{self.index}{again}"


@dataclass(slots=True, kw_only=True)
class Facts:
    """The facts of one subscription, and what has been done to them."""

    starts_at: datetime
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    grace: timedelta = GRACE
    trial_ends_at: datetime | None = None
    resumes_at: datetime | None = None
    ends_with_period: bool = False
    ended_at: datetime | None = None
    frozen_at: datetime | None = None
    target_at: datetime | None = None
    completed_through: datetime | None = None
    poisoned: set[tuple[int, str]] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    """Periods whose parked bills people skip."""
    moves: list[Move] = field(default_factory=list)
    periods: list[BilledPeriod] = field(default_factory=list)
    bills: dict[int, Bill] = field(default_factory=dict)
    late: LateArrivals = field(default_factory=LateArrivals)
    runs: set[tuple[int, int, str]] = field(default_factory=set)
    effects: list[tuple[str, int | None]] = field(default_factory=list)
    changes: int = 0
    """How often somebody other than the workflow changed the facts."""

    def __post_init__(self) -> None:
        if self.status is SubscriptionStatus.ACTIVE:
            self.open_period(self.starts_at)

    # What the workflow reads.

    def agenda(self) -> tuple[AgendaEntry, ...]:
        """The real agenda of these facts."""
        parked = {one.index for one in self.periods if one.status is PeriodStatus.PARKED}
        return agenda_of(
            SubscriptionFacts(
                status=self.status,
                trial_ends_at=self.trial_ends_at,
                resumes_at=self.resumes_at,
                late_usage_due_at=self._late_usage_due_at(),
                late_usage_period_index=self._late_usage_period_index(),
                credit_returns_at=self._credit_returns_at(),
                credit_recurs_at=self.late.prepaid.recurs_at,
                periods=tuple(
                    PeriodFacts(
                        index=one.index,
                        ends_at=one.ends_at,
                        status=one.status,
                        revision=one.revision,
                    )
                    for one in self.periods
                ),
                bills=tuple(
                    BillFacts(
                        invoice_id=bill.id,
                        period_index=bill.index,
                        finalize_at=bill.finalize_at if bill.status == "DRAFT" else None,
                        due_at=bill.due_at
                        if bill.status == "OPEN" and not bill.is_past_due
                        else None,
                    )
                    for bill in self.bills.values()
                    if bill.index not in parked
                ),
            )
        )

    def _late_usage_due_at(self) -> datetime | None:
        is_unfinished = any(one.status in UNFINISHED for one in self.periods)
        if not self.late.settles_alone and (not self.is_over or is_unfinished):
            return None
        changed = self.late.changed(self.periods)
        if not changed:
            return None
        return self.frozen_at + SETTLING_DELAY if self.frozen_at else changed[0].ends_at

    def _late_usage_period_index(self) -> int | None:
        final = (one for one in self.periods if one.status is PeriodStatus.FINAL)
        return next((one.index for one in final if self.late.missing(one)), None)

    def _credit_returns_at(self) -> datetime | None:
        if self.ended_at is None or self.late.credit == 0:
            return None
        return self.ended_at + CREDIT_WAITS

    def state(self) -> WorkflowState:
        """What a step returns to the workflow."""
        return WorkflowState(
            agenda=self.agenda(),
            status=self.status,
            customer_id="customer",
            plan_code="payg",
            clock_at=self.target_at or self.frozen_at,
            is_behind=self.is_behind,
            period_index=self.periods[-1].index if self.periods else None,
            period_ends_at=self.periods[-1].ends_at if self.periods else None,
            attention=tuple(
                f"period {one.index} at {one.parked_step}"
                for one in self.periods
                if one.status is PeriodStatus.PARKED
            ),
            is_over=self.is_over,
        )

    @property
    def is_over(self) -> bool:
        """Whether the subscription has ended."""
        return self.status is SubscriptionStatus.CANCELED

    @property
    def is_behind(self) -> bool:
        """Whether the clock waits for the workflow."""
        reached = self.completed_through
        return self.target_at is not None and (reached is None or reached < self.target_at)

    # What the workflow and the API both do.

    def period(self, index: int) -> BilledPeriod:
        """The period of that index."""
        return self.periods[index]

    def open_one(self) -> BilledPeriod | None:
        """The period that runs."""
        return next((one for one in self.periods if one.status is PeriodStatus.OPEN), None)

    def open_period(self, starts_at: datetime, ends_at: datetime | None = None) -> None:
        """The next period runs, to its regular end unless told otherwise."""
        index = len(self.periods)
        self.late.begin(index)
        ends_at = ends_at or starts_at + MONTH
        plan = plan_in_force(self.moves, starts_at)
        self.periods.append(
            BilledPeriod(index=index, starts_at=starts_at, ends_at=ends_at, plan=plan)
        )

    def end_trial(self, due_at: datetime) -> None:
        """The first period starts where the trial ends. Idempotent by status."""
        if self.status is not SubscriptionStatus.TRIAL or self.trial_ends_at != due_at:
            return
        self._note(declarations.END_TRIAL.name, None)
        if self.ends_with_period:
            self.end(due_at)
            return
        self._move(SubscriptionStatus.ACTIVE)
        self.open_period(due_at)

    def end_pause(self) -> None:
        """Billing goes on, past due again if a bill is."""
        is_overdue = any(bill.is_past_due and bill.status == "OPEN" for bill in self.bills.values())
        self._move(SubscriptionStatus.PAST_DUE if is_overdue else SubscriptionStatus.ACTIVE)
        self.resumes_at = None

    def roll(self, stored: BilledPeriod, *, due_at: datetime) -> None:
        """The period is closed and the next one open. Idempotent by status."""
        if stored.status is not PeriodStatus.OPEN or stored.ends_at > due_at:
            return
        self.close(stored)
        if self.ends_with_period and self.ended_at is None:
            self.end(stored.ends_at)
        if self.ended_at is None:
            self.open_period(stored.ends_at)

    def close(self, stored: BilledPeriod) -> None:
        """The period is closed: once, after all before it."""
        assert not stored.was_closed, f"period {stored.index} is closed twice"
        former = self.periods[: stored.index]
        assert all(one.was_closed for one in former), f"period {stored.index} is closed too soon"
        stored.status, stored.was_closed = PeriodStatus.CLOSED, True
        self._note(declarations.ROLL_PERIOD.name, stored.index)

    def issue(self, stored: BilledPeriod, revision: int, *, at: datetime) -> None:
        """The period has its draft. Idempotent by the period."""
        if stored.index in self.bills:
            return
        change_period_status(stored.status, PeriodStatus.DRAFTED)
        assert stored.was_closed, f"period {stored.index} is billed before its end"
        for step in EARLIER_STEPS:
            assert (stored.index, revision, step) in self.runs, f"no {step} before the invoice"
        stored.drafts += 1
        self.bills[stored.index] = Bill(
            index=stored.index,
            finalize_at=at + self.grace,
            due_at=at + TERMS,
            number=stored.drafts,
        )
        stored.status = PeriodStatus.DRAFTED
        self._note(declarations.ISSUE_INVOICE.name, stored.index)

    def bill_now(self, stored: BilledPeriod, *, at: datetime) -> bool:
        """The period's draft is made by a request; False where a broken rule stops it."""
        if any((stored.index, step) in self.poisoned for step in EARLIER_STEPS):
            return False
        self.runs.update((stored.index, stored.revision, step) for step in EARLIER_STEPS)
        self.issue(stored, stored.revision, at=at)
        return True

    def bill_again(self, stored: BilledPeriod, *, at: datetime) -> bool:
        """A period whose bill is void or deleted has a new one, of a revision of its own."""
        former, before = self.bills.pop(stored.index, None), stored.status
        stored.status = change_period_status(before, PeriodStatus.CLOSED)
        stored.revision += 1
        if self.bill_now(stored, at=at):
            return True
        stored.status, stored.revision = before, stored.revision - 1
        if former is not None:
            self.bills[stored.index] = former
        return False

    def finalize(self, bill: Bill) -> None:
        """The draft is final, with all usage of its period."""
        bill.status = "OPEN"
        period = self.period(bill.index)
        period.status = PeriodStatus.FINAL
        self.late.bill(period, self.periods)

    def end(self, at: datetime) -> None:
        """The subscription is over."""
        self._move(SubscriptionStatus.CANCELED)
        self.ended_at, self.resumes_at = at, None

    def _move(self, target: SubscriptionStatus) -> None:
        require_transition(self.status, target)
        self.status = target

    def _note(self, step: str, index: int | None) -> None:
        self.effects.append((step, index))
