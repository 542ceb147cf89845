"""What contradicts the promise that every period of every subscription is billed once, on time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, exists, func, or_
from sqlmodel import Session, col, select

from models.invoices import Invoice
from models.subscriptions import OutboxMessage, Subscription, SubscriptionPeriod
from models.test_clocks import TestClock

UNBILLED = ("open", "closed")


def list_owned(session: Session, organization_id: UUID) -> Sequence[UUID]:
    """The subscriptions for which something is left to happen, so that each needs its owner."""
    has_period = exists().where(
        *_of_subscription(SubscriptionPeriod),
        col(SubscriptionPeriod.status).in_((*UNBILLED, "parked")),
    )
    has_bill = exists().where(
        *_of_subscription(Invoice),
        or_(
            and_(col(Invoice.status) == "DRAFT", col(Invoice.scheduled_finalize_at).is_not(None)),
            and_(col(Invoice.status) == "OPEN", col(Invoice.past_due_at).is_(None)),
        ),
    )
    return session.exec(
        select(Subscription.id)
        .where(
            Subscription.organization_id == organization_id,
            or_(col(Subscription.status) != "CANCELED", has_period, has_bill),
        )
        .order_by(col(Subscription.id))
    ).all()


def list_told_since(session: Session, organization_id: UUID, since: datetime) -> set[UUID]:
    """The subscriptions whose owners are about to hear something, or are younger than ``since``."""
    messages = session.exec(
        select(OutboxMessage.payload).where(
            OutboxMessage.organization_id == organization_id,
            col(OutboxMessage.delivered_at).is_(None),
        )
    ).all()
    young = session.exec(
        select(Subscription.id).where(
            Subscription.organization_id == organization_id, Subscription.created_at > since
        )
    ).all()
    told = {message.get("subscription_id") for message in messages}
    return {UUID(identifier) for identifier in told if identifier} | set(young)


def list_gaps(session: Session, organization_id: UUID) -> Sequence[tuple[UUID, int]]:
    """Periods that do not touch the one before them, as subscription and index."""
    numbered = (
        select(
            SubscriptionPeriod.subscription_id,
            SubscriptionPeriod.index,
            SubscriptionPeriod.starts_at,
            func.lag(SubscriptionPeriod.ends_at)
            .over(
                partition_by=col(SubscriptionPeriod.subscription_id),
                order_by=col(SubscriptionPeriod.index),
            )
            .label("former_end"),
        )
        .where(SubscriptionPeriod.organization_id == organization_id)
        .subquery()
    )
    return session.execute(
        select(numbered.c.subscription_id, numbered.c.index).where(
            numbered.c.former_end.is_not(None), numbered.c.former_end != numbered.c.starts_at
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
            col(Subscription.status).in_(("ACTIVE", "PAST_DUE", "PAUSED")),
            ~runs,
        )
    ).all()


def list_overdue_periods(
    session: Session, organization_id: UUID, *, before: datetime
) -> Sequence[tuple[UUID, int]]:
    """Periods that ended long ago and have no draft, as subscription and index.

    On a test clock that stands still every period that has ended is overdue.
    """
    return session.execute(
        select(SubscriptionPeriod.subscription_id, SubscriptionPeriod.index)
        .join(Subscription, _same_subscription(SubscriptionPeriod))
        .join(TestClock, _same_clock(), isouter=True)
        .where(
            SubscriptionPeriod.organization_id == organization_id,
            col(SubscriptionPeriod.status).in_(UNBILLED),
            _was_due(col(SubscriptionPeriod.ends_at), before),
        )
        .order_by(col(SubscriptionPeriod.subscription_id), col(SubscriptionPeriod.index))
    ).all()


def list_stuck_drafts(
    session: Session, organization_id: UUID, *, before: datetime
) -> Sequence[tuple[UUID, UUID]]:
    """Drafts whose grace ended long ago, as subscription and invoice; parked ones are left out."""
    is_parked = exists().where(
        *_of_subscription(SubscriptionPeriod),
        col(SubscriptionPeriod.index) == col(Invoice.period_index),
        col(SubscriptionPeriod.status) == "parked",
    )
    return session.execute(
        select(Invoice.subscription_id, Invoice.id)
        .join(Subscription, _same_subscription(Invoice))
        .join(TestClock, _same_clock(), isouter=True)
        .where(
            Invoice.organization_id == organization_id,
            Invoice.status == "DRAFT",
            col(Invoice.scheduled_finalize_at).is_not(None),
            _was_due(col(Invoice.scheduled_finalize_at), before),
            ~is_parked,
        )
        .order_by(col(Invoice.id))
    ).all()


def list_parked(session: Session, organization_id: UUID) -> Sequence[SubscriptionPeriod]:
    """Periods whose bill waits for people."""
    return session.exec(
        select(SubscriptionPeriod)
        .where(
            SubscriptionPeriod.organization_id == organization_id,
            SubscriptionPeriod.status == "parked",
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
            col(OutboxMessage.delivered_at).is_(None),
            OutboxMessage.created_at < before,
        )
    ).one()


def _was_due(instant: SQLColumnExpression[Any], before: datetime) -> ColumnElement[bool]:
    on_wall = and_(col(Subscription.test_clock_id).is_(None), instant < before)
    on_clock = and_(col(TestClock.target_time).is_(None), instant <= TestClock.frozen_time)
    return or_(on_wall, on_clock)


def _of_subscription(
    table: type[SubscriptionPeriod | Invoice],
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        col(table.organization_id) == col(Subscription.organization_id),
        col(table.subscription_id) == col(Subscription.id),
    )


def _same_subscription(table: type[SubscriptionPeriod | Invoice]) -> ColumnElement[bool]:
    return and_(*_of_subscription(table))


def _same_clock() -> ColumnElement[bool]:
    return and_(
        col(TestClock.organization_id) == col(Subscription.organization_id),
        col(TestClock.id) == col(Subscription.test_clock_id),
    )
