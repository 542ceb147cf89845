"""Subscriptions, their periods, pauses and recorded actions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal_column
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.rating.terms import VersionPolicy
from billing.subscriptions import PeriodStatus
from models.subscriptions.states import IS_LIVE, UNFINISHED
from models.subscriptions.subscriptions import (
    Subscription,
    SubscriptionPause,
    SubscriptionPeriod,
)
from repositories.asynchronous.prefetched import prefetchable
from repositories.row_keys import PeriodKey, SubscriptionKey, among


def find_subscription(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> Subscription | None:
    """The subscription, or None. Deleted ones are found by their workflow, so they are included."""
    return session.get(Subscription, (organization_id, subscription_id))


def lock_subscription(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> Subscription | None:
    """The subscription with its row locked: whatever happens to it happens one after the other.

    Its key is not locked, so that a step of a bill, which holds up arrivals and refers to the
    subscription, waits for nobody who holds this lock and waits for arrivals.
    """
    key = (organization_id, subscription_id)
    return lock_subscriptions(session, [key]).get(key)


def lock_subscriptions(
    session: Session, keys: Collection[SubscriptionKey]
) -> dict[SubscriptionKey, Subscription]:
    """Those of the subscriptions that there are, each locked as by :func:`lock_subscription`.

    They are locked in the order of their keys.
    """
    key = (col(Subscription.organization_id), col(Subscription.id))
    found = session.exec(
        select(Subscription)
        .where(among(keys, *key))
        .order_by(*key)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {(one.organization_id, one.id): one for one in found}


def lock_subscriptions_of(session: Session, organization_id: UUID, customer_id: UUID) -> None:
    """Every subscription of the customer is locked as by :func:`lock_subscription`, by id."""
    session.exec(
        select(Subscription.id)
        .where(
            Subscription.organization_id == organization_id,
            Subscription.customer_id == customer_id,
        )
        .order_by(col(Subscription.id))
        .with_for_update(key_share=True)
    ).all()


def list_of_customer(
    session: Session, organization_id: UUID, customer_id: UUID, *, limit: int
) -> Sequence[Subscription]:
    """Subscriptions of a customer that are not deleted: those that go on first, then the newest."""
    order = (col(Subscription.ended_at).desc().nulls_first(), col(Subscription.created_at).desc())
    found = _of_customer(organization_id, customer_id).order_by(*order, col(Subscription.id))
    return session.exec(found.limit(limit)).all()


def lock_of_customer(
    session: Session, organization_id: UUID, customer_id: UUID
) -> Sequence[Subscription]:
    """The subscriptions of a customer that are not deleted, locked in the order of their ids."""
    return session.exec(
        _of_customer(organization_id, customer_id)
        .order_by(col(Subscription.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def _of_customer(organization_id: UUID, customer_id: UUID) -> SelectOfScalar[Subscription]:
    return select(Subscription).where(
        Subscription.organization_id == organization_id,
        Subscription.customer_id == customer_id,
        col(Subscription.deleted_at).is_(None),
    )


def count_pending(session: Session, organization_id: UUID, customer_id: UUID) -> int:
    """How many subscriptions of a customer have a change to make before they are done."""
    return session.exec(
        select(func.count())
        .select_from(Subscription)
        .where(
            Subscription.organization_id == organization_id,
            Subscription.customer_id == customer_id,
            col(Subscription.pending_change).is_not(None),
        )
    ).one()


def list_pinned_behind(
    session: Session, organization_id: UUID, plan_id: UUID, *, version: int
) -> Sequence[Subscription]:
    """The live subscriptions that are pinned below a version, oldest first."""
    return session.exec(
        select(Subscription)
        .where(
            Subscription.organization_id == organization_id,
            Subscription.plan_id == plan_id,
            Subscription.version_policy == VersionPolicy.PINNED,
            col(Subscription.plan_version) < version,
            IS_LIVE,
        )
        .order_by(col(Subscription.created_at), col(Subscription.id))
    ).all()


def count_live_of_plan(session: Session, organization_id: UUID, plan_id: UUID) -> int:
    """How many live subscriptions are on a plan, or will change to it."""
    return session.exec(
        select(func.count())
        .select_from(Subscription)
        .where(
            Subscription.organization_id == organization_id,
            (col(Subscription.plan_id) == plan_id) | (col(Subscription.next_plan_id) == plan_id),
            IS_LIVE,
        )
    ).one()


def list_on_clock(
    session: Session, organization_id: UUID, test_clock_id: UUID
) -> Sequence[Subscription]:
    """Every subscription that lives on a test clock, deleted ones included."""
    return session.exec(
        select(Subscription).where(
            Subscription.organization_id == organization_id,
            Subscription.test_clock_id == test_clock_id,
        )
    ).all()


def find_period(
    session: Session, organization_id: UUID, subscription_id: UUID, index: int
) -> SubscriptionPeriod | None:
    """One period of a subscription, or None."""
    return session.get(SubscriptionPeriod, (organization_id, subscription_id, index))


def list_periods_by_key(
    session: Session, keys: Collection[PeriodKey]
) -> dict[PeriodKey, SubscriptionPeriod]:
    """Those of the periods that there are."""
    columns = (SubscriptionPeriod.organization_id, SubscriptionPeriod.subscription_id)
    found = session.exec(
        select(SubscriptionPeriod).where(
            among(keys, *map(col, columns), col(SubscriptionPeriod.index))
        )
    )
    return {(one.organization_id, one.subscription_id, one.index): one for one in found}


def find_open_period(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> SubscriptionPeriod | None:
    """The period that runs, or None."""
    return session.exec(
        _with_status(organization_id, subscription_id, PeriodStatus.OPEN).limit(1)
    ).first()


def find_closed_period(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> SubscriptionPeriod | None:
    """The first period that is over and has no draft, or None."""
    return session.exec(
        _with_status(organization_id, subscription_id, PeriodStatus.CLOSED).limit(1)
    ).first()


def count_closed_periods(
    session: Session, organization_id: UUID, subscription_id: UUID, *, limit: int
) -> int:
    """How many periods are over and have no draft, counted up to ``limit``."""
    closed = _with_status(organization_id, subscription_id, PeriodStatus.CLOSED).limit(limit)
    return session.exec(select(func.count()).select_from(closed.subquery())).one()


def _with_status(
    organization_id: UUID, subscription_id: UUID, status: PeriodStatus
) -> SelectOfScalar[SubscriptionPeriod]:
    # Written out, so that the index of what is unfinished is found to fit.
    is_so = col(SubscriptionPeriod.status) == literal_column(f"'{status}'")
    return _periods(organization_id, subscription_id, is_so)


def _periods(
    organization_id: UUID, subscription_id: UUID, *conditions: ColumnElement[bool]
) -> SelectOfScalar[SubscriptionPeriod]:
    return (
        select(SubscriptionPeriod)
        .where(
            SubscriptionPeriod.organization_id == organization_id,
            SubscriptionPeriod.subscription_id == subscription_id,
            *conditions,
        )
        .order_by(col(SubscriptionPeriod.index))
    )


def list_unfinished_periods(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> Sequence[SubscriptionPeriod]:
    """The periods that are open, or whose bill has no draft yet, in order."""
    is_unfinished = col(SubscriptionPeriod.status).in_(UNFINISHED)
    return session.exec(_periods(organization_id, subscription_id, is_unfinished)).all()


def list_periods(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> Sequence[SubscriptionPeriod]:
    """Every period of a subscription, in order."""
    return session.exec(_periods(organization_id, subscription_id)).all()


def list_parts(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    ended_after: datetime,
    before_index: int,
) -> Sequence[SubscriptionPeriod]:
    """The periods before one that ended after an instant, in order."""
    is_part = and_(
        col(SubscriptionPeriod.index) < before_index,
        col(SubscriptionPeriod.ends_at) > ended_after,
    )
    return session.exec(_periods(organization_id, subscription_id, is_part)).all()


@prefetchable
def list_pauses(
    session: Session, keys: Collection[SubscriptionKey]
) -> dict[SubscriptionKey, list[SubscriptionPause]]:
    """Every pause of each subscription, in order."""
    key = (col(SubscriptionPause.organization_id), col(SubscriptionPause.subscription_id))
    found: dict[SubscriptionKey, list[SubscriptionPause]] = {one: [] for one in keys}
    for pause in session.exec(
        select(SubscriptionPause)
        .where(among(keys, *key))
        .order_by(col(SubscriptionPause.starts_at))
    ):
        found[pause.organization_id, pause.subscription_id].append(pause)
    return found


def list_by_key(
    session: Session, keys: Collection[SubscriptionKey]
) -> dict[SubscriptionKey, Subscription]:
    """Those of the subscriptions that there are."""
    columns = (col(Subscription.organization_id), col(Subscription.id))
    found = session.exec(select(Subscription).where(among(keys, *columns)))
    return {(one.organization_id, one.id): one for one in found}
