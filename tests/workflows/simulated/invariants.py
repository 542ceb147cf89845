"""What must hold of a workflow after every step, at every rest, and at the end of a life."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from activities import declarations
from billing.subscriptions import Action, AgendaEntry, PeriodStatus
from tests.workflows.simulated.facts import EARLIER_STEPS
from tests.workflows.simulated.late_arrivals import SETTLED, Document, items_of
from tests.workflows.simulated.prices import Item, plan_in_force

if TYPE_CHECKING:
    from tests.workflows.simulated.books import Books
    from tests.workflows.simulated.passing_time import Waiting
    from tests.workflows.simulated.simulator import Simulation

Waits = Mapping[Item, int]
"""What documents are to say of each item more than they do."""

LATENCY = timedelta(milliseconds=1)
"""A timer goes off a little after its instant, never at it."""

ACTION_OF = {
    declarations.END_TRIAL.name: Action.END_TRIAL,
    declarations.RESUME_SUBSCRIPTION.name: Action.RESUME,
    declarations.ROLL_PERIOD.name: Action.CLOSE_PERIOD,
    **dict.fromkeys(EARLIER_STEPS, Action.BILL_PERIOD),
    declarations.ISSUE_INVOICE.name: Action.BILL_PERIOD,
    declarations.FINALIZE_INVOICE.name: Action.FINALIZE_INVOICE,
    declarations.MARK_PAST_DUE.name: Action.PAYMENT_DUE,
    declarations.SETTLE_LATE_USAGE.name: Action.SETTLE_LATE_USAGE,
    declarations.RETURN_CREDIT.name: Action.RETURN_CREDIT,
    declarations.GRANT_CREDIT.name: Action.GRANT_CREDIT,
}


def check_performed(done: Waiting, agenda: Sequence[AgendaEntry]) -> None:
    """What the workflow did was the first entry of the agenda, of which it knew."""
    if done.name not in ACTION_OF:
        return
    first = agenda[0]
    asked = (ACTION_OF[done.name], done.request.period_index, done.request.due_at)
    wanted = (first.action, first.period_index, first.due_at)
    assert asked == wanted, f"did {asked}, due was {wanted}"


def check_rest(life: Simulation) -> None:
    """Nobody has anything to do now: the workflow sleeps until the right instant, or is gone."""
    books, agenda = life.books, life.books.agenda()
    check_tiling(life)
    if books.is_over and not agenda and not books.is_behind:
        assert life.workflow is None, "the workflow does not end"
        return
    assert life.workflow is not None, "the subscription has no workflow"
    if books.frozen_at is not None:
        assert not books.is_behind, "the clock waits for a workflow that sleeps"
        assert not life.timers, "a timer runs on a test clock"
        assert not agenda or agenda[0].due_at > books.frozen_at, f"forgotten: {agenda[0]}"
    elif agenda:
        wakes = sorted(life.timers.values())
        assert len(wakes) == 1, f"{len(wakes)} timers run"
        late_by = wakes[0] - agenda[0].due_at
        assert timedelta(0) <= late_by <= 2 * LATENCY, f"sleeps until {wakes}, due is {agenda[0]}"
    else:
        assert not life.timers, "a timer runs for nothing"


def check_tiling(life: Simulation) -> None:
    """Periods touch and do not overlap, each on its plan; bills exist for closed ones alone."""
    periods = life.books.periods
    for one in periods:
        assert one.plan == plan_in_force(life.books.moves, one.starts_at), f"{one} is on no plan"
    for former, later in pairwise(periods):
        assert former.ends_at == later.starts_at, f"a gap after period {former.index}"
        assert former.was_closed, f"period {former.index} is still open"
    for index in life.books.bills:
        assert periods[index].was_closed, f"a bill of the open period {index}"


def check_end(life: Simulation) -> None:
    """Every period that has ended has exactly one bill, which is final."""
    books = life.books
    counted = Counter(books.effects)
    for (step, index), times in counted.items():
        if index is not None and step != declarations.PARK_BILL.name and times > 1:
            most = books.period(index).revision if step in EARLIER_STEPS else 1
            most = max(books.period(index).drafts, most) if step in REPEATED_BY_BILL else most
            assert times <= most, f"{step} of period {index} took effect {times} times"
    present = books.frozen_at or life.now
    for period in books.periods:
        if period.ends_at <= present:
            assert period.status in (PeriodStatus.DRAFTED, PeriodStatus.SKIPPED, *SETTLED), (
                f"period {period.index} is {period.status} at the end"
            )
            has_bill = period.index in books.bills
            needs_none = period.status in (PeriodStatus.UNBILLED, PeriodStatus.SKIPPED)
            assert has_bill != needs_none, f"period {period.index} has no bill"
        elif not period.was_closed:
            assert period.index not in books.bills
    overdue = [bill for bill in books.bills.values() if bill.status == "DRAFT"]
    assert all(bill.finalize_at > present for bill in overdue), "a draft is stuck"
    _check_money(life, present)


def _check_money(life: Simulation, present: datetime) -> None:
    """All documents come to what is owed once what is late is settled, and no credit is left."""
    books, late = life.books, life.books.late
    # Where a bill was mended at the very end, what is late waits for its draft, and is planned.
    planned = {entry.action for entry in books.agenda() if entry.due_at > present}
    is_settled = Action.SETTLE_LATE_USAGE in planned or not late.changed(books.periods)
    if late.settles_alone or books.is_over:
        assert is_settled, "late usage was never billed"
        assert not (books.is_over and late.credit) or Action.RETURN_CREDIT in planned, (
            "credit was never returned"
        )
    check_money(books)


def check_money(books: Books) -> None:
    """What documents say, with what waits to be said, is what is owed; credit adds up.

    Holds at every moment, whatever waits. Source: CONTRACT 81 to 85.
    """
    late = books.late
    pending = elsewhere = 0
    for period in books.periods:
        missing = late.missing(period) if period.status in SETTLED else None
        for item in items_of(period):
            said, notes = late.said(item), late.notes[item]
            if missing is None:  # whoever mends it, or makes its bill, asks again
                assert period.status is not PeriodStatus.SKIPPED or said == notes == 0, (
                    f"documents say {said} of period {period.index}, which was given up"
                )
                elsewhere += said - notes
                continue
            pending += missing[item]
            owed = late.owed_of(period, item)
            assert said + missing[item] == owed, (
                f"documents are to say {said + missing[item]} of {item}, owed are {owed}"
            )
    documents, owed = late.total() + pending, late.owed(books.periods) + elsewhere
    assert documents == owed, f"documents say {documents}, owed are {owed}"
    _check_documents(books)
    late.prepaid.check(late.documents)


def _check_documents(books: Books) -> None:
    """One standing bill a final period, notes within it, and credit neither lost nor doubled."""
    late = books.late
    standing = [one for one in late.documents if not one.is_void]
    for one in standing:
        assert 0 <= one.granted <= max(0, one.amount), f"{one} takes more credit than it is due"
        for item, given in late.notes.items():
            assert item[0] != one.bills or given <= max(0, one.says[item]), (
                f"{given} of {one} were given back"
            )
    credit = sum(one.carried - one.granted for one in standing) - late.returned
    assert 0 <= late.credit == credit, f"credit stands at {late.credit}, documents left {credit}"
    final = [one.index for one in books.bills.values() if one.status not in ("DRAFT", "VOID")]
    billed = sorted(one.bills for one in standing if one.bills is not None)
    assert billed == sorted(final), f"documents bill periods {billed}, final are {final}"


def check_void(void: Document, others: Collection[int], before: Waits, after: Waits) -> None:
    """What a void document said of another period waits again. Source: CONTRACT 85."""
    for item in {*before, *after, *void.says}:
        if item[0] in others:
            missing = before.get(item, 0)
            assert after.get(item, 0) == missing + void.says[item], (
                f"of {item} {after.get(item, 0)} waits, not {missing} and {void.says[item]}"
            )


def check_forgiven(before: Waits, after: Waits) -> None:
    """Nobody asks for what a document said that is void for good, where nothing else waited."""
    for item, missing in after.items():
        assert item in before, f"{missing} of {item} waits that was forgiven"


def check_settled(done: Waiting, books: Books) -> None:
    """A settlement leaves nothing that is late; nor does a bill that takes what is late."""
    takes_all = done.name == declarations.SETTLE_LATE_USAGE.name or (
        done.name == declarations.FINALIZE_INVOICE.name and not books.late.settles_alone
    )
    late = books.late.changed(books.periods) if takes_all else []
    assert not late, f"after {done.name} late usage of periods {[one.index for one in late]} waits"


def check_same(life: Simulation, without_faults: Simulation) -> None:
    """Faults changed nothing of what was billed: the same periods, one bill each, the same end."""
    assert outcome_of(life) == outcome_of(without_faults), "faults changed what was billed"


def outcome_of(life: Simulation) -> tuple[object, ...]:
    """Which periods and how much usage were billed up to the plan's end, and when all ended."""
    books = life.books
    periods = [one for one in books.periods if one.drafts and one.ends_at <= life.ends_at]
    billed = [(one.index, one.starts_at, one.ends_at, one.plan) for one in periods]
    used = [(item, books.late.arrived[item]) for one in periods for item in items_of(one)]
    ended_at = books.ended_at if books.ended_at and books.ended_at <= life.ends_at else None
    return (*billed, *used, ended_at)


STEPS_OF_MONEY = (
    declarations.FINALIZE_INVOICE.name,
    declarations.SETTLE_LATE_USAGE.name,
    declarations.RETURN_CREDIT.name,
    declarations.GRANT_CREDIT.name,
)
REPEATED_BY_BILL = (
    *EARLIER_STEPS,
    declarations.ISSUE_INVOICE.name,
    declarations.FINALIZE_INVOICE.name,
    declarations.MARK_PAST_DUE.name,
)
