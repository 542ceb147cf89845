"""Test clocks, and how far the subscriptions on them have come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from billing.payments.dunning import CollectionStatus
from billing.subscriptions import PeriodStatus
from models.payments.collections import Collection
from models.subscriptions.clocks import TestClock
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.pages import read_page


def find_clock(session: Session, organization_id: UUID, test_clock_id: UUID) -> TestClock | None:
    """The clock, or None."""
    return session.get(TestClock, (organization_id, test_clock_id))


def lock_clock(
    session: Session, organization_id: UUID, test_clock_id: UUID, *, share: bool = False
) -> TestClock | None:
    """The clock with its row locked: it neither advances nor settles meanwhile."""
    return session.exec(
        select(TestClock)
        .where(TestClock.organization_id == organization_id, TestClock.id == test_clock_id)
        .with_for_update(read=share)
        .execution_options(populate_existing=True)
    ).one_or_none()


def list_clocks(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[TestClock], int]:
    """A page of clocks that are not deleted, oldest first, and how many there are."""
    matching = select(TestClock).where(
        TestClock.organization_id == organization_id, col(TestClock.deleted_at).is_(None)
    )
    return read_page(session, matching, offset=offset, limit=limit)


def count_arrived(
    session: Session, organization_id: UUID, test_clock_id: UUID, target: datetime
) -> tuple[int, int]:
    """How many workflows on the clock have reported that they reached ``target``, and of how many.

    Those of subscriptions, and those that collect invoices.
    """
    arrived = of = 0
    for table, conditions in (
        (Subscription, ()),
        (Collection, (Collection.status == CollectionStatus.ACTIVE,)),
    ):
        has_come = col(table.completed_through) >= target
        found = session.exec(
            select(func.count().filter(has_come), func.count()).where(
                table.organization_id == organization_id,
                table.test_clock_id == test_clock_id,
                *conditions,
            )
        ).one()
        arrived, of = arrived + found[0], of + found[1]
    return arrived, of


def count_parked(session: Session, organization_id: UUID, test_clock_id: UUID) -> int:
    """How many bills of the clock's subscriptions wait for people."""
    return session.exec(
        select(func.count())
        .select_from(SubscriptionPeriod)
        .join(
            Subscription,
            (col(Subscription.organization_id) == SubscriptionPeriod.organization_id)
            & (col(Subscription.id) == SubscriptionPeriod.subscription_id),
        )
        .where(
            Subscription.organization_id == organization_id,
            Subscription.test_clock_id == test_clock_id,
            SubscriptionPeriod.status == PeriodStatus.PARKED,
        )
    ).one()
