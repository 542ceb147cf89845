"""Usage before a cut, from roll-ups and from raw events, agrees with the definition."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from billing.credits.used import CutUsage
from billing.metering.aggregations import Aggregation, aggregate
from billing.money import ZERO
from billing.rating.quantities import MeteredUsage
from models.base import new_id
from services.usage.cuts import CutsAsked, measure_cuts
from services.usage.measure import measure_usage
from services.usage.rollups import rebuild_rollups
from tests.billing.profiles import IS_DEEP
from tests.services.shop import Shop
from tests.services.test_transactions import count_statements
from tests.services.usage.windows import (
    CASES,
    MIDNIGHT,
    add_customer,
    carried,
    facts,
    moments,
    period_of,
    window,
)
from tests.services.usage_facts import Fact, expected_measurements, store_events


def cut(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    usage: Sequence[MeteredUsage],
    cuts: Sequence[datetime],
    watermark: int | None,
) -> tuple[CutUsage, ...]:
    return measure_cuts(
        session,
        CutsAsked(
            organization_id=organization_id,
            customer_id=customer_id,
            usage=usage,
            cuts=cuts,
            watermark=watermark,
        ),
    )


@pytest.mark.parametrize(("aggregation", "carry_forward"), CASES)
@settings(
    max_examples=200 if IS_DEEP else 12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    stored=st.lists(facts, max_size=20),
    edges=st.lists(moments, min_size=2, max_size=4, unique=True),
    instants=st.lists(moments, min_size=1, max_size=3, unique=True),
)
def test_usage_before_a_cut_is_that_of_the_events_before_it(
    shop: Shop,
    aggregation: Aggregation,
    carry_forward: bool,
    stored: list[Fact],
    edges: list[datetime],
    instants: list[datetime],
) -> None:
    meter = shop.add_meter(
        f"meter_{new_id()}", aggregation_type=aggregation, carry_forward=carry_forward
    )
    customer_id = add_customer(shop)
    counted = expected_measurements(store_events(shop, customer_id, meter.id, stored), stored)
    windows = [window(meter, *pair) for pair in pairwise(sorted(edges))]
    shop.read(rebuild_rollups)
    whole = shop.read(measure_usage, customer_id, windows)

    from_rollups = shop.read(cut, customer_id, whole.usage, sorted(instants), None)
    from_events = shop.read(cut, customer_id, whole.usage, sorted(instants), whole.watermark)

    assert from_rollups == from_events
    for found in from_rollups:
        before = [one for one in counted if one.at < found.at]
        for one, answer in zip(windows, found.usage, strict=True):
            if one.starts_at >= found.at:
                assert (answer.aggregate, answer.event_count) == (ZERO, 0)
                continue
            level = carried(meter, counted, one)
            assert answer.aggregate == aggregate(aggregation, before, period_of(one), carried=level)
            assert answer.event_count == sum(x.at in period_of(one) for x in before)


def test_cuts_cost_one_statement_more_and_none_where_no_window_is_cut(shop: Shop) -> None:
    meter = shop.add_meter()
    customer_id = add_customer(shop)
    hours = [MIDNIGHT + timedelta(hours=number) for number in range(12)]
    windows = [window(meter, hours[0], hours[6]), window(meter, hours[6], hours[11])]
    whole = shop.read(measure_usage, customer_id, windows)

    def statements(session: Session, organization_id: UUID, cuts: Sequence[datetime]) -> int:
        sent = count_statements(session.connection().engine)
        before = len(sent)
        cut(session, organization_id, customer_id, whole.usage, cuts, None)
        return len(sent) - before

    assert shop.read(statements, [hours[6]]) + 1 == shop.read(statements, hours[1:6])
