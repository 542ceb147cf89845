"""No value holds a number that is none, whatever its field (invariant 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from billing import entitlements, pricing
from billing.errors import BillingError
from billing.pricing.package import Package
from billing.pricing.per_unit import PerUnit
from billing.pricing.percentage import Percentage
from billing.rating.terms import FeatureType
from tests.billing.builders import (
    CHARGE,
    FEATURE,
    PER_CALL,
    d,
    limit,
    unmeasured,
    usage_charge,
)

MAKERS: Final[list[tuple[Callable[[Decimal], object], str]]] = [
    (lambda bad: pricing.Flat(amount=bad), "unit_price"),
    (lambda bad: PerUnit(unit_price=bad), "unit_price"),
    (lambda bad: Package(package_size=d(1), unit_price=bad), "unit_price"),
    (lambda bad: Package(package_size=bad, unit_price=d(1)), "package_size"),
    (lambda bad: Percentage(rate=bad), "rate"),
    (lambda bad: Percentage(rate=d(1), fixed_fee=bad), "fixed_fee"),
    (lambda bad: pricing.Tier(up_to=None, unit_price=bad), "unit_price"),
    (lambda bad: pricing.Tier(up_to=None, flat_fee=bad), "flat_fee"),
    (lambda bad: replace(usage_charge(), maximum=bad), "maximum"),
    (lambda bad: replace(limit("1"), usage_limit=bad), "usage_limit"),
]


@pytest.mark.parametrize("bad", [0.1, 1, "1", True, Decimal("NaN"), Decimal(-1)])
@pytest.mark.parametrize(("make", "field"), MAKERS)
def test_invariant_04_no_price_is_made_of_anything_but_a_decimal_from_zero_up(
    make: Callable[[Decimal], object], field: str, bad: Decimal
) -> None:
    with pytest.raises(BillingError) as refused:
        make(bad)
    assert refused.value.field == field


def test_invariant_04_bounds_of_tiers_are_decimals() -> None:
    with pytest.raises(BillingError) as refused:
        pricing.Tier(up_to=0.5)  # type: ignore[arg-type]  # what a test says by name
    assert refused.value.field == "up_to"


NOT_A_NUMBER: Final = Decimal("NaN")


def test_no_field_takes_what_is_not_a_number() -> None:
    for field in ("usage", "limit", "remaining"):
        with pytest.raises(BillingError) as refused:
            replace(entitlements.decide_access(limit("1")), **{field: NOT_A_NUMBER})  # type: ignore[arg-type]  # what a test says by name
        assert refused.value.field == field
    with pytest.raises(BillingError) as refused:
        replace(unmeasured(0), aggregate=NOT_A_NUMBER)
    assert refused.value.field == "aggregate"
    assert (unmeasured(0).charge_id, PER_CALL.unit_price) == (CHARGE, d("0.001"))
    assert entitlements.refuse_access(
        feature_id=FEATURE,
        lookup_key="k",
        name="n",
        type=FeatureType.SWITCH,
        reason=entitlements.AccessReason.NOT_ON_PLAN,
    ).feature_id == FEATURE  # fmt: skip
