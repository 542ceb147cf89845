"""Missed periods: closed and billed in order, a bounded number at a time (CONTRACT 20, 89).

A workflow does it one step after the other; a request that needs the bills does the same by the
same steps, and never more than ``AT_ONCE`` periods.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import BillingError, Conflict, Unavailable
from billing.periods import index_containing
from billing.subscriptions import SubscriptionStatus
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.invoicing import drafts, parking
from services.rating import records, steps
from services.rating.steps import BillKey
from services.subscriptions import periods, rolling
from services.subscriptions.start import anchor_of, cadence_of

AT_ONCE = 40
"""How many periods one request closes; beyond that the workflow goes on (CONTRACT 89)."""

IN_ONE_TRANSACTION = 8
"""How many it closes or bills before it commits, so that nothing is locked for long."""

EARLIER_STEPS: tuple[Callable[..., object], ...] = (
    steps.query_usage,
    steps.aggregate_usage,
    steps.price_usage,
    steps.enforce_limits,
)


def count_missed(session: Session, subscription: Subscription, *, to: datetime) -> int:
    """How many periods ended by ``to`` and have no draft, as far as today's cadence says."""
    undrafted = stored_subscriptions.count_closed_periods(
        session, subscription.organization_id, subscription.id, limit=AT_ONCE + 1
    )
    return undrafted + _count_unclosed(session, subscription, to=to)


def find_first_missed(session: Session, subscription: Subscription, *, to: datetime) -> int | None:
    """The index of the first period that ended by ``to`` and has no draft, or None."""
    closed = stored_subscriptions.find_closed_period(
        session, subscription.organization_id, subscription.id
    )
    if closed is not None:
        return closed.index
    if not _count_unclosed(session, subscription, to=to):
        return None
    running = periods.find_open_period(session, subscription)
    return 0 if running is None else running.index


def catch_up(
    session: Session,
    subscription: Subscription,
    *,
    to: datetime,
    at_most: int = AT_ONCE,
    now: datetime,
) -> int:
    """The life of the subscription has come closer to ``to``; how many periods were closed.

    A trial or a pause that is over has ended, and the periods that are over are closed, ``at_most``
    so many of them. Their bills are due.
    """
    organization_id, subscription_id = subscription.organization_id, subscription.id
    trial_end = subscription.trial_end_date
    if subscription.status == SubscriptionStatus.TRIAL and trial_end and trial_end <= to:
        periods.end_trial(session, organization_id, subscription_id, due_at=trial_end, now=now)
    resume_at = subscription.resume_at
    if resume_at is not None and resume_at <= to:
        periods.resume_due(session, organization_id, subscription_id, due_at=resume_at, now=now)
    for closed in range(at_most):
        if not rolling.close_next(session, subscription, to=to, now=now):
            return closed
    return at_most


def catch_up_partly(
    session: Session,
    subscription: Subscription,
    *,
    to: datetime,
    at_most: int = AT_ONCE,
    now: datetime,
) -> int:
    """As :func:`catch_up`, where no more is missed than one request closes, or Conflict."""
    missed = count_missed(session, subscription, to=to)
    if missed > AT_ONCE:
        raise still_catching_up(subscription, missed)
    return catch_up(session, subscription, to=to, at_most=at_most, now=now)


def still_catching_up(subscription: Subscription, missed: int) -> Conflict:
    """Why a subscription cannot change yet."""
    return Conflict(
        f"Subscription {subscription.id} is billing its missed periods, {missed} or more of"
        " them; repeat the request when they are billed.",
        code="catching_up",
        subscription_id=str(subscription.id),
    )


def has_caught_up(session: Session, subscription: Subscription, *, to: datetime) -> bool:
    """Whether no period that ended by ``to`` is still open."""
    running = periods.find_open_period(session, subscription)
    return running is None or running.ends_at > to


def advance_a_little(
    session: Session, subscription: Subscription, *, to: datetime, now: datetime
) -> int:
    """The next missed periods are closed or billed, in order; how many. None if none is missed."""
    for done in range(IN_ONE_TRANSACTION):
        closed = stored_subscriptions.find_closed_period(
            session, subscription.organization_id, subscription.id
        )
        if closed is not None:
            bill_or_park(session, subscription, closed, now=now)
        elif not rolling.close_next(session, subscription, to=to, now=now):
            return done
    return IN_ONE_TRANSACTION


def bill_closed(session: Session, subscription: Subscription, *, now: datetime) -> list[Invoice]:
    """Drafts of the closed periods, in order. A bill that a broken rule stops is set aside."""
    made = []
    while closed := stored_subscriptions.find_closed_period(
        session, subscription.organization_id, subscription.id
    ):
        invoice = bill_or_park(session, subscription, closed, now=now)
        if invoice is not None:
            made.append(invoice)
    return made


def bill_or_park(
    session: Session, subscription: Subscription, stored: SubscriptionPeriod, *, now: datetime
) -> Invoice | None:
    """The draft of a closed period, or the bill set aside as its workflow would do; None then."""
    begun: list[str] = []
    try:
        with session.begin_nested():
            return bill_period(session, stored, begun=begun, now=now)
    except Unavailable:
        raise
    except BillingError as error:
        records.forget_runs(session)
        parking.park_bill(
            session,
            subscription.organization_id,
            subscription.id,
            period_index=stored.index,
            step=begun[-1],
            reason=error.detail,
            at=stored.ends_at,
            now=now,
        )
        return None


def bill_period(
    session: Session,
    stored: SubscriptionPeriod,
    *,
    reissue_of: UUID | None = None,
    begun: list[str] | None = None,
    now: datetime,
) -> Invoice:
    """The draft of a closed period, made by the steps that its workflow would take.

    ``begun`` is told the name of each step.
    """
    names = [] if begun is None else begun
    bill = BillKey.of(stored)
    for perform in EARLIER_STEPS:
        names.append(perform.__name__)
        perform(session, [bill], now=now)
    names.append(drafts.issue_invoice.__name__)
    return drafts.issue_invoice(
        session, bill, due_at=stored.ends_at, now=now, reissue_of=reissue_of
    )


def _count_unclosed(session: Session, subscription: Subscription, *, to: datetime) -> int:
    anchor, cadence = anchor_of(subscription), cadence_of(subscription)
    if subscription.status == SubscriptionStatus.TRIAL:
        is_over = subscription.trial_end_date is not None and subscription.trial_end_date <= to
        return index_containing(anchor, cadence, to) if is_over else 0
    running = periods.find_open_period(session, subscription)
    if running is None or running.ends_at > to:
        return 0
    return max(1, index_containing(anchor, cadence, to) - running.ordinal)
