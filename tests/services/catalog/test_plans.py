"""Plans, charges and what plans grant: what is refused, and by which field."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.errors import BillingError, Conflict, InvalidInput, NotFound
from billing.metering.aggregations import Aggregation
from billing.periods import Interval
from billing.rating.terms import ChargeType, PlanType
from models.base import new_id
from models.catalog.plans import Plan
from models.customers import Customer
from models.subscriptions.subscriptions import Subscription
from repositories.catalog.shown import PLAN_PAGES
from services import customers
from services.catalog import charges, grants, plans
from services.catalog.charges import AddCharge
from services.catalog.grants import Grant, UpdateGrant
from services.customers import CreateCustomer, CustomerDetails
from tests.services.shop import NOW, Shop

TIERS = [{"up_to": None, "unit_price": "1"}]


def subscribe(
    shop: Shop, plan: Plan, status: str = "ACTIVE", customer: Customer | None = None
) -> Customer:
    details = CustomerDetails(name="Harbor Labs", email="ap@harbor.test")
    customer = customer or shop.do(customers.create_customer, CreateCustomer(details=details))
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.add(
            Subscription(
                organization_id=shop.organization_id,
                id=new_id(),
                customer_id=customer.id,
                plan_id=plan.id,
                status=status,
                timezone="UTC",
                billing_interval="month",
                anchor_at=NOW,
                start_date=NOW,
                current_period_start=NOW,
                current_period_end=datetime(2026, 4, 2, 8, 0, tzinfo=UTC),
                ended_at=NOW if status == "CANCELED" else None,
                created_at=NOW,
            )
        )
    return customer


def test_second_plan_with_a_lookup_id_is_refused(shop: Shop, other_shop: Shop) -> None:
    shop.add_plan("payg")
    other = shop.add_plan("other")
    other_shop.add_plan("payg")

    with pytest.raises(Conflict) as created:
        shop.add_plan("payg")
    with pytest.raises(Conflict) as renamed:
        shop.edit_plan(other, lookup_id="payg")

    for caught in (created, renamed):
        assert (caught.value.code, caught.value.field) == ("lookup_id_taken", "lookup_id")
    assert shop.version_of(other) == 1


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"currency": "XAU"}, "currency"),
        ({"currency": "dollars"}, "currency"),
        ({"trial_days": -1}, "trial_days"),
        ({"trial_days": 10**40}, "trial_days"),
        ({"billing_interval_count": 0}, "billing_interval_count"),
        ({"billing_interval_count": 1001}, "billing_interval_count"),
    ],
)
def test_plan_that_cannot_bill_is_refused_by_field(
    shop: Shop, details: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        shop.add_plan(**details)

    assert caught.value.field == field
    assert shop.show(PLAN_PAGES).total == 0


@pytest.mark.parametrize(
    ("type", "taken", "refused"),
    [
        (PlanType.FIXED, ChargeType.FIXED, ChargeType.USAGE),
        (PlanType.USAGE, ChargeType.USAGE, ChargeType.FIXED),
    ],
)
def test_type_of_a_plan_says_which_charges_it_takes(
    shop: Shop, type: PlanType, taken: ChargeType, refused: ChargeType
) -> None:
    plan, meter = shop.add_plan(type=type), shop.add_meter()

    def add(kind: ChargeType) -> None:
        meter_id = meter.id if kind is ChargeType.USAGE else None
        command = AddCharge(type=kind, unit_price=Decimal(1), meter_id=meter_id)
        shop.do(charges.add_charge, plan.id, command)

    add(taken)
    with pytest.raises(InvalidInput) as caught:
        add(refused)

    assert caught.value.field == "type"
    assert len(shop.terms_of(plan).charges) == 1


def test_type_of_a_plan_cannot_leave_its_charges_behind(shop: Shop) -> None:
    plan, meter = shop.add_plan(), shop.add_meter()
    shop.add_usage_charge(plan, meter.id)

    with pytest.raises(InvalidInput) as caught:
        shop.edit_plan(plan, type=PlanType.FIXED)

    assert caught.value.field == "type"
    assert shop.edit_plan(plan, type=PlanType.USAGE).version == 3


def test_daily_allowance_on_a_meter_that_does_not_add_up_is_refused(shop: Shop) -> None:
    plan, feature = shop.add_plan(), shop.add_feature()
    peak = shop.add_meter("peak", aggregation_type=Aggregation.MAX)
    peaks = shop.add_feature("peaks", meter_id=peak.id)
    shop.add_usage_charge(plan, peak.id)

    with pytest.raises(InvalidInput) as caught:
        shop.grant(plan, peaks, usage_limit=Decimal(5), usage_reset_period=Interval.DAY)

    assert caught.value.field == "usage_reset_period"
    granted = shop.grant(
        plan, peaks, usage_limit=Decimal(5), usage_reset_period=Interval.MONTH
    ).granted
    with pytest.raises(InvalidInput) as changed:
        shop.do(
            grants.update_plan_feature,
            plan.id,
            granted.id,
            UpdateGrant(
                grant=Grant(usage_reset_period=Interval.DAY),
                given=frozenset({"usage_reset_period"}),
            ),
        )
    assert changed.value.field == "usage_reset_period"
    with pytest.raises(InvalidInput) as shortened:
        shop.edit_plan(plan, billing_interval=Interval.WEEK)
    assert shortened.value.field == "billing_interval"
    shop.grant(plan, feature, usage_limit=Decimal(5), usage_reset_period=Interval.DAY)


@pytest.mark.parametrize("status", ["TRIAL", "ACTIVE", "PAST_DUE", "PAUSED"])
def test_plan_with_a_live_subscription_stays_as_it_bills(shop: Shop, status: str) -> None:
    plan = shop.add_plan()
    subscribe(shop, plan, status)

    attempts: list[tuple[dict[str, Any], str]] = [
        ({"billing_interval": Interval.YEAR}, "billing_interval"),
        ({"billing_interval_count": 2}, "billing_interval_count"),
        ({"currency": "EUR"}, "currency"),
    ]
    for values, field in attempts:
        with pytest.raises(Conflict) as caught:
            shop.edit_plan(plan, **values)
        assert (caught.value.code, caught.value.field) == ("plan_in_use", field)
    with pytest.raises(Conflict):
        shop.do(plans.delete_plan, plan.id)
    assert shop.edit_plan(plan, name="Renamed", is_active=False).version == 2


def test_plan_is_deleted_once_its_subscriptions_ended(shop: Shop) -> None:
    plan = shop.add_plan("payg")
    subscribe(shop, plan, "CANCELED")

    shop.do(plans.delete_plan, plan.id)

    with pytest.raises(NotFound):
        shop.do(plans.delete_plan, plan.id)
    assert shop.terms_of(plan, 1).name == "Pay as you go"
    assert shop.add_plan("payg").id != plan.id


def test_lists_of_plans_are_filtered_and_counted(shop: Shop) -> None:
    shop.add_plan("a", type=PlanType.FIXED)
    shop.add_plan("b", type=PlanType.USAGE, is_active=False)
    shop.add_plan("c", type=PlanType.USAGE)

    def found(**options: Any) -> tuple[list[str], int]:
        page = shop.show(PLAN_PAGES, **options)
        return [row.lookup_id for row in page.data], page.total

    assert found() == (["a", "b", "c"], 3)
    assert found(type=PlanType.USAGE) == (["b", "c"], 2)
    assert found(is_active=True) == (["a", "c"], 2)
    assert found(offset=1, limit=1) == (["b"], 3)
    assert found(offset=9) == ([], 3)


def test_every_refusal_is_a_billing_error_with_a_code(shop: Shop) -> None:
    with pytest.raises(BillingError) as caught:
        shop.add_plan(currency="XXX")

    assert caught.value.code == "unknown_currency"
