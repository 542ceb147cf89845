"""Price tables as the API takes them: what is refused, and which of several prices counts."""

from __future__ import annotations

import pytest

from billing.errors import InvalidInput
from billing.pricing import UsagePricing, parse_pricing, resolve_pricing
from billing.pricing.graduated import Graduated
from billing.pricing.per_unit import PerUnit
from billing.pricing.percentage import Percentage
from billing.pricing.stairstep import Stairstep
from billing.pricing.volume import Volume
from tests.billing.builders import d, tiers

BAD_TABLES: list[tuple[object, str, str]] = [
    ({"tiers": []}, "pricing.tiers", "at least one"),
    ({"tiers": [{"up_to": 10}]}, "pricing.tiers.0.up_to", "open-ended"),
    ({"tiers": [{"up_to": None}, {"up_to": None}]}, "pricing.tiers.0.up_to", "Tier 1 is"),
    ({"tiers": [{"up_to": 0}, {"up_to": None}]}, "pricing.tiers.0.up_to", "above 0"),
    ({"tiers": [{"up_to": 5}, {"up_to": 5}, {"up_to": None}]}, "pricing.tiers.1.up_to", "overlaps"),
    ({"tiers": [{"up_to": 5}, {"up_to": 4}, {"up_to": None}]}, "pricing.tiers.1.up_to", "order"),
    ({"tiers": [{"up_to": 5}, {"from": 6, "up_to": None}]}, "pricing.tiers.1.from", "a gap after"),
    ({"tiers": [{"up_to": 5}, {"from": 4, "up_to": None}]}, "pricing.tiers.1.from", "overlap with"),
    ({"tiers": [{"from": 1, "up_to": None}]}, "pricing.tiers.0.from", "gap"),
    ({"tiers": [{"unit_price": 1}]}, "pricing.tiers.0.up_to", "missing"),
    ({"tiers": [{"up_to": None, "unit_price": -1}]}, "pricing.tiers.0.unit_price", "negative"),
    ({"tiers": [{"up_to": None, "flat_fee": "-0.01"}]}, "pricing.tiers.0.flat_fee", "negative"),
    ({"tiers": [{"up_to": None, "price": 1}]}, "pricing.tiers.0.price", "not a field"),
    ({"tiers": ["x"]}, "pricing.tiers.0", "object"),
    ({"tiers": "x"}, "pricing.tiers", "list"),
    ({"tiers": [{"up_to": None}] * 10_001}, "pricing.tiers", "At most"),
    ({}, "pricing.tiers", "list"),
    ([], "pricing", "object"),
    ({"model": "tiered"}, "pricing.model", "not a price model"),
    ({"model": 7}, "pricing.model", "not a price model"),
    ({"model": "per_unit"}, "pricing.unit_price", "decimal"),
    ({"model": "per_unit", "unit_price": 1, "x": 1}, "pricing.x", "not a field"),
    ({"model": "package", "unit_price": 1, "package_size": 0}, "pricing.package_size", "above 0"),
    ({"model": "package", "unit_price": 1}, "pricing.package_size", "decimal"),
    ({"model": "package", "package_size": 1, "unit_price": 1, "x": 1}, "pricing.x", "not a field"),
    ({"model": "percentage", "rate": -1}, "pricing.rate", "negative"),
    ({"model": "percentage", "rate": 1, "x": 1}, "pricing.x", "not a field"),
    ({"model": "stairstep", "tiers": [{"up_to": None, "unit_price": 1}]},
     "pricing.tiers.0.unit_price", "only a flat fee"),
    ({"model": "volume", "tiers": [], "x": 1}, "pricing.x", "not a field"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "field", "reason"), BAD_TABLES)
def test_refusals_name_the_tier_and_the_reason(document: object, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as refused:
        parse_pricing(document)

    assert refused.value.field == field


def test_graduated_is_the_default_model_and_names_are_read_in_any_case() -> None:
    table = [{"up_to": 10, "unit_price": "1", "from": 0}, {"from": 10, "up_to": None}]

    assert isinstance(parse_pricing({"tiers": table}), Graduated)
    assert isinstance(parse_pricing({"model": "VOLUME", "tiers": table}), Volume)
    assert parse_pricing({"model": "percentage", "rate": "0.1"}) == Percentage(rate=d("0.1"))
    assert parse_pricing({"tiers": [{"up_to": None, "flat_fee": None}]}).tiers[0].flat_fee == 0  # type: ignore[union-attr]  # never None here
    many = [{"up_to": n + 1} for n in range(9_999)] + [{"up_to": None}]
    assert len(Graduated(tiers=parse_pricing({"tiers": many}).tiers).tiers) == 10_000  # type: ignore[union-attr]  # never None here


def test_the_charge_then_the_meter_then_the_unit_price_decide() -> None:
    one, two = {"model": "per_unit", "unit_price": 1}, {"model": "per_unit", "unit_price": 2}

    def resolve(pricing: object, rules: object, unit_price: object) -> UsagePricing:
        return resolve_pricing(pricing=pricing, usage_pricing_rules=rules, unit_price=unit_price)

    assert resolve(one, two, 3) == PerUnit(unit_price=d(1))
    assert resolve(None, two, 3) == PerUnit(unit_price=d(2))
    assert resolve(None, None, "3") == PerUnit(unit_price=d(3))
    refused_cases: list[tuple[tuple[object, object, object], str]] = [
        ((None, None, None), "unit_price"),
        ((None, None, -1), "unit_price"),
        (({}, None, None), "pricing.tiers"),
        ((None, {}, None), "usage_pricing_rules.tiers"),
    ]
    for arguments, field in refused_cases:
        with pytest.raises(InvalidInput) as refused:
            resolve(*arguments)
        assert refused.value.field == field


@pytest.mark.parametrize("model", [Volume, Stairstep])
def test_one_tier_prices_everything_and_the_line_says_so(
    model: type[Volume | Stairstep],
) -> None:
    table = model(tiers=tiers(("100", "0", "10"), (None, "0", "50")))

    price = table.price(d(101))

    assert (price.amount, dict(price.inputs)) == (50, {"tiers": 1})
    assert [(row.starts_from, row.up_to, row.amount) for row in price.tiers] == [(100, None, 50)]
    assert table.price(d(100)).tiers[0].starts_from == 0
