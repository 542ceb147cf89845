"""What contradicts the promise that every period of every subscription is billed once, on time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, text
from sqlmodel import Session, col, select

from billing.invoicing.invoices import InvoiceStatus
from billing.subscriptions import PeriodStatus, SubscriptionStatus
from billing.timeline import Happening
from models.invoicing.invoices import Invoice
from models.subscriptions.states import IS_NOT_OVER, UNDRAFTED, UNFINISHED
from models.subscriptions.subscriptions import OutboxMessage, Subscription, SubscriptionPeriod

RUNNING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE, SubscriptionStatus.PAUSED)

PROGRESS = (
    Happening.CREATED,
    Happening.TRIAL_ENDED,
    Happening.RESUMED,
    Happening.PERIOD_CLOSED,
    Happening.INVOICE_DRAFTED,
    Happening.NEEDS_ATTENTION,
)
"""What the timeline says of a subscription that is being closed and billed, period after period."""

LIST_PROGRESSING = text(
    """
    SELECT asked.id FROM unnest(CAST(:subscriptions AS uuid[])) AS asked(id)
    WHERE EXISTS (
        SELECT FROM subscription_action AS done
        WHERE done.organization_id = :organization_id AND done.subscription_id = asked.id
            AND done.action = ANY (:progress)
                AND done.recorded_at > :since AND done.recorded_at <= :now
    )
    """
)


def list_unfinished(session: Session, organization_id: UUID) -> Sequence[UUID]:
    """The subscriptions for which something is left to happen, so that each needs its workflow.

    What may still wait after the end, a difference or credit, has findings of its own whose repair
    starts a workflow or does without: ``late_usage_due`` and ``credit_due``.
    """
    has_period = exists().where(
        *_of_subscription(SubscriptionPeriod),
        col(SubscriptionPeriod.status).in_(UNFINISHED),
    )
    has_bill = exists().where(
        *_of_subscription(Invoice),
        or_(
            and_(
                col(Invoice.status) == InvoiceStatus.DRAFT,
                col(Invoice.scheduled_finalize_at).is_not(None),
            ),
            and_(col(Invoice.status) == InvoiceStatus.OPEN, col(Invoice.past_due_at).is_(None)),
        ),
    )
    return session.exec(
        select(Subscription.id)
        .where(
            Subscription.organization_id == organization_id,
            or_(
                IS_NOT_OVER,
                # A kept document is never the JSON null.
                col(Subscription.pending_change).is_not(None),
                has_period,
                has_bill,
            ),
        )
        .order_by(col(Subscription.id))
    ).all()


def list_woken_since(session: Session, organization_id: UUID, since: datetime) -> set[UUID]:
    """What workflows are about to be woken for, and subscriptions younger than ``since``."""
    messages = session.exec(
        select(OutboxMessage.payload).where(
            OutboxMessage.organization_id == organization_id,
        )
    ).all()
    young = session.exec(
        select(Subscription.id).where(
            Subscription.organization_id == organization_id, Subscription.created_at > since
        )
    ).all()
    woken = {one.get("subscription_id") or one.get("invoice_id") for one in messages}
    return {UUID(identifier) for identifier in woken if identifier} | set(young)


def list_progressing(
    session: Session,
    organization_id: UUID,
    subscription_ids: Collection[UUID],
    *,
    since: datetime,
    now: datetime,
) -> set[UUID]:
    """Those of the subscriptions for which something was done since then, so that somebody does it.

    Whoever catches up on years of missed periods is late with all of them but the last.
    """
    if not subscription_ids:
        return set()
    keys = {
        "organization_id": organization_id,
        "subscriptions": list(subscription_ids),  # one array, however many they are
        "progress": list(PROGRESS),
        "since": since,
        "now": now,
    }
    return set(session.execute(LIST_PROGRESSING, keys).scalars())


def list_gaps(session: Session, organization_id: UUID) -> Sequence[tuple[UUID, int]]:
    """Periods that do not start where the one before them ends, as subscription and index.

    The first is to start at the trial's end, else with the subscription: where periods were counted
    from until the cycle was restarted.
    """
    numbered = (
        select(
            SubscriptionPeriod.subscription_id,
            SubscriptionPeriod.index,
            SubscriptionPeriod.starts_at,
            func.coalesce(
                func.lag(SubscriptionPeriod.ends_at).over(
                    partition_by=col(SubscriptionPeriod.subscription_id),
                    order_by=col(SubscriptionPeriod.index),
                ),
                Subscription.trial_end_date,
                Subscription.start_date,
            ).label("expected_start"),
        )
        .join(Subscription, _same_subscription(SubscriptionPeriod))
        .where(SubscriptionPeriod.organization_id == organization_id)
        .subquery()
    )
    return session.execute(
        select(numbered.c.subscription_id, numbered.c.index).where(
            numbered.c.expected_start != numbered.c.starts_at
        )
    ).all()


def list_short_tilings(session: Session, organization_id: UUID) -> Sequence[tuple[UUID, int]]:
    """Running subscriptions whose last period does not end where their current one does.

    As subscription and index of the last period. A trial has no periods yet.
    """
    last = (
        select(
            SubscriptionPeriod.subscription_id,
            func.max(SubscriptionPeriod.index).label("index"),
            func.max(SubscriptionPeriod.ends_at).label("ends_at"),
        )
        .where(SubscriptionPeriod.organization_id == organization_id)
        .group_by(col(SubscriptionPeriod.subscription_id))
        .subquery()
    )
    return session.execute(
        select(last.c.subscription_id, last.c.index)
        .join(Subscription, col(Subscription.id) == last.c.subscription_id)
        .where(
            Subscription.organization_id == organization_id,
            col(Subscription.status).in_(RUNNING),
            last.c.ends_at != Subscription.current_period_end,
        )
    ).all()


def list_without_period(session: Session, organization_id: UUID) -> Sequence[UUID]:
    """Subscriptions that run although no period of theirs does."""
    runs = exists().where(
        *_of_subscription(SubscriptionPeriod),
        col(SubscriptionPeriod.closed_at).is_(None),
    )
    return session.exec(
        select(Subscription.id).where(
            Subscription.organization_id == organization_id,
            col(Subscription.status).in_(RUNNING),
            ~runs,
        )
    ).all()


def list_overdue_periods(
    session: Session, organization_id: UUID, *, before: datetime
) -> Sequence[tuple[UUID, int]]:
    """Periods on the wall clock that ended before that and have no draft.

    As subscription and index. A test clock shows for itself that it has not arrived.
    """
    return session.execute(
        select(SubscriptionPeriod.subscription_id, SubscriptionPeriod.index)
        .join(Subscription, _same_subscription(SubscriptionPeriod))
        .where(
            SubscriptionPeriod.organization_id == organization_id,
            col(SubscriptionPeriod.status).in_(UNDRAFTED),
            col(Subscription.test_clock_id).is_(None),
            SubscriptionPeriod.ends_at < before,
        )
        .order_by(col(SubscriptionPeriod.subscription_id), col(SubscriptionPeriod.index))
    ).all()


def list_stuck_drafts(
    session: Session, organization_id: UUID, *, before: datetime
) -> Sequence[tuple[UUID, UUID]]:
    """Drafts on the wall clock whose grace ended before that, as subscription and invoice.

    Parked ones are left out.
    """
    is_parked = exists().where(
        *_of_subscription(SubscriptionPeriod),
        col(SubscriptionPeriod.index) == col(Invoice.period_index),
        col(SubscriptionPeriod.status) == PeriodStatus.PARKED,
    )
    return session.execute(
        select(Invoice.subscription_id, Invoice.id)
        .join(Subscription, _same_subscription(Invoice))
        .where(
            Invoice.organization_id == organization_id,
            Invoice.status == InvoiceStatus.DRAFT,
            col(Invoice.scheduled_finalize_at).is_not(None),
            col(Subscription.test_clock_id).is_(None),
            col(Invoice.scheduled_finalize_at) < before,
            ~is_parked,
        )
        .order_by(col(Invoice.id))
    ).all()


def list_unbilled(
    session: Session, organization_id: UUID
) -> Sequence[tuple[SubscriptionPeriod, UUID]]:
    """Periods whose draft was deleted, so that nobody bills them unless somebody asks for it.

    With the customer of each.
    """
    return session.exec(
        select(SubscriptionPeriod, Subscription.customer_id)
        .join(Subscription, _same_subscription(SubscriptionPeriod))
        .where(
            SubscriptionPeriod.organization_id == organization_id,
            SubscriptionPeriod.status == PeriodStatus.UNBILLED,
        )
        .order_by(col(SubscriptionPeriod.subscription_id), col(SubscriptionPeriod.index))
    ).all()


def list_parked(session: Session, organization_id: UUID) -> Sequence[SubscriptionPeriod]:
    """Periods whose bill waits for people."""
    return session.exec(
        select(SubscriptionPeriod)
        .where(
            SubscriptionPeriod.organization_id == organization_id,
            SubscriptionPeriod.status == PeriodStatus.PARKED,
        )
        .order_by(col(SubscriptionPeriod.subscription_id), col(SubscriptionPeriod.index))
    ).all()


def count_old_messages(session: Session, organization_id: UUID, *, before: datetime) -> int:
    """How many messages have waited in the outbox since before that instant."""
    return session.exec(
        select(func.count())
        .select_from(OutboxMessage)
        .where(
            OutboxMessage.organization_id == organization_id,
            OutboxMessage.created_at < before,
        )
    ).one()


def _of_subscription(
    table: type[SubscriptionPeriod | Invoice],
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        col(table.organization_id) == col(Subscription.organization_id),
        col(table.subscription_id) == col(Subscription.id),
    )


def _same_subscription(table: type[SubscriptionPeriod | Invoice]) -> ColumnElement[bool]:
    return and_(*_of_subscription(table))
