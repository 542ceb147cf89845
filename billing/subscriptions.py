"""The life of a subscription: its states, and the agenda of what is due next, and when.

The agenda is never stored. It is computed from the facts, so whoever holds the facts can rebuild
it, and a message to the workflow needs to say no more than "the facts changed".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from billing.errors import InvalidTransition


class SubscriptionStatus(StrEnum):
    """The states of a subscription (CONTRACT 4.4)."""

    TRIAL = "TRIAL"
    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"
    PAUSED = "PAUSED"
    CANCELED = "CANCELED"


_ARROWS: dict[SubscriptionStatus, frozenset[SubscriptionStatus]] = {
    SubscriptionStatus.TRIAL: frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.CANCELED}),
    SubscriptionStatus.ACTIVE: frozenset(
        {SubscriptionStatus.PAST_DUE, SubscriptionStatus.PAUSED, SubscriptionStatus.CANCELED}
    ),
    SubscriptionStatus.PAST_DUE: frozenset(
        {SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED, SubscriptionStatus.CANCELED}
    ),
    SubscriptionStatus.PAUSED: frozenset(
        {SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE, SubscriptionStatus.CANCELED}
    ),
    SubscriptionStatus.CANCELED: frozenset(),
}


def require_transition(present: SubscriptionStatus, target: SubscriptionStatus) -> None:
    """Return if the state machine has the arrow.

    Raises InvalidTransition naming both states otherwise. Source: CONTRACT 4.4, 22, 24.
    """
    if target not in _ARROWS[present]:
        raise InvalidTransition(f"A subscription that is {present} cannot become {target}.")


def has_ended(status: str) -> bool:
    """Whether a subscription in this state has come to its end, which it never leaves.

    ``models.subscriptions.states.HAS_ENDED`` says the same in statements. Source: CONTRACT 4.4.
    """
    return status == SubscriptionStatus.CANCELED


def is_live(status: str, deleted_at: datetime | None) -> bool:
    """Whether a subscription grants features, charges its meters and follows edits of its plan.

    It has not ended and is not deleted: ``models.subscriptions.states.LIVE`` in statements.
    """
    return deleted_at is None and not has_ended(status)


class PeriodStatus(StrEnum):
    """How far the bill of a period has come (CONTRACT 94).

    ``UNBILLED``: its draft was deleted. ``VOID``: its invoice was. Both can be billed again.
    """

    OPEN = "open"
    CLOSED = "closed"
    DRAFTED = "drafted"
    FINAL = "final"
    PARKED = "parked"
    SKIPPED = "skipped"
    UNBILLED = "unbilled"
    VOID = "void"


_PERIOD_ARROWS: dict[PeriodStatus, frozenset[PeriodStatus]] = {
    PeriodStatus.OPEN: frozenset({PeriodStatus.CLOSED, PeriodStatus.PARKED, PeriodStatus.SKIPPED}),
    PeriodStatus.CLOSED: frozenset(
        {PeriodStatus.DRAFTED, PeriodStatus.PARKED, PeriodStatus.SKIPPED}
    ),
    PeriodStatus.DRAFTED: frozenset(
        {PeriodStatus.FINAL, PeriodStatus.PARKED, PeriodStatus.UNBILLED, PeriodStatus.VOID}
    ),
    PeriodStatus.FINAL: frozenset({PeriodStatus.PARKED, PeriodStatus.VOID}),
    PeriodStatus.PARKED: frozenset(
        {
            PeriodStatus.OPEN,
            PeriodStatus.CLOSED,
            PeriodStatus.DRAFTED,
            PeriodStatus.FINAL,
            PeriodStatus.SKIPPED,
            PeriodStatus.UNBILLED,
            PeriodStatus.VOID,
        }
    ),
    PeriodStatus.SKIPPED: frozenset(),
    PeriodStatus.UNBILLED: frozenset({PeriodStatus.CLOSED}),
    PeriodStatus.VOID: frozenset({PeriodStatus.CLOSED}),
}


def change_period_status(present: str, target: PeriodStatus) -> PeriodStatus:
    """The target, if the state machine has the arrow, else InvalidTransition names both states.

    A deleted draft and a void invoice leave their period to be closed, and so billed, once more.
    """
    if target not in _PERIOD_ARROWS[PeriodStatus(present)]:
        raise InvalidTransition(f"The bill of a period that is {present} cannot become {target}.")
    return target


class Action(StrEnum):
    """What a workflow does by itself. The order here settles ties at one instant."""

    END_TRIAL = "end_trial"
    RESUME = "resume"
    CLOSE_PERIOD = "close_period"
    BILL_PERIOD = "bill_period"
    APPLY_CHANGE = "apply_change"
    FINALIZE_INVOICE = "finalize_invoice"
    PAYMENT_DUE = "payment_due"
    SETTLE_LATE_USAGE = "settle_late_usage"
    RETURN_CREDIT = "return_credit"
    GRANT_CREDIT = "grant_credit"


_RANK = {action: rank for rank, action in enumerate(Action)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaEntry:
    """One dated action, with the period or the invoice that it is about, if it is about one."""

    due_at: datetime
    action: Action
    period_index: int | None = None
    invoice_id: str | None = None
    revision: int = 1

    @property
    def order(self) -> tuple[datetime, int, int, str]:
        """Entries are performed in this order: by instant, then kind, period and invoice."""
        period = -1 if self.period_index is None else self.period_index
        return (self.due_at, _RANK[self.action], period, self.invoice_id or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodFacts:
    """A stored period whose bill is not final yet."""

    index: int
    ends_at: datetime
    status: PeriodStatus
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BillFacts:
    """An invoice that still waits for something to happen by itself."""

    invoice_id: str
    period_index: int | None = None
    finalize_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFacts:
    """What the agenda of one subscription is computed from."""

    status: SubscriptionStatus
    trial_ends_at: datetime | None = None
    resumes_at: datetime | None = None
    change_due_at: datetime | None = None
    late_usage_due_at: datetime | None = None
    late_usage_period_index: int | None = None
    credit_returns_at: datetime | None = None
    credit_recurs_at: datetime | None = None
    periods: tuple[PeriodFacts, ...] = ()
    bills: tuple[BillFacts, ...] = ()


def agenda_of(facts: SubscriptionFacts) -> tuple[AgendaEntry, ...]:
    """Everything that will happen by itself, in the order in which it is to be performed.

    A closed period without a draft is due since its end, so a bill that was interrupted comes first
    when its workflow returns. Parked bills are left out, as they wait for people. What is left to
    do is defined here; `repositories/subscriptions/agenda_facts.py` reads the beginning of it and
    `repositories/operations/coverage.py` whether there is any, and a property test compares them.
    """
    parked = {one.index for one in facts.periods if one.status is PeriodStatus.PARKED}
    waiting = [bill for bill in facts.bills if bill.period_index not in parked]
    entries = [*_life_entries(facts), *_period_entries(facts.periods), *_bill_entries(waiting)]
    return tuple(sorted(entries, key=lambda entry: entry.order))


def _life_entries(facts: SubscriptionFacts) -> Iterable[AgendaEntry]:
    if facts.status is SubscriptionStatus.TRIAL and facts.trial_ends_at is not None:
        yield AgendaEntry(due_at=facts.trial_ends_at, action=Action.END_TRIAL)
    if facts.status is SubscriptionStatus.PAUSED and facts.resumes_at is not None:
        yield AgendaEntry(due_at=facts.resumes_at, action=Action.RESUME)
    if facts.change_due_at is not None:
        yield AgendaEntry(due_at=facts.change_due_at, action=Action.APPLY_CHANGE)
    if facts.late_usage_due_at is not None:
        # It names a period, so that a broken rule sets that one aside and stops nothing else.
        yield AgendaEntry(
            due_at=facts.late_usage_due_at,
            action=Action.SETTLE_LATE_USAGE,
            period_index=facts.late_usage_period_index,
        )
    if facts.credit_returns_at is not None:
        yield AgendaEntry(due_at=facts.credit_returns_at, action=Action.RETURN_CREDIT)
    if facts.credit_recurs_at is not None and not has_ended(facts.status):
        yield AgendaEntry(due_at=facts.credit_recurs_at, action=Action.GRANT_CREDIT)


def _period_entries(periods: Iterable[PeriodFacts]) -> Iterable[AgendaEntry]:
    actions = {
        PeriodStatus.OPEN: Action.CLOSE_PERIOD,
        PeriodStatus.CLOSED: Action.BILL_PERIOD,
    }
    for period in periods:
        if action := actions.get(period.status):
            yield AgendaEntry(
                due_at=period.ends_at,
                action=action,
                period_index=period.index,
                revision=period.revision,
            )


def _bill_entries(bills: Iterable[BillFacts]) -> Iterable[AgendaEntry]:
    for bill in bills:
        if bill.finalize_at is not None:
            yield AgendaEntry(
                due_at=bill.finalize_at,
                action=Action.FINALIZE_INVOICE,
                period_index=bill.period_index,
                invoice_id=bill.invoice_id,
            )
        if bill.due_at is not None:
            yield AgendaEntry(
                due_at=bill.due_at,
                action=Action.PAYMENT_DUE,
                period_index=bill.period_index,
                invoice_id=bill.invoice_id,
            )


NEXT_ENTRIES = 20
"""How much of an agenda a workflow carries; what comes later is read in its time (CONTRACT 88)."""

MOST_COUNTED = 100
"""Where counting stops: this many stands for at least as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCounts:
    """How many bills wait for drafts, grace, payment and people, none beyond ``MOST_COUNTED``."""

    undrafted: int = 0
    in_grace: int = 0
    unpaid: int = 0
    parked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowState:
    """What a workflow needs to know of its subscription: the agenda and what its search shows.

    It stays small however much waits: the agenda holds the next ``NEXT_ENTRIES`` entries, of all
    payments that are waited for the earliest, and ``attention`` a few texts (CONTRACT 88).
    ``clock_at`` is the test clock's present, None on the wall clock; ``is_behind`` says that it
    waits for this workflow to report, ``waits_for`` which invoice is collected first on it.
    ``read_at`` is when its worker had read the rows, ``cancels_at`` when a cancellation that is
    still to come ends it. Older states lack what is last.
    """

    agenda: tuple[AgendaEntry, ...]
    status: str
    customer_id: str
    plan_code: str
    clock_at: datetime | None = None
    is_behind: bool = False
    period_index: int | None = None
    period_ends_at: datetime | None = None
    last_invoice: str | None = None
    attention: tuple[str, ...] = ()
    is_over: bool = False
    counts: WaitingCounts | None = None
    read_at: datetime | None = field(default=None, compare=False)
    waits_for: str | None = None
    cancels_at: datetime | None = None
