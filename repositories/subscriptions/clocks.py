"""Test clocks, and how far the subscriptions on them have come."""

from __future__ import annotations

from collections.abc import Sequence
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
    session: Session, organization_id: UUID, test_clock_ids: Sequence[UUID]
) -> dict[UUID, tuple[int, int]]:
    """How many workflows on each clock that advances have reported its target, and of how many.

    Those of subscriptions, and those that collect invoices. A clock without either is not named.
    """
    counted: dict[UUID, tuple[int, int]] = {}
    for table, conditions in (
        (Subscription, ()),
        (Collection, (Collection.status == CollectionStatus.ACTIVE,)),
    ):
        has_come = col(table.completed_through) >= col(TestClock.target_time)
        found = session.exec(
            select(TestClock.id, func.count().filter(has_come), func.count())
            .join(
                table,
                (col(table.organization_id) == TestClock.organization_id)
                & (col(table.test_clock_id) == TestClock.id),
            )
            .where(
                TestClock.organization_id == organization_id,
                col(TestClock.id).in_(test_clock_ids),
                col(TestClock.target_time).is_not(None),
                *conditions,
            )
            .group_by(col(TestClock.id))
        )
        for clock_id, arrived, of in found:
            before = counted.get(clock_id, (0, 0))
            counted[clock_id] = before[0] + arrived, before[1] + of
    return counted


def count_parked(
    session: Session, organization_id: UUID, test_clock_ids: Sequence[UUID]
) -> dict[UUID, int]:
    """How many bills of each clock's subscriptions wait for people; none of a clock not named."""
    found = session.exec(
        select(Subscription.test_clock_id, func.count())
        .join(
            SubscriptionPeriod,
            (col(SubscriptionPeriod.organization_id) == Subscription.organization_id)
            & (col(SubscriptionPeriod.subscription_id) == Subscription.id),
        )
        .where(
            Subscription.organization_id == organization_id,
            col(Subscription.test_clock_id).in_(test_clock_ids),
            SubscriptionPeriod.status == PeriodStatus.PARKED,
        )
        .group_by(col(Subscription.test_clock_id))
    )
    return {clock_id: parked for clock_id, parked in found if clock_id is not None}
