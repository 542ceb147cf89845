"""What time it is for a customer: the wall's, or that of the test clock they live on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.date_limits import EARLIEST_CLOCK, LATEST_CLOCK, require_between
from billing.errors import Conflict, InvalidInput
from billing.quotas import Quota
from models.base import new_id
from models.subscriptions.clocks import TestClock
from models.subscriptions.subscriptions import Subscription
from repositories import customers as stored_customers
from repositories.accounts import organizations as stored_organizations
from repositories.credits import top_ups as stored_top_ups
from repositories.notifications import alerts as stored_alerts
from repositories.payments import collections as stored_collections
from repositories.subscriptions import clocks as stored_clocks
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.audit_log import record
from services.quotas import require_room
from services.required import not_found, require_clock
from services.subscriptions import agenda, turns

NOBODY: Final = (0, 0)
"""How many have come along, and of how many, where nobody lives by a clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """A test clock as its customers see it.

    While it advances ``arrived`` is how many of its workflows have come along, and of how many.
    """

    id: UUID
    name: str
    frozen_time: datetime
    is_advancing: bool
    needs_attention: int
    arrived: tuple[int, int] | None = None


def present_of(
    session: Session, organization_id: UUID, test_clock_id: UUID | None, *, now: datetime
) -> datetime:
    """The present of a customer: ``now``, or the clock's time, its target while it advances.

    Source: CONTRACT 73.
    """
    if test_clock_id is None:
        return now
    clock = _get_clock(session, organization_id, test_clock_id)
    return clock.target_time or clock.frozen_time


def standing_of(
    session: Session, organization_id: UUID, test_clock_id: UUID | None, *, now: datetime
) -> datetime:
    """Up to when all that is due to a customer has come: ``now``, or where the clock last stood.

    What an advancing clock has passed since then is due to workflows, each at its own instant.
    """
    if test_clock_id is None:
        return now
    return _get_clock(session, organization_id, test_clock_id).frozen_time


def acting_instant(
    session: Session, subscription: Subscription, due_at: datetime, *, now: datetime
) -> datetime:
    """The instant at which a due action of a workflow happens.

    On the wall clock that is ``now``. On a test clock every action happens at its own due instant,
    so that one big jump equals many small ones; what was overdue when the clock last stood still
    happens there (CONTRACT 49 and 76).
    """
    organization_id, test_clock_id = subscription.organization_id, subscription.test_clock_id
    stood = standing_of(session, organization_id, test_clock_id, now=now)
    return stood if test_clock_id is None else max(due_at, stood)


def require_still(session: Session, organization_id: UUID, test_clock_id: UUID | None) -> None:
    """Return if the customer's clock stands still, and keep it so until the transaction ends.

    Raises Conflict while it advances (CONTRACT 73).
    """
    if test_clock_id is None:
        return
    clock = require_clock(
        stored_clocks.lock_clock(session, organization_id, test_clock_id, share=True),
        may_be_deleted=True,
    )
    if clock.target_time is not None:
        raise Conflict(
            f"The test clock advances to {clock.target_time.isoformat()}; wait until it is ready.",
            code="test_clock_advancing",
        )


def create_clock(
    session: Session, organization_id: UUID, name: str, frozen_time: datetime, *, now: datetime
) -> ClockReading:
    """A new test clock that stands at ``frozen_time``.

    Raises Conflict ``use_sandbox`` in an organization that has a sandbox (CONTRACT 102), and
    ``quota_reached``.
    """
    require_between(frozen_time, EARLIEST_CLOCK, LATEST_CLOCK, field="frozen_time")
    organization = stored_organizations.lock_organization(session, organization_id)
    if organization.sandbox_id is not None:
        raise Conflict(
            "New test clocks are made in the sandbox of the organization.",
            code="use_sandbox",
            sandbox_id=str(organization.sandbox_id),
        )
    require_room(session, organization_id, Quota.TEST_CLOCKS)
    clock = TestClock(
        organization_id=organization_id,
        id=new_id(),
        name=name,
        frozen_time=frozen_time,
        created_at=now,
    )
    session.add(clock)
    session.flush()
    record(session, organization_id, "test_clock.created", "test_clock", clock.id, now=now)
    return _read(session, clock)


def get_clock(session: Session, organization_id: UUID, test_clock_id: UUID) -> ClockReading:
    """The clock; it advances until the rows of all its subscriptions say they have come along."""
    clock = _get_clock(session, organization_id, test_clock_id)
    if clock.deleted_at is not None:
        raise not_found("Test clock")
    return _read(session, clock)


def list_clocks(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[list[ClockReading], int]:
    """A page of test clocks, oldest first, and how many there are."""
    clocks, total = stored_clocks.list_clocks(session, organization_id, offset=offset, limit=limit)
    return _read_all(session, organization_id, clocks), total


def advance_clock(
    session: Session,
    organization_id: UUID,
    test_clock_id: UUID,
    frozen_time: datetime,
    *,
    now: datetime,
) -> ClockReading:
    """Send a clock to a later instant; its workflows are woken and do all that is due by then.

    Raises Conflict while it still advances, InvalidInput for an instant before its own.
    """
    clock = require_clock(stored_clocks.lock_clock(session, organization_id, test_clock_id))
    if clock.target_time is not None:
        raise Conflict("The test clock is still advancing.", code="test_clock_advancing")
    if frozen_time < clock.frozen_time:
        raise InvalidInput(
            f"A test clock does not go back: it shows {clock.frozen_time.isoformat()}.",
            code="test_clock_goes_back",
            field="frozen_time",
        )
    require_between(frozen_time, clock.frozen_time, LATEST_CLOCK, field="frozen_time")
    clock.target_time = frozen_time
    session.add(clock)
    session.flush()
    for subscription in stored_subscriptions.list_on_clock(session, organization_id, clock.id):
        if agenda.is_at_rest(session, subscription):
            subscription.completed_through = frozen_time
            session.add(subscription)
        else:
            agenda.wake_workflow(session, subscription, now=now)
    collected = stored_collections.list_on_clock(session, organization_id, clock.id)
    turns.wake_collections(session, [(organization_id, one) for one in collected], now=now)
    session.flush()
    settle_clock(session, organization_id, clock.id)
    record(
        session,
        organization_id,
        "test_clock.advanced",
        "test_clock",
        clock.id,
        after={"frozen_time": frozen_time.isoformat()},
        now=now,
    )
    return _read(session, clock)


def delete_clock(
    session: Session, organization_id: UUID, test_clock_id: UUID, *, now: datetime
) -> None:
    """End a clock together with its customers and their subscriptions (CONTRACT 49).

    Nothing is billed by it: what the clock never reached never happened.
    """
    clock = require_clock(stored_clocks.lock_clock(session, organization_id, test_clock_id))
    clock.deleted_at = now
    clock.frozen_time = clock.target_time or clock.frozen_time
    clock.target_time = None
    session.add(clock)
    for subscription in stored_subscriptions.list_on_clock(session, organization_id, clock.id):
        agenda.discard(session, subscription, at=clock.frozen_time, now=now)
    stored_collections.end_on_clock(session, organization_id, clock.id, at=clock.frozen_time)
    stored_customers.soft_delete_on_clock(session, organization_id, clock.id, now=now)
    record(session, organization_id, "test_clock.deleted", "test_clock", clock.id, now=now)


def record_progress(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    through: datetime,
) -> None:
    """The workflow has done all that was due up to ``through``; the last to say so stops the clock.

    Idempotent by the instant: it never moves back.
    """
    subscription = stored_subscriptions.lock_subscription(session, organization_id, subscription_id)
    if subscription is None or subscription.test_clock_id is None:
        return
    state = agenda.read_state(session, subscription)
    if state.agenda and state.agenda[0].due_at <= through:
        return
    if turns.find_first_collection(session, organization_id, subscription_id, by=through):
        return
    if subscription.completed_through is None or subscription.completed_through < through:
        subscription.completed_through = through
        session.add(subscription)
        session.flush()
    settle_clock(session, organization_id, subscription.test_clock_id)


def settle_clock(session: Session, organization_id: UUID, test_clock_id: UUID) -> None:
    """Let a clock stand still at its target once nobody on it is behind. Idempotent."""
    clock = stored_clocks.lock_clock(session, organization_id, test_clock_id)
    if clock is None or clock.target_time is None:
        return
    counted = stored_clocks.count_arrived(session, organization_id, [clock.id])
    arrived, of = counted.get(clock.id, NOBODY)
    if arrived == of:
        clock.frozen_time = clock.target_time
        clock.target_time = None
        session.add(clock)
        session.flush()
        # What waited after a decline may try again by this clock.
        stored_top_ups.wake_on_clock(session, organization_id, test_clock_id)
        # What time alone changes, as credit that is over, is told where the clock arrived.
        stored_alerts.wake_on_clock(session, organization_id, test_clock_id)


def _get_clock(session: Session, organization_id: UUID, test_clock_id: UUID) -> TestClock:
    return require_clock(
        stored_clocks.find_clock(session, organization_id, test_clock_id), may_be_deleted=True
    )


def _read(session: Session, clock: TestClock) -> ClockReading:
    [reading] = _read_all(session, clock.organization_id, [clock])
    return reading


def _read_all(
    session: Session, organization_id: UUID, clocks: Sequence[TestClock]
) -> list[ClockReading]:
    advancing = [clock.id for clock in clocks if clock.target_time is not None]
    parked = stored_clocks.count_parked(session, organization_id, [clock.id for clock in clocks])
    counted = stored_clocks.count_arrived(session, organization_id, advancing) if advancing else {}
    return [
        ClockReading(
            id=clock.id,
            name=clock.name,
            frozen_time=clock.target_time or clock.frozen_time,
            is_advancing=clock.target_time is not None,
            needs_attention=parked.get(clock.id, 0),
            arrived=None if clock.target_time is None else counted.get(clock.id, NOBODY),
        )
        for clock in clocks
    ]


def is_still(session: Session, organization_id: UUID, test_clock_id: UUID | None) -> bool:
    """Whether time stands where everybody has come: always on the wall, and on a clock at rest."""
    if test_clock_id is None:
        return True
    return _get_clock(session, organization_id, test_clock_id).target_time is None
