"""The model of money: what the customer owes in all, told by the journal of requests alone.

It lives every subscription through again, period by period, and rates each one that has a valid
final bill from scratch, with all events that are known. How corrections, credit and notes come
about does not matter to it: only that in the end they add up.

*Source: CONTRACT 16–20, 48, 52, 81–85, 93–95.*
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

from tests.money.model import agreements, journal
from tests.money.model.add_ons import AddOn
from tests.money.model.aggregates import Event
from tests.money.model.journal import Opened, Plan, Request
from tests.money.model.lives import Life, Period, State
from tests.money.model.notes import Note, note_of
from tests.money.model.owed import NOTHING, forgive, owed_of, said_of
from tests.money.model.rating import Part, World, rate
from tests.money.model.terms import true_ups
from tests.money.model.years import Anchor, Span, span_around


class Model:
    """What a journal comes to."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self._world = World(
            meters={meter.name: meter for meter in opened.meters},
            places=opened.places,
            by_second=opened.proration == "second",
        )
        self._plans = {plan.name: plan for plan in opened.plans}
        self.now = opened.at
        self.wall = timedelta(0)
        self.events: dict[str, Event] = {}
        self.lives: dict[str, Life] = {}

    def plan_named(self, name: str) -> Plan:
        """The plan as it is sold now."""
        return self._plans[name]

    def owed(self) -> Fraction:
        """What all final bills come to once everything is corrected, less what was given back."""
        return sum((self._owed_of_life(one) for one in self.lives.values()), NOTHING)

    def _owed_of_life(self, life: Life) -> Fraction:
        owed = [self.owed_of(life, index) for index in range(len(life.periods))]
        total = sum((sum(one.values(), NOTHING) for one in owed), NOTHING)
        if all(one.plan.commitment is None for one in life.periods):
            return total
        said = [said_of(*one) for one in zip(life.periods, owed, strict=True)]
        return total + true_ups(self._world, life.periods, said, is_over=life.is_over)

    def owed_of(self, life: Life, index: int) -> dict[str, Fraction]:
        """What one period comes to, charge by charge, less what was given back of it.

        A period without a valid final bill is wanted nothing of; what was given back of late lines
        that still stand stays given. What is forgiven of all charges stands under ``WRITTEN``.
        """
        period = life.periods[index]
        wanted = self._wanted(life, index) if period.state is State.FINAL else {}
        return owed_of(period, wanted, ignores_late=self._ignores_late)

    def _wanted(self, life: Life, index: int) -> dict[str, Fraction]:
        period = life.periods[index]
        if self._ignores_late:
            return {} if period.written is not None else period.fixed
        return self._rate(life, index)

    def _rate(self, life: Life, index: int) -> dict[str, Fraction]:
        """What a period comes to now. Where late usage is ignored, a final part never changes."""
        return self._rate_as_of(life, index, tuple(self.events.values()))

    def _rate_as_of(self, life: Life, index: int, events: tuple[Event, ...]) -> dict[str, Fraction]:
        parts = []
        for one in life.parts(index):
            known = self._known_of(one)
            parts.append(replace(one.part, events=events if known is None else known))
        rated = rate(self._world, life.periods[index].plan, parts)
        mine = life.periods[index].part
        return rated | {name: one.owed(self._world, mine) for name, one in life.add_ons.items()}

    @property
    def _ignores_late(self) -> bool:
        return self.opened.late_usage == "ignore"

    def _known_of(self, period: Period) -> tuple[Event, ...] | None:
        """The events that count of a part for good, where late usage is ignored."""
        if not self._ignores_late:
            return None
        if period.written is not None:
            return period.drafted
        return period.known if period.state is State.FINAL else None

    # What each request changes.

    def apply(self, request: Request) -> None:  # noqa: C901, PLR0912  one case for each
        """Let a request have happened."""
        match request:
            case journal.Advanced(to=to):
                self._advance(to)
            case journal.Waited(seconds=seconds):
                self.wall += timedelta(seconds=seconds)
            case journal.Sent():
                self.events[request.key] = Event(
                    order=len(self.events),
                    at=request.at,
                    meter=request.meter,
                    value=Fraction(request.value),
                    distinct=request.distinct,
                )
            case journal.EventVoided(key=key):
                self.events[key] = replace(self.events[key], is_void=True)
            case journal.EventAmended(key=key, value=value):
                self.events[key] = replace(self.events[key], value=Fraction(value))
            case journal.PlanEdited(plan=plan):
                self._edit(plan)
            case journal.Subscribed():
                self._subscribe(request)
            case journal.PlanChanged():
                self._change_plan(self.lives[request.subscription], request)
            case journal.Canceled(at_period_end=at_end):
                self._cancel(self.lives[request.subscription], at_end=at_end)
            case journal.Deleted():
                self._cancel(self.lives[request.subscription], at_end=False)
                self.lives[request.subscription].is_deleted = True
            case journal.Reactivated():
                self.lives[request.subscription].ends_with_period = False
            case journal.BilledEarly():
                self._bill_early(self.lives[request.subscription])
            case agreements.AddOnAttached() | agreements.AddOnChanged():
                self._hold(self.lives[request.subscription], request)
            case agreements.ThresholdSet() | agreements.Looked() | agreements.StepVoided():
                pass  # what is billed as it runs is taken off by the last bill
            case journal.Opened():
                raise AssertionError("A world is opened once.")
            case _:
                self._act_on_bill(request)

    def _hold(
        self, life: Life, request: agreements.AddOnAttached | agreements.AddOnChanged
    ) -> None:
        """So many of an add-on from here on, or from where the running period begins."""
        if isinstance(request, agreements.AddOnAttached):
            life.add_ons[request.name] = AddOn(price=Fraction(request.price))
        add_on, running = life.add_ons[request.name], life.running
        at = max(self.now, running.span.starts_at) if running else self.now
        add_on.hold(at, Fraction(request.quantity))

    def _act_on_bill(self, request: journal.OnBill) -> None:
        life = self.lives[request.subscription]
        match request:
            case journal.Finalized(period=index):
                self._finalize(life, life.periods[index])
            case journal.DraftDeleted(period=index):
                life.periods[index].unbill()
            case journal.DraftEdited(period=index, amount=amount):
                period = life.periods[index]
                period.written = Fraction(amount)
                drafted = self._rate_as_of(life, index, period.drafted)
                charges = (period.forgive(name, one) for name, one in drafted.items())
                period.replaced = period.forgive(None, sum(charges, NOTHING))
            case journal.InvoiceVoided():
                self._void(life, request)
            case journal.Billed(period=index):
                self._draft(life, life.periods[index], at=self.now)
            case journal.Noted() | journal.LateLineNoted():
                self._note(life, request)

    def _note(self, life: Life, request: journal.Noted | journal.LateLineNoted) -> None:
        """Part of a line is given back, unless that was said a moment ago already."""
        stamp, said = note_of(request, at=self.now, wall=self.wall)
        periods = [life.periods[one.period] for one in said]
        if any(stamp.repeats(one.stamp) for period in periods for one in period.notes):
            return
        for one, period in zip(said, periods, strict=True):
            note = Note(charge=one.charge, amount=-Fraction(one.amount), stamp=stamp)
            period.notes.append(note)

    def _void(self, life: Life, request: journal.InvoiceVoided) -> None:
        """Its notes are gone with it; what it said is said again, or forgiven for good."""
        for period in life.periods:
            period.notes = [one for one in period.notes if one.invoice != request.invoice]
        if request.period is not None:
            life.periods[request.period].unbill()
        if not request.settles_again:
            forgive(life, [one for one in request.said if one.period != request.period])

    def _edit(self, plan: Plan) -> None:
        """Periods that have begun keep their plan as it was, and so do parts of them."""
        self._plans[plan.name] = plan
        for life in self.lives.values():
            running = life.running
            if running and running.plan.name == plan.name and self.is_reached(life, running):
                life.plan = running.plan = plan

    def is_reached(self, life: Life, period: Period) -> bool:
        """Whether an edit of its plan reaches a period: it has not begun, or does so right now."""
        starts_at = period.span.starts_at
        is_whole = starts_at in (period.part.regular.starts_at, life.anchor.at)
        return starts_at > self.now or (starts_at == self.now and is_whole)

    def _advance(self, to: datetime) -> None:
        stood_at, self.now = self.now, to
        for life in self.lives.values():
            self._live(life, since=stood_at)
            for period in life.periods:
                if period.final_at is not None and period.final_at <= to:
                    self._finalize(life, period)

    def _live(self, life: Life, *, since: datetime) -> None:
        """Periods that are over have drafts, and the next one runs, unless it was the last."""
        while (running := life.running) and running.span.ends_at <= self.now:
            ends_at = running.span.ends_at
            self._draft(life, running, at=max(ends_at, since))
            if life.ends_with_period:
                life.is_over = True
            else:
                self._open_next(life, ends_at)

    def _open_next(self, life: Life, starts_at: datetime) -> None:
        life.plan = self._plans[life.next_plan or life.plan.name]
        life.next_plan = None
        self._open(life, starts_at)

    def _open(self, life: Life, starts_at: datetime) -> None:
        regular = span_around(life.anchor, life.plan.interval, starts_at)
        span = Span(starts_at=starts_at, ends_at=regular.ends_at)
        part = Part(span=span, regular=regular, anchor=life.anchor)
        life.periods.append(Period(part=part, plan=life.plan))

    def _draft(self, life: Life, period: Period, *, at: datetime) -> None:
        period.state, period.drafted = State.DRAFTED, tuple(self.events.values())
        period.final_at = at + timedelta(minutes=self.opened.grace_minutes)
        if period.final_at <= self.now:
            self._finalize(life, period)

    def _finalize(self, life: Life, period: Period) -> None:
        period.fixed = self._rate(life, life.periods.index(period))
        period.state, period.final_at = State.FINAL, None
        period.known = tuple(self.events.values())

    def _subscribe(self, request: journal.Subscribed) -> None:
        anchor = Anchor(at=request.starts_at, by_calendar=request.by_calendar)
        life = Life(anchor=anchor, plan=self._plans[request.plan])
        self.lives[request.subscription] = life
        self._open(life, request.starts_at)
        self._live(life, since=self.now)

    def _cut(self, life: Life) -> None:
        """What ran until now is billed; a period that had not begun never was."""
        running = life.running
        if running is None:
            return
        if running.span.starts_at >= self.now:
            life.periods.pop()
            return
        span = Span(starts_at=running.span.starts_at, ends_at=self.now)
        running.part = replace(running.part, span=span)
        self._draft(life, running, at=self.now)

    def _bill_early(self, life: Life) -> None:
        self._cut(life)
        self._open(life, self.now)  # a cut part is no new period: it keeps its plan's terms

    def _cancel(self, life: Life, *, at_end: bool) -> None:
        if life.is_over:
            return
        if at_end:
            life.ends_with_period = True
            return
        self._cut(life)
        life.is_over = True

    def _change_plan(self, life: Life, request: journal.PlanChanged) -> None:
        is_same = request.plan == life.plan.name
        if request.at_period_end:
            life.next_plan = None if is_same else request.plan
            return
        if is_same and life.next_plan is None:
            return
        running = life.running
        assert running is not None
        starts_at = max(self.now, running.span.starts_at)
        self._cut(life)
        if is_same and running in life.periods:
            life.next_plan = None
            self._open(life, starts_at)
            return
        life.next_plan = request.plan
        self._open_next(life, starts_at)
