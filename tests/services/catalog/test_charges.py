"""Charges and grants of plans: what is refused, and what ends one way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from billing.errors import Conflict, InvalidInput, InvalidTransition, NotFound
from billing.metering.aggregations import Aggregation
from billing.periods import Interval
from billing.rating.terms import ChargeType, FeatureType, OverLimit, Shortfall
from models.base import new_id
from repositories.audit_log import Filter, list_entries
from repositories.catalog.plans import list_active_charges
from services.catalog import charges, grants, plans
from services.catalog.charges import AddCharge
from services.credits import units
from services.credits.units import CreateUnit
from tests.services.catalog.test_plans import TIERS
from tests.services.shop import Shop


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"type": ChargeType.USAGE, "unit_price": Decimal(1)}, "meter_id"),
        ({"type": ChargeType.FIXED}, "unit_price"),
        ({"type": ChargeType.FIXED, "unit_price": Decimal(1), "meter": True}, "meter_id"),
        ({"type": ChargeType.FIXED, "unit_price": Decimal(1), "pricing": {}}, "pricing"),
        (
            {"type": ChargeType.FIXED, "unit_price": Decimal(1), "included_units": Decimal(0)},
            "included_units",
        ),
        ({"meter": True, "unit_price": Decimal(1), "currency": "EUR"}, "currency"),
        (
            {"meter": True, "unit_price": Decimal(1), "billing_interval": Interval.YEAR},
            "billing_interval",
        ),
        ({"meter": True, "unit_price": Decimal("-0.1")}, "unit_price"),
        ({"meter": True, "unit_price": Decimal("NaN")}, "unit_price"),
        ({"meter": True, "pricing": {"model": "volume"}}, "pricing.tiers"),
        (
            {"meter": True, "pricing": {"tiers": [{"up_to": 5}, {"up_to": 5}, {"up_to": None}]}},
            "pricing.tiers.1.up_to",
        ),
        (
            {"meter": True, "pricing": {"model": "package", "package_size": 0, "unit_price": 1}},
            "pricing.package_size",
        ),
        (
            {
                "meter": True,
                "pricing": {"tiers": TIERS},
                "minimum": Decimal(2),
                "maximum": Decimal(1),
            },
            "minimum",
        ),
        ({"meter": True, "unit_price": Decimal(1), "unit": "USD"}, "unit"),
        ({"meter": True, "unit_price": Decimal(1), "unit": "TOKENS"}, "overage_rate"),
        ({"meter": True, "unit_price": Decimal(1), "overage_rate": Decimal(1)}, "overage_rate"),
        (
            {
                "type": ChargeType.FIXED,
                "unit_price": Decimal(1),
                "shortfall": Shortfall.BLOCK,
            },
            "shortfall",
        ),
        (
            {"count": True, "pricing": {"model": "percentage", "rate": "0.03"}},
            "pricing.model",
        ),
    ],
)
def test_charge_that_cannot_be_priced_is_refused_by_field(
    shop: Shop, terms: dict[str, Any], field: str
) -> None:
    plan = shop.add_plan()
    shop.do(units.create_unit, CreateUnit(code="TOKENS", name="Tokens", scale=0))
    meter = shop.add_meter(
        aggregation_type=Aggregation.COUNT if terms.pop("count", False) else Aggregation.SUM
    )
    if (terms.pop("meter", True) and "type" not in terms) or field == "meter_id":
        is_usage = terms.get("type") is not ChargeType.USAGE
        terms["meter_id"] = meter.id if is_usage else None
    command = AddCharge(**{"type": ChargeType.USAGE, **terms})

    with pytest.raises(InvalidInput) as caught:
        shop.do(charges.add_charge, plan.id, command)

    assert caught.value.field == field
    assert shop.version_of(plan) == 1
    assert shop.read(list_active_charges, plan.id) == []


def test_unknown_things_are_not_found(shop: Shop, other_shop: Shop) -> None:
    plan, meter, feature = shop.add_plan(), shop.add_meter("calls"), shop.add_feature()
    theirs = other_shop.add_plan()

    attempts: list[Callable[[], object]] = [
        lambda: other_shop.add_usage_charge(theirs, meter.id),
        lambda: other_shop.grant(theirs, feature),
        lambda: other_shop.do(plans.delete_plan, plan.id),
        lambda: other_shop.edit_plan(plan, name="Mine"),
        lambda: shop.do(charges.set_charge_status, plan.id, new_id(), "INACTIVE"),
        lambda: shop.do(grants.remove_plan_feature, plan.id, new_id()),
    ]

    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()


def test_charge_of_another_plan_is_not_found(shop: Shop) -> None:
    plan, other, meter = shop.add_plan("a"), shop.add_plan("b"), shop.add_meter()
    charge = shop.add_usage_charge(plan, meter.id)

    with pytest.raises(NotFound):
        shop.do(charges.set_charge_status, other.id, charge.id, "INACTIVE")


def test_charge_is_deactivated_one_way(shop: Shop) -> None:
    plan, meter = shop.add_plan(), shop.add_meter()
    charge = shop.add_usage_charge(plan, meter.id)

    shop.do(charges.set_charge_status, plan.id, charge.id, "ACTIVE")
    shop.do(charges.set_charge_status, plan.id, charge.id, "INACTIVE")
    with pytest.raises(InvalidTransition) as caught:
        shop.do(charges.set_charge_status, plan.id, charge.id, "ACTIVE")

    assert caught.value.field == "status"
    assert shop.read(list_active_charges, plan.id) == []
    assert shop.version_of(plan) == 3


@pytest.mark.parametrize(
    ("type", "grant", "field"),
    [
        (FeatureType.SWITCH, {"usage_limit": Decimal(5)}, "usage_limit"),
        (FeatureType.SWITCH, {"usage_reset_period": Interval.DAY}, "usage_reset_period"),
        (FeatureType.SWITCH, {"is_soft_limit": True}, "is_soft_limit"),
        (FeatureType.CUSTOM, {"reject_over_limit": True}, "reject_over_limit"),
        (FeatureType.CUSTOM, {"over_limit": OverLimit.WAIVE}, "over_limit"),
        (FeatureType.SWITCH, {"static_value": "gold"}, "static_value"),
        (FeatureType.METER, {"static_value": "gold"}, "static_value"),
        (FeatureType.METER, {"usage_limit": Decimal(-1)}, "usage_limit"),
    ],
)
def test_grant_that_does_not_fit_its_feature_is_refused_by_field(
    shop: Shop, type: FeatureType, grant: dict[str, Any], field: str
) -> None:
    plan, feature = shop.add_plan(), shop.add_feature("thing", type)

    with pytest.raises(InvalidInput) as caught:
        shop.grant(plan, feature, **grant)

    assert caught.value.field == field
    assert shop.version_of(plan) == 1


def test_feature_is_granted_once(shop: Shop) -> None:
    plan, feature = shop.add_plan(), shop.add_feature("sso", FeatureType.SWITCH)

    def attempt(_: int) -> str:
        try:
            shop.grant(plan, feature)
        except Conflict as error:
            return error.code
        return "granted"

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(attempt, range(6)))

    assert outcomes == ["feature_already_granted"] * 5 + ["granted"]
    assert shop.version_of(plan) == 2


def test_price_in_a_unit_of_credit_is_refused_while_nobody_knows_the_unit(shop: Shop) -> None:
    plan, meter = shop.add_plan(), shop.add_meter()
    rate = Decimal("0.002")
    command = AddCharge(
        type=ChargeType.USAGE,
        meter_id=meter.id,
        unit_price=Decimal(2),
        unit="tokens",
        overage_rate=rate,
    )
    with pytest.raises(NotFound) as unknown:
        shop.do(charges.add_charge, plan.id, command)
    assert unknown.value.field == "unit"
    assert not shop.terms_of(plan).charges

    shop.do(units.create_unit, CreateUnit(code="TOKENS", name="Tokens", scale=3))
    shop.do(charges.add_charge, plan.id, command)
    [charge] = shop.terms_of(plan).charges
    assert charge.unit is not None
    assert (charge.unit.code, charge.overage_rate) == ("TOKENS", rate)


def test_log_says_the_price_that_begins_and_that_ends(shop: Shop) -> None:
    plan = shop.add_plan("logged")
    fee = AddCharge(type=ChargeType.FIXED, unit_price=Decimal("49.50"), display_name="Platform fee")
    charge = shop.do(charges.add_charge, plan.id, fee).result
    shop.do(charges.set_charge_status, plan.id, charge.id, "INACTIVE")

    entries = {
        one.entry.action: one.entry
        for one in shop.read(list_entries, Filter(object_id=charge.id), limit=10)
    }

    price = {"type": "FIXED", "unit_price": "49.50", "display_name": "Platform fee"}
    added, ended = entries["charge.added"], entries["charge.deactivated"]
    assert added.before is None
    assert added.after is not None
    assert ended.before is not None
    assert price.items() <= added.after.items()
    assert price.items() <= ended.before.items()
