"""Whether a subscription has ended, or is live, is said once: statements and Python agree."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session, col, select

from billing.subscriptions import SubscriptionStatus, has_ended, is_live
from models.base import new_id
from models.subscription_states import HAS_ENDED, HAS_NOT_ENDED, IS_LIVE, IS_NOT_OVER, LIVE
from models.subscriptions import Subscription
from repositories import subscriptions
from tests.services.lives import begin_life
from tests.services.shop import NOW, Shop

Row = tuple[SubscriptionStatus, datetime | None]

EVERY_STATE: list[Row] = [(status, at) for status in SubscriptionStatus for at in (None, NOW)]

ASK = text(f"""
SELECT {LIVE} AS live, {HAS_ENDED} AS ended, {HAS_NOT_ENDED} AS not_ended
FROM unnest(CAST(:statuses AS text[]), CAST(:instants AS timestamptz[])) WITH ORDINALITY
    AS subscription(status, deleted_at, place)
ORDER BY place""")

rows = st.tuples(
    st.sampled_from(SubscriptionStatus),
    st.none() | st.integers(-(10**6), 10**6).map(lambda minutes: NOW + timedelta(minutes=minutes)),
)


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
        values = like.model_dump() | {"id": new_id(), "status": status, "deleted_at": deleted_at}
        session.add(
            Subscription(
                **values,
            )
        )
        session.flush()
