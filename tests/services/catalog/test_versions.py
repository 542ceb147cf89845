"""Plan versions: every edit leaves one behind, and none ever changes."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from billing.errors import InvalidInput, NotFound
from billing.metering.aggregations import Aggregation
from billing.periods import Interval
from billing.pricing import Flat
from billing.pricing.graduated import Graduated
from billing.pricing.per_unit import PerUnit
from billing.rating.terms import ChargeType
from models.catalog.plans import Plan
from services.catalog import charges, grants, meters
from services.catalog.charges import AddCharge
from services.catalog.grants import Grant, UpdateGrant
from services.catalog.meters import MeterDetails, UpdateMeter
from tests.services.shop import Shop

RULES = {"model": "per_unit", "unit_price": "0.5"}
OTHER_RULES = {"model": "per_unit", "unit_price": "0.7"}


def set_rules(shop: Shop, meter_id: Any, rules: object) -> None:
    command = UpdateMeter(
        details=MeterDetails(usage_pricing_rules=rules), given=frozenset({"usage_pricing_rules"})
    )
    shop.do(meters.update_meter, meter_id, command)


def price_of(shop: Shop, plan: Plan, version: int | None = None) -> object:
    return shop.terms_of(plan, version).charges[0].pricing


def test_new_plan_has_version_1_without_charges(shop: Shop) -> None:
    plan = shop.add_plan()

    terms = shop.terms_of(plan)

    assert (terms.version, terms.name, terms.currency) == (1, "Pay as you go", "USD")
    assert (terms.interval, terms.charges, terms.features) == (Interval.MONTH, (), ())


def test_every_kind_of_edit_makes_the_next_version(shop: Shop) -> None:
    plan, feature = shop.add_plan(), shop.add_feature()
    assert feature.meter_id is not None

    shop.edit_plan(plan, is_active=False)
    charge = shop.add_usage_charge(plan, feature.meter_id)
    granted = shop.grant(plan, feature, usage_limit=Decimal(1000)).granted
    shop.do(
        grants.update_plan_feature,
        plan.id,
        granted.id,
        UpdateGrant(grant=Grant(usage_limit=Decimal(2000)), given=frozenset({"usage_limit"})),
    )
    shop.do(grants.remove_plan_feature, plan.id, granted.id)
    shop.do(charges.set_charge_status, plan.id, charge.id, "INACTIVE")

    assert shop.version_of(plan) == 7
    told = [shop.terms_of(plan, version) for version in range(1, 8)]
    assert [len(terms.charges) for terms in told] == [0, 0, 1, 1, 1, 1, 0]
    assert [[one.usage_limit for one in terms.features] for terms in told] == [
        [],
        [],
        [],
        [Decimal(1000)],
        [Decimal(2000)],
        [],
        [],
    ]


def test_edit_that_changes_nothing_makes_no_version(shop: Shop) -> None:
    plan, feature = shop.add_plan(), shop.add_feature()
    assert feature.meter_id is not None
    granted = shop.grant(plan, feature, usage_limit=Decimal(5)).granted
    charge = shop.add_usage_charge(plan, feature.meter_id)
    shop.do(charges.set_charge_status, plan.id, charge.id, "INACTIVE")
    before = shop.version_of(plan)

    shop.edit_plan(plan, name="Pay as you go", currency="usd")
    shop.do(charges.set_charge_status, plan.id, charge.id, "INACTIVE")
    shop.do(
        grants.update_plan_feature,
        plan.id,
        granted.id,
        UpdateGrant(grant=Grant(usage_limit=Decimal("5.0")), given=frozenset({"usage_limit"})),
    )

    assert shop.version_of(plan) == before


@pytest.mark.parametrize(
    ("rules", "terms", "expected"),
    [
        pytest.param(
            RULES,
            {"pricing": {"model": "per_unit", "unit_price": "0.2"}, "unit_price": Decimal("0.1")},
            PerUnit(unit_price=Decimal("0.2")),
            id="the charge's own pricing wins",
        ),
        pytest.param(
            RULES,
            {"unit_price": Decimal("0.1")},
            PerUnit(unit_price=Decimal("0.5")),
            id="then the meter's rules",
        ),
        pytest.param(
            None,
            {"unit_price": Decimal("0.1")},
            PerUnit(unit_price=Decimal("0.1")),
            id="then the unit price",
        ),
    ],
)
def test_version_holds_the_effective_price(
    shop: Shop, rules: object, terms: dict[str, Any], expected: object
) -> None:
    meter, plan = shop.add_meter(usage_pricing_rules=rules), shop.add_plan()

    shop.add_usage_charge(plan, meter.id, **terms)

    assert price_of(shop, plan) == expected


def test_charge_without_any_price_is_refused(shop: Shop) -> None:
    meter, plan = shop.add_meter(), shop.add_plan()

    with pytest.raises(InvalidInput) as caught:
        shop.add_usage_charge(plan, meter.id, display_name="Calls")

    assert (caught.value.code, caught.value.field) == ("missing_price", "unit_price")
    assert shop.version_of(plan) == 1


def test_fixed_charge_is_flat(shop: Shop) -> None:
    plan = shop.add_plan()

    command = AddCharge(type=ChargeType.FIXED, unit_price=Decimal("49.00"))
    shop.do(charges.add_charge, plan.id, command)

    assert price_of(shop, plan) == Flat(amount=Decimal(49))


def test_rules_of_a_meter_reach_exactly_the_plans_that_price_by_them(shop: Shop) -> None:
    meter = shop.add_meter(usage_pricing_rules=RULES)
    by_rules, by_itself, without = (shop.add_plan(name) for name in ("a", "b", "c"))
    shop.add_usage_charge(by_rules, meter.id, display_name="Calls")
    shop.add_usage_charge(by_itself, meter.id, pricing={"model": "per_unit", "unit_price": "9"})

    set_rules(shop, meter.id, OTHER_RULES)
    set_rules(shop, meter.id, OTHER_RULES)

    assert [shop.version_of(plan) for plan in (by_rules, by_itself, without)] == [3, 2, 1]
    assert price_of(shop, by_rules, 2) == PerUnit(unit_price=Decimal("0.5"))
    assert price_of(shop, by_rules, 3) == PerUnit(unit_price=Decimal("0.7"))


def test_documented_tier_table_is_told_by_the_version(shop: Shop) -> None:
    meter, plan = shop.add_meter(), shop.add_plan()
    shop.add_usage_charge(plan, meter.id)
    tiers = [
        {"up_to": 1000, "unit_price": "0.002"},
        {"up_to": 10000, "unit_price": "0.001"},
        {"up_to": None, "unit_price": "0.0005"},
    ]

    set_rules(shop, meter.id, {"tiers": tiers})

    pricing = price_of(shop, plan)
    assert isinstance(pricing, Graduated)
    assert [(tier.up_to, tier.unit_price) for tier in pricing.tiers] == [
        (Decimal(1000), Decimal("0.002")),
        (Decimal(10000), Decimal("0.001")),
        (None, Decimal("0.0005")),
    ]


def test_rules_stay_while_a_charge_has_no_other_price(shop: Shop) -> None:
    meter, plan = shop.add_meter(usage_pricing_rules=RULES), shop.add_plan()
    shop.add_usage_charge(plan, meter.id, display_name="Calls")

    with pytest.raises(InvalidInput) as caught:
        set_rules(shop, meter.id, None)

    assert (caught.value.code, caught.value.field) == ("missing_price", "usage_pricing_rules")
    assert shop.read(meters.get_meter, meter.id).usage_pricing_rules == RULES
    assert shop.version_of(plan) == 2


def test_unknown_version_is_not_found(shop: Shop, other_shop: Shop) -> None:
    plan = shop.add_plan()

    with pytest.raises(NotFound):
        shop.terms_of(plan, 2)
    with pytest.raises(NotFound):
        other_shop.terms_of(plan, 1)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE plan_version SET version = version + 1", "DELETE FROM plan_version"],
)
def test_application_cannot_change_a_version(shop: Shop, statement: str) -> None:
    shop.add_plan()

    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        shop.transactions.for_organization(shop.organization_id) as session,
    ):
        session.execute(text(statement))


def test_concurrent_edits_are_numbered_without_gap_or_loss(shop: Shop) -> None:
    meter, plan = shop.add_meter(aggregation_type=Aggregation.COUNT), shop.add_plan()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: shop.add_usage_charge(plan, meter.id), range(16)))

    assert shop.version_of(plan) == 17
    assert [len(shop.terms_of(plan, version).charges) for version in range(1, 18)] == list(
        range(17)
    )


def test_charge_added_while_rules_change_ends_with_the_new_rules(shop: Shop) -> None:
    meter = shop.add_meter(usage_pricing_rules=RULES)
    created = [shop.add_plan(f"plan_{place}") for place in range(8)]

    with ThreadPoolExecutor(8) as pool:
        adding: list[Future[Any]] = [
            pool.submit(shop.add_usage_charge, plan, meter.id, display_name="Calls")
            for plan in created[:4]
        ]
        changing = pool.submit(set_rules, shop, meter.id, OTHER_RULES)
        adding += [
            pool.submit(shop.add_usage_charge, plan, meter.id, display_name="Calls")
            for plan in created[4:]
        ]
        for one in (*adding, changing):
            one.result()

    assert {price_of(shop, plan) for plan in created} == {PerUnit(unit_price=Decimal("0.7"))}
