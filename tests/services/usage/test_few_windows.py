"""Usage of windows and before cuts, by two aggregations: what the suite tries of all of them."""

from __future__ import annotations

import pytest

from billing.metering.aggregations import Aggregation
from tests.services.shop import Shop
from tests.services.usage import test_aggregates, test_cuts
from tests.services.usage.test_aggregates import (
    test_a_recomputation_leaves_out_what_arrived_after_the_watermark,
    test_an_event_on_a_boundary_belongs_to_the_later_window,
)

__all__ = [
    "test_a_recomputation_leaves_out_what_arrived_after_the_watermark",
    "test_an_event_on_a_boundary_belongs_to_the_later_window",
]

FEW = (Aggregation.SUM, Aggregation.UNIQUE_COUNT)


@pytest.mark.parametrize("aggregation", FEW)
def test_roll_ups_raw_events_and_the_definition_agree(shop: Shop, aggregation: Aggregation) -> None:
    compare = test_aggregates.test_roll_ups_raw_events_and_the_definition_agree
    compare(shop=shop, aggregation=aggregation, carry_forward=False)


@pytest.mark.parametrize("aggregation", FEW)
def test_usage_before_a_cut_is_that_of_the_events_before_it(
    shop: Shop, aggregation: Aggregation
) -> None:
    compare = test_cuts.test_usage_before_a_cut_is_that_of_the_events_before_it
    compare(shop=shop, aggregation=aggregation, carry_forward=False)
