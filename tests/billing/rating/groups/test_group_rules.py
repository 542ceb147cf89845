"""What a charge may tell its usage apart by, and what is refused by its field."""

from __future__ import annotations

import pytest

from billing.errors import InvalidInput
from billing.metering.aggregations import Aggregation
from billing.pricing import Flat, Pricing
from billing.pricing.percentage import Percentage
from billing.rating.groups import Grouping, GroupPrice, require_groupable
from tests.billing.builders import PER_CALL, d, meter
from tests.billing.rating.groups.test_group_shares import grouping


@pytest.mark.parametrize("name", ["model", "usage.model", "x-y", "1", "a.b.c", "模型"])
def test_a_property_is_a_name_or_a_path_through_objects(name: str) -> None:
    assert grouping("large", properties=(name,)).properties == (name,)


@pytest.mark.parametrize("name", ["", " ", ".", "a.", ".a", "a. .b", "a.0", "0.a", "a.-1.b"])
def test_a_path_through_lists_or_nothing_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        grouping("large", properties=(name,))

    assert (refused.value.code, refused.value.field) == ("invalid_charge", "group_by.0")


def test_a_charge_may_name_two_hundred_values_of_two_hundred_letters() -> None:
    many = grouping(*(f"{n:0>200}" for n in range(200)))

    assert (len(many.prices), len(many.groups())) == (200, 202)


@pytest.mark.parametrize(
    ("pricing", "aggregation", "field"),
    [
        (PER_CALL, None, "group_by"),
        (PER_CALL, Aggregation.MAX, "group_by"),
        (PER_CALL, Aggregation.UNIQUE_COUNT, "group_by"),
        (PER_CALL, Aggregation.WEIGHTED_SUM, "group_by"),
        (Percentage(rate=d("0.1")), Aggregation.COUNT, "group_prices.0.pricing.model"),
        (PER_CALL, Aggregation.SUM, None),
        (PER_CALL, Aggregation.COUNT, None),
        (Percentage(rate=d("0.1")), Aggregation.SUM, None),
    ],
)
def test_only_usage_that_adds_up_is_told_apart(
    pricing: Pricing, aggregation: Aggregation | None, field: str | None
) -> None:
    named = Grouping(
        properties=("model",), prices=(GroupPrice(values=("large",), pricing=pricing),)
    )
    measured = None if aggregation is None else meter(aggregation)

    if field is None:
        require_groupable(named, measured)
        return
    with pytest.raises(InvalidInput) as refused:
        require_groupable(named, measured)
    assert (refused.value.code, refused.value.field) == ("invalid_charge", field)


def test_a_group_is_not_priced_by_a_fixed_amount() -> None:
    with pytest.raises(InvalidInput) as refused:
        Grouping(
            properties=("model",),
            prices=(GroupPrice(values=("large",), pricing=Flat(amount=d(1))),),
        )

    assert refused.value.field == "group_prices.0.pricing"
