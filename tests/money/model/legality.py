"""Which requests are to be refused, and how: a refusal that nobody expects is a wrong bill too.

*Source: CONTRACT 4.4, 4.8, 22, 23, 86, 94.*
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations

from tests.money.model import agreements, journal
from tests.money.model.journal import Plan, Request
from tests.money.model.lives import Life, Period, State
from tests.money.model.model import Model
from tests.money.model.years import Span

SHORTEST_PART = timedelta(minutes=1)
"""What was cut is not cut again before: that is a request sent twice."""

FOR_EVER = datetime.max.replace(tzinfo=UTC)
GONE = "subscription_not_found"
NO_ARROW = "invalid_transition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A subscription charges a meter for a time."""

    meter: str
    span: Span


def refusal(model: Model, request: Request) -> str | None:  # noqa: C901, PLR0911  (one a refusal)
    """The code of the error that a request is answered with; None where it is legal.

    Of notes and of voids only what does not depend on the documents: see the driver for the rest.
    """
    match request:
        case journal.Subscribed():
            running = model.plan_named(request.plan)
            wanted = _claims_of(running, Span(starts_at=request.starts_at, ends_at=FOR_EVER))
            return _refuse_overlap(model, request.subscription, wanted)
        case journal.EventAmended(key=key):
            return "event_void" if model.events[key].is_void else None
        case (
            journal.PlanChanged()
            | journal.Canceled()
            | journal.Deleted()
            | journal.Reactivated()
            | journal.BilledEarly()
        ):
            return _refuse_on_subscription(model, request)
        case journal.PlanEdited(plan=plan):
            return _refuse_edit(model, plan)
        case (
            agreements.ThresholdSet()
            | agreements.Looked()
            | agreements.AddOnAttached()
            | agreements.AddOnChanged()
        ):
            return _refuse_agreement(model.lives[request.subscription], request)
        case journal.Finalized() | journal.DraftDeleted() | journal.DraftEdited():
            period = model.lives[request.subscription].periods[request.period]
            return None if period.state is State.DRAFTED else NO_ARROW
        case journal.Billed(subscription=name) if model.lives[name].is_deleted:
            return GONE
        case journal.Billed(period=index):
            match model.lives[request.subscription].periods[index].state:
                case State.RUNNING:
                    return "period_not_over"
                case State.DRAFTED | State.FINAL:
                    return "period_already_billed"
    return None


def _refuse_agreement(life: Life, request: agreements.Agreed) -> str | None:
    match request:
        case agreements.Looked():
            return None
        case _ if life.is_deleted:
            return GONE
        case agreements.AddOnChanged(name=name, quantity=quantity):
            if life.add_ons[name].has_ended and quantity == 0:
                return None
            if not life.is_over and life.add_ons[name].has_ended:
                return "add_on_ended"
    return NO_ARROW if life.is_over else None


def _refuse_on_subscription(model: Model, request: journal.OnSubscription) -> str | None:
    life = model.lives[request.subscription]
    if life.is_deleted:
        return GONE
    match request:
        case journal.Canceled() | journal.Deleted():
            return None
        case _ if life.is_over:
            return NO_ARROW
        case journal.BilledEarly():
            running = life.running
            assert running is not None
            ran = model.now - running.span.starts_at
            is_repeat = ran < SHORTEST_PART and _follows_a_cut(life, running)
            return "nothing_to_invoice" if is_repeat or ran <= timedelta(0) else None
        case journal.Reactivated():
            if not life.ends_with_period:
                return None
            return _refuse_overlap(
                model, request.subscription, list(_future(model, life, ends_with_period=False))
            )
        case journal.PlanChanged():
            return _refuse_change(model, life, request)


def _follows_a_cut(life: Life, running: Period) -> bool:
    former = life.periods[-2:-1]
    return any(one.span.ends_at < one.part.regular.ends_at for one in former)


def _refuse_change(model: Model, life: Life, request: journal.PlanChanged) -> str | None:
    running = life.running
    assert running is not None
    plan = model.plan_named(request.plan)
    if request.at_period_end:
        follows = None if request.plan == life.plan.name else request.plan
        if life.ends_with_period or follows == life.next_plan:
            return None
        since = running.span.ends_at
        plan = model.plan_named(follows or life.plan.name)
    elif request.plan == life.plan.name and life.next_plan is None:
        return None
    else:
        since = max(model.now, running.span.starts_at)
    ends_at = FOR_EVER
    if life.ends_with_period and not request.at_period_end:
        ends_at = running.part.regular.ends_at
    wanted = _claims_of(plan, Span(starts_at=since, ends_at=ends_at))
    return _refuse_overlap(model, request.subscription, wanted)


def _refuse_edit(model: Model, plan: Plan) -> str | None:
    """A charge that a plan gets may bill what another subscription bills, by the same edit or not.

    Periods that have begun charge what they did.
    """
    claims = [list(_claims(model, life, edited=plan)) for life in model.lives.values()]
    for one, other in combinations(claims, 2):
        if any(_overlap(mine, yours) for mine in one for yours in other):
            return "meter_already_billed"
    return None


def _refuse_overlap(model: Model, name: str, wanted: list[Claim]) -> str | None:
    for other, life in model.lives.items():
        if other == name:
            continue
        for claim in _claims(model, life):
            if any(_overlap(claim, one) for one in wanted):
                return "meter_already_billed"
    return None


def _claims(model: Model, life: Life, edited: Plan | None = None) -> Iterator[Claim]:
    """What a subscription charged, charges, and will charge as things stand, or after an edit."""
    for period in life.periods:
        plan = period.plan
        if edited and plan.name == edited.name and model.is_reached(life, period):
            plan = edited
        yield from _claims_of(plan, period.span)
    yield from _future(model, life, ends_with_period=life.ends_with_period, edited=edited)


def _future(
    model: Model, life: Life, *, ends_with_period: bool, edited: Plan | None = None
) -> Iterator[Claim]:
    running = life.running
    if running is not None and not life.is_over and not ends_with_period:
        follows = life.next_plan or life.plan.name
        plan = edited if edited and edited.name == follows else model.plan_named(follows)
        yield from _claims_of(plan, Span(starts_at=running.span.ends_at, ends_at=FOR_EVER))


def _claims_of(plan: Plan, span: Span) -> list[Claim]:
    meters = dict.fromkeys(charge.meter for charge in plan.charges if charge.meter is not None)
    return [Claim(meter=meter, span=span) for meter in meters if span.starts_at < span.ends_at]


def _overlap(one: Claim, other: Claim) -> bool:
    return (
        one.meter == other.meter
        and one.span.starts_at < other.span.ends_at
        and other.span.starts_at < one.span.ends_at
    )
