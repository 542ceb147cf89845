"""What people do to a simulated subscription through the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from billing.subscriptions import PeriodStatus, SubscriptionStatus
from tests.workflows.simulated.books import Books
from tests.workflows.simulated.credit.top_ups import CREDIT_DEEDS
from tests.workflows.simulated.late_arrivals import items_at
from tests.workflows.simulated.prices import meter_of, plan_after
from tests.workflows.simulated.voids import void_for_good, void_invoice

Deed = Callable[[Books, datetime], bool]
"""Changes the facts as of an instant; says whether it was legal and changed any."""


def cancel_at_end(books: Books, _at: datetime) -> bool:
    """The subscription ends with its period."""
    if books.is_over or books.ends_with_period:
        return False
    books.ends_with_period = True
    return True


def cancel_now(books: Books, at: datetime) -> bool:
    """The subscription ends at once; what ran is billed."""
    if books.is_over:
        return False
    if books.status is SubscriptionStatus.PAUSED:
        books.end_pause()
    _cut(books, at)
    books.end(at)
    return True


def reactivate(books: Books, _at: datetime) -> bool:
    """A planned end is taken back."""
    if books.is_over or not books.ends_with_period:
        return False
    books.ends_with_period = False
    return True


def change_mind(books: Books, at: datetime) -> bool:
    """A planned end is taken back at once: nothing is different from before."""
    before = books.agenda(), books.status, books.late.total()
    if not cancel_at_end(books, at):
        return False
    assert reactivate(books, at), "a planned end cannot be taken back"
    after = books.agenda(), books.status, books.late.total()
    assert after == before, f"taking back an end changed {before} to {after}"
    return True


def pause_for_ten_days(books: Books, at: datetime) -> bool:
    """Billing rests until a planned instant."""
    if books.status not in (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE):
        return False
    books.status, books.resumes_at = SubscriptionStatus.PAUSED, at + timedelta(days=10)
    return True


def pause(books: Books, at: datetime) -> bool:
    """Billing rests until somebody resumes it."""
    is_paused = pause_for_ten_days(books, at)
    if is_paused:
        books.resumes_at = None
    return is_paused


def resume(books: Books, _at: datetime) -> bool:
    """Billing goes on."""
    if books.status is not SubscriptionStatus.PAUSED:
        return False
    books.end_pause()
    return True


def change_plan(books: Books, at: datetime) -> bool:
    """The running period is cut; the rest of it runs on another plan."""
    if books.status not in (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE):
        return False
    stored = books.open_one()
    if stored is None or stored.starts_at >= at:
        return False
    regular_end = stored.ends_at
    _cut(books, at)
    books.moves.append((at, plan_after(stored.plan)))
    books.open_period(at, regular_end)
    return True


def pay_everything(books: Books, _at: datetime) -> bool:
    """Every open bill is paid."""
    unpaid = [bill for bill in books.bills.values() if bill.status == "OPEN"]
    for bill in unpaid:
        bill.status = "PAID"
    books.late.pay()
    if books.status is SubscriptionStatus.PAST_DUE:
        books.status = SubscriptionStatus.ACTIVE
    return bool(unpaid)


def finalize_early(books: Books, _at: datetime) -> bool:
    """A draft is finalized before its grace is over."""
    drafts = [bill for bill in books.bills.values() if bill.status == "DRAFT"]
    for bill in drafts:
        books.finalize(bill)
    return bool(drafts)


def bill_overdue(books: Books, at: datetime) -> bool:
    """Closed periods get their drafts at once, ahead of the workflow."""
    closed = [one for one in books.periods if one.status is PeriodStatus.CLOSED]
    return all(books.bill_now(stored, at=at) for stored in closed) and bool(closed)


def retry_parked(books: Books, _at: datetime) -> bool:
    """The cause is mended and parked bills start again, or people give them up for good."""
    parked = [one for one in books.periods if one.status is PeriodStatus.PARKED]
    for stored in parked:
        if stored.index in books.given_up:
            assert stored.index not in books.bills, "a bill that has a draft is given up"
            stored.status, stored.parked_step = PeriodStatus.SKIPPED, None
            continue
        books.poisoned = {key for key in books.poisoned if key[0] != stored.index}
        stored.parked_step = None
        if stored.index in books.bills:
            stored.status = PeriodStatus.FINAL
            continue
        stored.status = PeriodStatus.CLOSED
        stored.revision += 1
    return bool(parked)


def send_usage(books: Books, at: datetime) -> bool:
    """Two events of this instant arrive."""
    return books.late.arrive(books.periods, at, meter_of(at), events=2)


def send_late_usage(books: Books, at: datetime) -> bool:
    """Three events of forty days ago arrive, mostly for a period whose bill is final."""
    return books.late.arrive(books.periods, at - timedelta(days=40), meter_of(at), events=3)


def void_late_usage(books: Books, at: datetime) -> bool:
    """An event of forty days ago counts no more."""
    return books.late.arrive(books.periods, at - timedelta(days=40), meter_of(at), events=-1)


def send_forgiven_usage(books: Books, _at: datetime) -> bool:
    """Two events arrive for the period of which something was forgiven last."""
    return _use_forgiven(books, events=2)


def void_forgiven_usage(books: Books, _at: datetime) -> bool:
    """Two events count no more of the period of which something was forgiven last."""
    return _use_forgiven(books, events=-2)


def _use_forgiven(books: Books, *, events: int) -> bool:
    forgiven = books.late.forgiven
    return bool(forgiven) and books.late.aim(forgiven[-1].item, events)


def change_plan_after_late_usage(books: Books, at: datetime) -> bool:
    """The plan changes before anybody has settled what is late of the newest final period."""
    is_late = _is_late(books, at)
    return change_plan(books, at) or is_late


def cancel_after_late_usage(books: Books, at: datetime) -> bool:
    """The subscription ends before anybody has settled what is late of the newest final period."""
    is_late = _is_late(books, at)
    return cancel_now(books, at) or is_late


def _is_late(books: Books, at: datetime) -> bool:
    final = [one for one in books.periods if one.status is PeriodStatus.FINAL]
    return bool(final) and books.late.aim((final[-1].index, meter_of(at)), 3)


def reissue(books: Books, at: datetime) -> bool:
    """The newest void bill is issued again, from the usage as it is now."""
    void = [one for one in books.periods if one.status is PeriodStatus.VOID]
    return bool(void) and books.bill_again(void[-1], at=at)


def delete_draft(books: Books, _at: datetime) -> bool:
    """The oldest draft is deleted, and its period is without a bill."""
    draft = next((bill for bill in books.bills.values() if bill.status == "DRAFT"), None)
    if draft is None or books.period(draft.index).status is not PeriodStatus.DRAFTED:
        return False
    del books.bills[draft.index]
    books.period(draft.index).status = PeriodStatus.UNBILLED
    return True


def bill_unbilled(books: Books, at: datetime) -> bool:
    """The oldest period whose draft was deleted has a new one, asked for by its index."""
    unbilled = [one for one in books.periods if one.status is PeriodStatus.UNBILLED]
    return bool(unbilled) and books.bill_again(unbilled[0], at=at)


def give_back(books: Books, _at: datetime) -> bool:
    """What is left of the newest final bill is given back by hand."""
    final = [one for one in books.periods if one.status is PeriodStatus.FINAL]
    return bool(final) and books.late.give_back(final[-1].index)


def nothing(_books: Books, _at: datetime) -> bool:
    """The workflow is woken, and there are no new facts."""
    return True


DEEDS: dict[str, Deed] = {
    deed.__name__: deed
    for deed in (
        cancel_at_end,
        cancel_now,
        reactivate,
        change_mind,
        pause_for_ten_days,
        pause,
        resume,
        change_plan,
        pay_everything,
        finalize_early,
        bill_overdue,
        retry_parked,
        send_usage,
        send_late_usage,
        void_late_usage,
        send_forgiven_usage,
        void_forgiven_usage,
        change_plan_after_late_usage,
        cancel_after_late_usage,
        void_invoice,
        void_for_good,
        reissue,
        delete_draft,
        bill_unbilled,
        give_back,
        nothing,
    )
}


def act(books: Books, name: str, at: datetime) -> bool:
    """Do it, after closing what has ended by then, as every command of the API does.

    Says whether anything changed, so that the workflow is woken.
    """
    has_closed = _catch_up(books, at)
    books.changes += 1
    books.late.prepaid.present = at
    has_changed = (DEEDS | CREDIT_DEEDS)[name](books, at)
    books.late.prepaid.top_up()
    return has_changed or has_closed


def _catch_up(books: Books, at: datetime) -> bool:
    before = len(books.effects), books.status
    trial_end = books.trial_ends_at
    if trial_end is not None and trial_end <= at:
        books.end_trial(trial_end)
    resumes_at = books.resumes_at
    if resumes_at is not None and resumes_at <= at:
        books.end_pause()
    while (stored := books.open_one()) and stored.ends_at <= at:
        books.roll(stored, due_at=stored.ends_at)
    return (len(books.effects), books.status) != before


def _cut(books: Books, at: datetime) -> None:
    stored = books.open_one()
    if stored is None:
        return
    if stored.starts_at >= at:
        books.periods.remove(stored)
        for item in items_at(stored.index):
            del books.late.arrived[item]
        return
    stored.ends_at = at
    books.close(stored)
