"""Features and their meters."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from billing.errors import Conflict, InvalidInput, NotFound
from billing.metering.aggregations import Aggregation
from billing.rating.terms import FeatureType
from models.base import new_id
from models.usage.rollups import UsageRollup
from services import customers
from services.catalog import features, meters
from services.catalog.features import CreateFeature, UpdateFeature
from services.catalog.meters import CreateMeter, MeterDetails, UpdateMeter
from services.customers import CreateCustomer, CustomerDetails
from tests.services.shop import NOW, Shop

TIERS = {
    "tiers": [
        {"up_to": 1000, "unit_price": Decimal("0.0020")},
        {"up_to": 10000, "unit_price": "0.001"},
        {"up_to": None, "unit_price": Decimal("0.0005")},
    ]
}


def patch(meter_id: Any, **details: Any) -> tuple[Any, UpdateMeter]:
    return meter_id, UpdateMeter(details=MeterDetails(**details), given=frozenset(details))


def test_meter_feature_brings_its_meter(shop: Shop) -> None:
    details = MeterDetails(aggregation_type=Aggregation.MAX, property_name="size", unit="GB")
    command = CreateFeature(
        name="Storage",
        lookup_key="storage",
        type=FeatureType.METER,
        meter=CreateMeter(meter_name="storage_size", details=details),
    )

    created = shop.do(features.create_feature, command)

    meter = created.meter
    assert meter is not None
    assert created.feature.meter_id == meter.id
    assert (meter.name, meter.meter_name) == ("Storage", "storage_size")
    assert (meter.aggregation_type, meter.property_name, meter.unit) == ("MAX", "size", "GB")
    assert meter.status == "ACTIVE"
    assert shop.read(meters.get_meter, meter.id).meter_token == meter.meter_token


def test_feature_can_use_a_meter_that_exists(shop: Shop) -> None:
    meter = shop.add_meter()

    feature = shop.add_feature("calls_too", meter_id=meter.id)

    assert feature.meter_id == meter.id


def test_unknown_meter_of_a_feature_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound) as caught:
        shop.add_feature(meter_id=new_id())

    assert caught.value.field == "meter_id"


@pytest.mark.parametrize("type", [FeatureType.SWITCH, FeatureType.CUSTOM])
def test_only_meter_features_have_a_meter(shop: Shop, type: FeatureType) -> None:
    meter = CreateMeter(meter_name="calls", details=MeterDetails())

    with pytest.raises(InvalidInput) as caught:
        shop.add_feature("sso", type, meter=meter)

    assert caught.value.field == "meter_name"


def test_second_feature_with_a_lookup_key_is_refused_with_its_meter(shop: Shop) -> None:
    shop.add_feature("api_calls")
    meter = CreateMeter(meter_name="others", details=MeterDetails())

    with pytest.raises(Conflict) as caught:
        shop.add_feature("api_calls", meter=meter)

    assert (caught.value.code, caught.value.field) == ("lookup_key_taken", "lookup_key")
    found, total = shop.read(meters.list_meters, offset=0, limit=20)
    assert [meter.meter_name for meter in found] == ["api_calls"]
    assert total == 1


def test_second_meter_with_a_name_is_refused(shop: Shop) -> None:
    shop.add_meter("api_calls")

    with pytest.raises(Conflict) as caught:
        shop.add_meter("api_calls")

    assert (caught.value.code, caught.value.field) == ("meter_name_taken", "meter_name")


def test_two_organizations_use_the_same_keys_and_never_meet(shop: Shop, other_shop: Shop) -> None:
    ours = shop.add_feature("api_calls")

    theirs = other_shop.add_feature("api_calls")

    assert ours.id != theirs.id
    with pytest.raises(NotFound):
        other_shop.read(features.get_feature, ours.id)
    with pytest.raises(NotFound):
        other_shop.do(meters.update_meter, *patch(ours.meter_id, unit="calls"))
    with pytest.raises(NotFound):
        other_shop.add_feature("stolen", meter_id=ours.meter_id)


def test_rules_of_a_meter_keep_their_digits(shop: Shop) -> None:
    meter = shop.add_meter(usage_pricing_rules=TIERS)

    assert shop.read(meters.get_meter, meter.id).usage_pricing_rules == {
        "model": "graduated",
        "tiers": [
            {"up_to": "1000", "unit_price": "0.0020", "flat_fee": "0"},
            {"up_to": "10000", "unit_price": "0.001", "flat_fee": "0"},
            {"up_to": None, "unit_price": "0.0005", "flat_fee": "0"},
        ],
    }


def test_filters_are_read_and_kept(shop: Shop) -> None:
    filters = [
        {"property": "region", "operator": "EQ", "value": "eu"},
        {"property": "size", "operator": "gt", "value": Decimal("2.50")},
        {"property": "kind", "operator": "in", "value": ["a", 7]},
    ]

    meter = shop.add_meter(filters=filters)

    assert shop.read(meters.get_meter, meter.id).filters == [
        {"property": "region", "operator": "eq", "value": "eu"},
        {"property": "size", "operator": "gt", "value": Decimal("2.5")},
        {"property": "kind", "operator": "in", "value": ["a", 7]},
    ]


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"filters": [{"property": "a", "value": "b"}] * 6}, "filters"),
        ({"filters": [{"property": "a", "operator": "like", "value": "b"}]}, "filters.0.operator"),
        ({"filters": "region=eu"}, "filters"),
        ({"usage_pricing_rules": {"tiers": []}}, "usage_pricing_rules.tiers"),
        ({"usage_pricing_rules": {"model": "magic"}}, "usage_pricing_rules.model"),
        (
            {"usage_pricing_rules": {"tiers": [{"up_to": 10, "unit_price": 1}]}},
            "usage_pricing_rules.tiers.0.up_to",
        ),
        (
            {"usage_pricing_rules": {"model": "per_unit", "unit_price": -1}},
            "usage_pricing_rules.unit_price",
        ),
        (
            {
                "aggregation_type": Aggregation.COUNT,
                "usage_pricing_rules": {"model": "percentage", "rate": "0.03"},
            },
            "usage_pricing_rules.model",
        ),
        ({"carry_forward": True}, "carry_forward"),
    ],
)
def test_meter_that_makes_no_sense_is_refused_by_field(
    shop: Shop, details: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        shop.add_meter(**details)

    assert caught.value.field == field
    assert shop.read(meters.list_meters, offset=0, limit=20) == ([], 0)


def test_meter_is_edited_while_nothing_was_measured(shop: Shop) -> None:
    meter = shop.add_meter()

    shop.do(
        meters.update_meter,
        *patch(
            meter.id,
            aggregation_type=Aggregation.LAST,
            property_name="level",
            filters=[{"property": "region", "value": "eu"}],
            carry_forward=True,
        ),
    )

    edited = shop.read(meters.get_meter, meter.id)
    assert (edited.aggregation_type, edited.property_name, edited.carry_forward) == (
        "LAST",
        "level",
        True,
    )
    assert edited.filters == [{"property": "region", "operator": "eq", "value": "eu"}]
    assert edited.name == "api_calls"


def record_event(shop: Shop, meter_id: UUID) -> None:
    details = CustomerDetails(name="Harbor Labs", email="ap@harbor.test")
    customer = shop.do(customers.create_customer, CreateCustomer(details=details))
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.add(
            UsageRollup(
                organization_id=shop.organization_id,
                customer_id=customer.id,
                meter_id=meter_id,
                hour=NOW,
                recorded_count=1,
                event_count=0,
                total=Decimal(0),
                weighted_total=Decimal(0),
            )
        )


@pytest.mark.parametrize(
    ("field", "same", "other"),
    [
        ("aggregation_type", Aggregation.SUM, Aggregation.COUNT),
        ("property_name", None, "calls"),
        ("filters", [], [{"property": "region", "value": "eu"}]),
    ],
)
def test_what_is_measured_is_fixed_by_the_first_event(
    shop: Shop, field: str, same: Any, other: Any
) -> None:
    meter = shop.add_meter()
    record_event(shop, meter.id)

    shop.do(meters.update_meter, *patch(meter.id, **{field: same, "unit": "calls"}))
    with pytest.raises(Conflict) as caught:
        shop.do(meters.update_meter, *patch(meter.id, **{field: other, "unit": "others"}))

    assert (caught.value.code, caught.value.field) == ("meter_has_events", field)
    assert shop.read(meters.get_meter, meter.id).unit == "calls"
    shop.do(meters.update_meter, *patch(meter.id, usage_pricing_rules=TIERS))


def test_deleting_a_feature_retires_its_meter_and_frees_both_names(shop: Shop) -> None:
    feature = shop.add_feature("api_calls")

    shop.do(features.delete_feature, feature.id)

    with pytest.raises(NotFound):
        shop.read(meters.get_meter, feature.meter_id)
    assert shop.add_feature("api_calls").id != feature.id


def test_meter_of_a_deleted_feature_stays_while_a_plan_charges_it(shop: Shop) -> None:
    feature = shop.add_feature("api_calls")
    assert feature.meter_id is not None
    shop.add_usage_charge(shop.add_plan(), feature.meter_id)

    shop.do(features.delete_feature, feature.id)

    assert shop.read(meters.get_meter, feature.meter_id).status == "ACTIVE"
    with pytest.raises(Conflict):
        shop.do(meters.delete_meter, feature.meter_id)


def test_feature_that_a_plan_grants_stays(shop: Shop) -> None:
    feature = shop.add_feature()
    shop.grant(shop.add_plan(), feature)

    with pytest.raises(Conflict) as caught:
        shop.do(features.delete_feature, feature.id)

    assert caught.value.code == "feature_in_use"
    assert shop.read(features.get_feature, feature.id).feature.deleted_at is None


def test_renaming_a_feature_is_told_by_the_next_version_of_its_plans(shop: Shop) -> None:
    feature, plan = shop.add_feature(), shop.add_plan()
    shop.grant(plan, feature)

    for _ in range(2):
        command = UpdateFeature(given=frozenset({"name"}), name="Requests")
        shop.do(features.update_feature, feature.id, command)

    assert [one.name for one in shop.terms_of(plan, 2).features] == ["API Calls"]
    assert [one.name for one in shop.terms_of(plan, 3).features] == ["Requests"]
    assert shop.version_of(plan) == 3
