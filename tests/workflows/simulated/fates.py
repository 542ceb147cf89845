"""What a seed decides before a simulated life begins: the subscription, and its faults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from activities import declarations
from billing.credits.recurring import Recurrence
from billing.credits.top_ups import PerWindow, TopUpTerms
from billing.periods import Anchor, Cadence, Interval
from billing.subscriptions import SubscriptionStatus
from tests.workflows.simulated.books import Books
from tests.workflows.simulated.credit.prepaid import DOLLARS
from tests.workflows.simulated.credit.top_ups import ANSWERS
from tests.workflows.simulated.late_arrivals import LateArrivals

STEPS_THAT_BREAK = (
    declarations.QUERY_USAGE.name,
    declarations.PRICE_USAGE.name,
    declarations.ENFORCE_LIMITS.name,
    declarations.SETTLE_LATE_USAGE.name,
)
START = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """How likely each fault is whenever it could happen."""

    lost: float = 0.0
    """A step is lost before its effect."""
    repeated: float = 0.0
    """A step takes effect, and nobody hears of it."""
    postponed: float = 0.0
    """A step fails until it is left to a timer."""
    crash: float = 0.0
    """The worker dies and with it what the server had not heard."""
    late: float = 0.0
    """A step that a dead worker had begun takes effect much later."""
    evicted: float = 0.0
    """The run is rebuilt from its activations on another worker."""
    heartbeat: float = 0.0
    """The server hears of a task's progress, and its news reach the task."""
    long: float = 0.0
    """The server suggests to continue as new."""
    terminated: float = 0.0
    """The workflow is terminated and started again by a message."""
    outage: float = 0.0
    """Nothing works for up to seventy days."""
    delayed: float = 0.0
    """A message stays in the outbox for a while."""


NO_FAULTS = FaultPlan()


def plan_faults(random: Random) -> FaultPlan:
    """Faults of one life: each kind absent in half of all lives, so that pairs are seen alone."""

    def likelihood(most: float) -> float:
        return random.random() * most if random.random() < 0.5 else 0.0

    return FaultPlan(
        lost=likelihood(0.3),
        repeated=likelihood(0.3),
        postponed=likelihood(0.15),
        crash=likelihood(0.1),
        late=likelihood(0.2),
        evicted=likelihood(0.1),
        heartbeat=likelihood(0.3),
        long=likelihood(0.05),
        terminated=likelihood(0.02),
        outage=likelihood(0.05),
        delayed=likelihood(0.5),
    )


def make_books(random: Random, months: int) -> Books:
    """A subscription as it was created: perhaps with a trial, on a clock, with a broken rule."""
    late = LateArrivals(regular=random.choice((0, 2, 5)))
    books = Books(starts_at=START, late=late)
    if random.random() < 0.3:
        late.arrived.clear()
        books = Books(
            starts_at=START,
            late=late,
            status=SubscriptionStatus.TRIAL,
            trial_ends_at=START + timedelta(days=random.choice((1, 14, 30))),
        )
    books.late.settles_alone = random.random() < 0.5
    if random.random() < 0.4:
        books.frozen_at = START
    if random.random() < 0.3:
        step = random.choice(STEPS_THAT_BREAK)
        broken = (
            range(months)
            if step == declarations.SETTLE_LATE_USAGE.name
            else (random.randrange(months),)
        )
        books.poisoned = {(index, step) for index in broken}
        if step != declarations.SETTLE_LATE_USAGE.name:
            books.given_up = {index for index in broken if index % 2}
    return books


def add_credit(books: Books, random: Random) -> None:
    """Credit recurs, mostly out of step with periods, and a gateway of any mood tops it up."""
    anchor = START + timedelta(hours=random.randrange(20 * 24))
    every, lasts = random.choice((7, 11, 17, 30)), random.choice((3, 5, 11, 25))
    rule = Recurrence(
        anchor=Anchor(starts_at=anchor),
        cadence=Cadence(interval=Interval.DAY, count=every),
        expires_after=Cadence(interval=Interval.DAY, count=lasts),
    )
    days = timedelta(days=every), timedelta(days=lasts)
    prepaid = books.late.prepaid
    prepaid.periods = books.periods
    prepaid.recur(rule, random.randint(1, 20), every=days[0], lasts=days[1])
    step, threshold = random.choice((4, 10)), random.choice((5, 20))
    if random.random() < 0.7:
        prepaid.top_ups.answers = random.choices(ANSWERS, k=5)
        prepaid.top_ups.terms = TopUpTerms(
            unit=DOLLARS,
            threshold=Decimal(threshold),
            step=Decimal(step),
            target=random.choice((None, Decimal(threshold + 15))),
            max_count=PerWindow(day=Decimal(random.randint(1, 3)), month=Decimal(5)),
            max_amount=PerWindow(day=Decimal(3 * step), month=Decimal(random.choice((30, 90)))),
        )
