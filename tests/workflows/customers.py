"""What people do to a simulated subscription through the API, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from billing.subscriptions import PeriodStatus, SubscriptionStatus
from tests.workflows.books import Books
from tests.workflows.facts import MONTH

Deed = Callable[[Books, datetime], bool]
"""Changes the facts as of an instant; says whether it was legal and changed any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Something that somebody will do."""

    at: datetime
    name: str


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
    books.open_period(at, regular_end)
    return True


def pay_everything(books: Books, _at: datetime) -> bool:
    """Every open bill is paid."""
    unpaid = [bill for bill in books.bills.values() if bill.status == "OPEN"]
    for bill in unpaid:
        bill.status = "PAID"
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
    """Closed periods get their drafts at once, ahead of the owner."""
    closed = [one for one in books.periods if one.status is PeriodStatus.CLOSED]
    return all(books.bill_now(stored, at=at) for stored in closed) and bool(closed)


def retry_parked(books: Books, _at: datetime) -> bool:
    """The cause is mended and parked bills start again."""
    parked = [one for one in books.periods if one.status is PeriodStatus.PARKED]
    for stored in parked:
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
    return books.late.arrive(books.periods, at, events=2)


def send_late_usage(books: Books, at: datetime) -> bool:
    """An event of forty days ago arrives, mostly for a period whose bill is final."""
    return books.late.arrive(books.periods, at - timedelta(days=40))


def void_late_usage(books: Books, at: datetime) -> bool:
    """An event of forty days ago counts no more."""
    return books.late.arrive(books.periods, at - timedelta(days=40), events=-1)


def void_invoice(books: Books, _at: datetime) -> bool:
    """The oldest unpaid bill is void: its period owes nothing, and what it settled is open."""
    return _void(books, settles_again=True)


def void_for_good(books: Books, _at: datetime) -> bool:
    """The oldest unpaid bill is void, and what it settled of other periods is forgiven."""
    return _void(books, settles_again=False)


def _void(books: Books, *, settles_again: bool) -> bool:
    unpaid = next((bill for bill in books.bills.values() if bill.status == "OPEN"), None)
    if unpaid is None or books.period(unpaid.index).status is not PeriodStatus.FINAL:
        return False
    if not books.late.void(unpaid.index, settles_again=settles_again):
        return False
    unpaid.status = "VOID"
    books.period(unpaid.index).status = PeriodStatus.VOID
    return True


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
    """One dollar of the newest final bill is given back by hand."""
    final = [one for one in books.periods if one.status is PeriodStatus.FINAL]
    return bool(final) and books.late.give_back(final[-1].index)


def nothing(_books: Books, _at: datetime) -> bool:
    """The owner is told of new facts, and there are none."""
    return True


DEEDS: dict[str, Deed] = {
    deed.__name__: deed
    for deed in (
        cancel_at_end,
        cancel_now,
        reactivate,
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
        void_invoice,
        void_for_good,
        reissue,
        delete_draft,
        bill_unbilled,
        give_back,
        nothing,
    )
}

COMMON = (
    "nothing",
    "pay_everything",
    "change_plan",
    "finalize_early",
    "pause_for_ten_days",
    *("send_usage", "send_late_usage", "void_late_usage") * 3,
    *("void_invoice", "void_for_good", "reissue") * 3,
    "delete_draft",
    "bill_unbilled",
    "give_back",
)


def act(books: Books, planned: Planned) -> bool:
    """Do it, after closing what has ended by then, as every command of the API does.

    Says whether anything changed, so that the owner is told.
    """
    has_closed = _catch_up(books, planned.at)
    books.changes += 1
    return DEEDS[planned.name](books, planned.at) or has_closed


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


def plan_life(random: Random, starts_at: datetime, ends_at: datetime) -> list[Planned]:
    """What will be done between two instants, in order: mostly common things, seldom the rest."""
    count = random.choice((0, 2, 4, 8, 12, 16, 24))
    names = [random.choice(COMMON if random.random() < 0.7 else tuple(DEEDS)) for _ in range(count)]
    return sorted(
        (Planned(at=_instant(random, starts_at, ends_at), name=name) for name in names),
        key=lambda planned: (planned.at, planned.name),
    )


def _instant(random: Random, starts_at: datetime, ends_at: datetime) -> datetime:
    months = (ends_at - starts_at) // MONTH
    if random.random() < 0.3:  # close to a boundary, where races are
        return (
            starts_at + random.randint(1, months) * MONTH + timedelta(seconds=random.randint(-2, 2))
        )
    return starts_at + (ends_at - starts_at) * random.random()


def _cut(books: Books, at: datetime) -> None:
    stored = books.open_one()
    if stored is None:
        return
    if stored.starts_at >= at:
        books.periods.remove(stored)
        return
    stored.ends_at = at
    books.close(stored)
