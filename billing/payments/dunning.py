"""What happens by itself to an invoice that is open: charges, reminders, and the end of trying.

The schedule is never stored. It is computed from what happened, so a payment by hand, a note or
another setting changes it without being told. Source: CONTRACT 24, 49, 60, section 6 (Payments).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from billing.errors import InvalidInput

MOST_DAYS: Final = 20
LAST_DAY: Final = 365
EARLIEST_REMINDER, LATEST_REMINDER = -60, 365


class AfterRetries(StrEnum):
    """What follows the last try that failed."""

    NONE = "none"
    PAUSE = "pause"
    CANCEL = "cancel"
    UNCOLLECTIBLE = "uncollectible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dunning:
    """On which days after the first failed try the saved method is tried again, and what then."""

    retry_days: tuple[int, ...] = (1, 3, 5, 7)
    then: AfterRetries = AfterRetries.NONE

    def to_document(self) -> dict[str, object]:
        """As it is stored and shown."""
        return {"retry_days": list(self.retry_days), "then": self.then.value}


REMINDER_DAYS: Final = (-3, 1, 7)
"""On which days after the due date a customer is reminded, unless the organization says."""


class CollectionStatus(StrEnum):
    """Whether something is due of an invoice by itself."""

    ACTIVE = "active"
    ENDED = "ended"


class CollectionAction(StrEnum):
    """What happens to an open invoice by itself. The order here settles ties at one instant."""

    SETTLE = "settle_attempt"
    CHARGE = "charge"
    REMIND = "remind"
    END = "end_collection"


_RANK = {action: rank for rank, action in enumerate(CollectionAction)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionEntry:
    """One dated action on an invoice, with the payment that it is about, if it is about one."""

    due_at: datetime
    action: CollectionAction
    payment_id: str | None = None

    @property
    def order(self) -> tuple[datetime, int]:
        """Entries are performed in this order: by instant, then kind."""
        return self.due_at, _RANK[self.action]


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAttempt:
    """A charge that was begun and of which nobody knows yet what became of it."""

    payment_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionFacts:
    """What the schedule of one invoice is computed from.

    Each ``…_through`` is the instant up to which all of that kind has been done or let pass: what
    was due at once after an outage is done once.
    """

    is_due: bool
    """Whether the invoice is OPEN and something of it is unpaid."""
    opened_at: datetime
    due_at: datetime
    has_gateway: bool
    sends_mails: bool
    dunning: Dunning
    reminder_days: tuple[int, ...]
    pending: PendingAttempt | None = None
    first_failed_at: datetime | None = None
    """When the first try failed, by a saved method or on a gateway's page.

    On a page, where the customer tries of their own will, not before the due date.
    """
    page_failed_at: datetime | None = None
    """When the last try on a gateway's page failed, before the due date too."""
    charged_through: datetime | None = None
    reminded_through: datetime | None = None
    exhausted_at: datetime | None = None
    """When the last try was followed by what the organization wanted then."""


NEXT_ENTRIES: Final = 5
"""How much of a schedule a workflow carries; what comes later is read in its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionState:
    """What a workflow needs to know of the invoice that it collects, and what its search shows.

    ``clock_at`` is the test clock's present, None on the wall clock; ``is_behind`` says that the
    clock waits for this workflow to report, ``waits_for`` whose turn it is first on that clock.
    """

    entries: tuple[CollectionEntry, ...] = ()
    status: str = ""
    customer_id: str | None = None
    invoice_number: str | None = None
    failed_tries: int = 0
    end_action: str | None = None
    clock_at: datetime | None = None
    is_behind: bool = False
    waits_for: str | None = None


def entries_of(facts: CollectionFacts) -> tuple[CollectionEntry, ...]:
    """Everything that will happen by itself, in the order in which it is to be performed.

    A charge whose end is unknown comes before all else, and alone: whatever follows depends on it,
    and so it is asked for even of an invoice that was paid another way meanwhile.
    Worked example: due on 31 January, first try failed on the 1st, retries on days 1 and 3,
    reminders on −3 and 1: tries on 2 and 4 January, the end of them on the 4th, reminders on
    28 January and 1 February.
    """
    if facts.pending is not None:
        attempt = facts.pending
        return (
            CollectionEntry(
                due_at=attempt.at, action=CollectionAction.SETTLE, payment_id=attempt.payment_id
            ),
        )
    if not facts.is_due:
        return ()
    entries = [*_charge_entries(facts), *_reminder_entries(facts), *_end_entries(facts)]
    return tuple(sorted(entries, key=lambda entry: entry.order))


def tries_of(facts: CollectionFacts) -> list[datetime]:
    """When a saved method is tried: once the invoice is open, then after the first failed try.

    Where one on a page has failed by then, ours is let pass: it would ask for the card again that
    was declined a moment ago.
    """
    on_page, first = facts.page_failed_at, facts.first_failed_at
    is_passed = on_page is not None and on_page >= facts.opened_at
    tries = [] if is_passed else [facts.opened_at]
    if first is not None:
        tries += [first + timedelta(days=day) for day in facts.dunning.retry_days]
    return tries


def _charge_entries(facts: CollectionFacts) -> Iterable[CollectionEntry]:
    if facts.has_gateway and facts.exhausted_at is None:
        for at in tries_of(facts):
            if _is_left(at, facts.charged_through):
                yield CollectionEntry(due_at=at, action=CollectionAction.CHARGE)


def _reminder_entries(facts: CollectionFacts) -> Iterable[CollectionEntry]:
    if not facts.sends_mails:
        return
    for day in facts.reminder_days:
        at = facts.due_at + timedelta(days=day)
        # Nobody is reminded of what they are only told now.
        if at > facts.opened_at and _is_left(at, facts.reminded_through):
            yield CollectionEntry(due_at=at, action=CollectionAction.REMIND)


def _end_entries(facts: CollectionFacts) -> Iterable[CollectionEntry]:
    if facts.first_failed_at is not None and facts.exhausted_at is None:
        last = max(facts.dunning.retry_days, default=0)
        at = facts.first_failed_at + timedelta(days=last)
        yield CollectionEntry(due_at=at, action=CollectionAction.END)


def _is_left(at: datetime, through: datetime | None) -> bool:
    return through is None or at > through


def reminder_days_at(facts: CollectionFacts, at: datetime) -> int | None:
    """Of the reminders that are due by then and left, the last one's days after the due date."""
    due = [
        day
        for day in facts.reminder_days
        for when in [facts.due_at + timedelta(days=day)]
        if facts.opened_at < when <= at and _is_left(when, facts.reminded_through)
    ]
    return max(due, default=None)


def read_dunning(document: Mapping[str, object]) -> Dunning:
    """The settings that somebody wrote; what is left out is as it is without any.

    Raises InvalidInput, which names the field: days ascend from 1, at most 20 of them, none beyond
    a year.
    """
    unknown = sorted(document.keys() - {"retry_days", "then"})
    if unknown:
        raise _invalid(f"dunning.{unknown[0]}", "dunning has retry_days and then.")
    days = _read_days(
        document.get("retry_days", list(Dunning().retry_days)),
        between=(1, LAST_DAY),
        field="dunning.retry_days",
    )
    try:
        then = AfterRetries(str(document.get("then", AfterRetries.NONE)))
    except ValueError:
        words = ", ".join(AfterRetries)
        raise _invalid("dunning.then", f"then is one of {words}.") from None
    return Dunning(retry_days=days, then=then)


def read_reminder_days(days: Sequence[object]) -> tuple[int, ...]:
    """Days before and after the due date. Raises InvalidInput, as :func:`read_dunning`."""
    return _read_days(days, between=(EARLIEST_REMINDER, LATEST_REMINDER), field="reminder_days")


def _read_days(value: object, *, between: tuple[int, int], field: str) -> tuple[int, ...]:
    first, last = between
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_DAYS:
        raise _invalid(field, f"{field} is a list of at most {MOST_DAYS} days.")
    days = [day for day in value if isinstance(day, int) and not isinstance(day, bool)]
    if len(days) < len(value) or any(not first <= day <= last for day in days):
        raise _invalid(field, f"{field} are whole days from {first} to {last}.")
    if any(earlier >= later for earlier, later in pairwise(days)):
        raise _invalid(field, f"{field} ascend, each day once.")
    return tuple(days)


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, code="invalid_dunning", field=field)
