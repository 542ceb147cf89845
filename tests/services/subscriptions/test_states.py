"""What is said of a subscription's state is said once: statements and Python agree."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session, col, select

from billing.running_boundary import boundary_of
from billing.subscriptions import SubscriptionStatus, has_ended, is_live
from models.base import new_id
from models.subscriptions.states import (
    BOUNDARY,
    HAS_ENDED,
    HAS_NOT_ENDED,
    IS_LIVE,
    IS_NOT_OVER,
    LIVE,
)
from models.subscriptions.subscriptions import Subscription
from repositories.subscriptions import subscriptions
from tests.services.lives import begin_life
from tests.services.shop import NOW, Shop

Row = tuple[SubscriptionStatus, datetime | None]

EVERY_STATE: list[Row] = [(status, at) for status in SubscriptionStatus for at in (None, NOW)]

ASK = text(f"""
SELECT {LIVE} AS live, {HAS_ENDED} AS ended, {HAS_NOT_ENDED} AS not_ended
FROM unnest(CAST(:statuses AS text[]), CAST(:instants AS timestamptz[])) WITH ORDINALITY
    AS subscription(status, deleted_at, place)
ORDER BY place""")

instants = st.integers(-(10**6), 10**6).map(lambda minutes: NOW + timedelta(minutes=minutes))
rows = st.tuples(st.sampled_from(SubscriptionStatus), st.none() | instants)


RunningRow = tuple[SubscriptionStatus, datetime | None, datetime]

SOON, LATER = NOW + timedelta(days=7), NOW + timedelta(days=30)

ASK_BOUNDARY = text(f"""
SELECT {BOUNDARY}
FROM unnest(CAST(:statuses AS text[]), CAST(:trial_ends AS timestamptz[]),
    CAST(:period_ends AS timestamptz[])) WITH ORDINALITY
    AS subscription(status, trial_end_date, current_period_end, place)
ORDER BY place""")

running_rows = st.tuples(st.sampled_from(SubscriptionStatus), st.none() | instants, instants)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(given_rows=st.lists(rows, max_size=20))
def test_statements_and_python_agree_on_random_rows(shop: Shop, given_rows: list[Row]) -> None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        found = session.execute(
            ASK,
            {
                "statuses": [str(status) for status, _ in given_rows],
                "instants": [deleted_at for _, deleted_at in given_rows],
            },
        ).all()

    assert [tuple(one) for one in found] == [
        (is_live(status, deleted_at), has_ended(status), not has_ended(status))
        for status, deleted_at in given_rows
    ]


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(given_rows=st.lists(running_rows, max_size=20))
def test_statements_and_python_agree_where_what_runs_now_ends(
    shop: Shop, given_rows: list[RunningRow]
) -> None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        found = session.execute(
            ASK_BOUNDARY,
            {
                "statuses": [str(status) for status, _, _ in given_rows],
                "trial_ends": [trial_end for _, trial_end, _ in given_rows],
                "period_ends": [period_end for _, _, period_end in given_rows],
            },
        ).scalars()

    assert list(found) == [
        boundary_of(status, trial_ends_at=trial_end, period_ends_at=period_end)
        for status, trial_end, period_end in given_rows
    ]


@pytest.mark.parametrize(
    ("status", "trial_ends_at", "boundary"),
    [
        (SubscriptionStatus.TRIAL, SOON, SOON),
        (SubscriptionStatus.ACTIVE, SOON, LATER),
        (SubscriptionStatus.PAUSED, None, LATER),
    ],
)
def test_what_runs_now_ends_with_the_trial_or_the_period(
    status: SubscriptionStatus, trial_ends_at: datetime | None, boundary: datetime
) -> None:
    assert boundary_of(status, trial_ends_at=trial_ends_at, period_ends_at=LATER) == boundary


def test_only_what_has_neither_ended_nor_been_deleted_is_live() -> None:
    assert [row for row in EVERY_STATE if is_live(*row)] == [
        (SubscriptionStatus.TRIAL, None),
        (SubscriptionStatus.ACTIVE, None),
        (SubscriptionStatus.PAST_DUE, None),
        (SubscriptionStatus.PAUSED, None),
    ]


def test_selects_find_what_is_live_and_what_goes_on(shop: Shop) -> None:
    life = begin_life(shop, version_policy="pinned")
    plan_id = life.row().plan_id
    with shop.transactions.for_organization(shop.organization_id) as session:
        add_in_every_state(session, life.row())

    def states(session: Session, _organization_id: Any, condition: Any) -> list[Row]:
        found = session.exec(
            select(Subscription).where(condition, col(Subscription.id) != life.subscription_id)
        )
        return [(SubscriptionStatus(one.status), one.deleted_at) for one in found]

    live = shop.read(states, IS_LIVE)
    not_over = shop.read(states, IS_NOT_OVER)

    assert Counter(live) == Counter(row for row in EVERY_STATE if is_live(*row))
    assert Counter(not_over) == Counter(row for row in EVERY_STATE if not has_ended(row[0]))
    assert shop.read(subscriptions.count_live_of_plan, plan_id) == len(live) + 1
    assert len(shop.read(subscriptions.list_pinned_behind, plan_id, version=99)) == len(live) + 1


def add_in_every_state(session: Session, like: Subscription) -> None:
    """One subscription in each state, deleted and not."""
    for status, deleted_at in EVERY_STATE:
        values = like.model_dump() | {
            "id": new_id(),
            "status": status,
            "ended_at": NOW if has_ended(status) else None,
            "deleted_at": deleted_at,
        }
        session.add(
            Subscription(
                **values,
            )
        )
        session.flush()
