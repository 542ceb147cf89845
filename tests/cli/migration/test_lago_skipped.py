"""What Lago exports and has no counterpart here: told by its name, with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from cli.migration.exports import Record
from cli.migration.lago import translate

METRIC = {"name": "Calls", "code": "calls", "aggregation_type": "sum_agg", "field_name": "n"}
STANDARD = {"charge_model": "standard", "properties": {"amount": "1"}}
CHARGE = {"billable_metric_code": "calls", "filters": [], "min_amount_cents": 0, **STANDARD}
PLAN = {
    "name": "Pro",
    "code": "pro",
    "interval": "monthly",
    "amount_cents": 100,
    "amount_currency": "EUR",
    "charges": [CHARGE],
}
CUSTOMER = {"external_id": "acct_77", "name": "Harbor Labs", "email": "ap@harbor.test"}
SUBSCRIPTION = {
    "external_id": "sub_77",
    "external_customer_id": "acct_77",
    "plan_code": "pro",
    "status": "active",
    "ending_at": None,
    "next_plan_code": None,
    "billing_time": "calendar",
    "current_billing_period_ending_at": "2099-01-31T23:59:59Z",
}


def skipped(**kinds: dict[str, Any]) -> dict[str, str]:
    """What is told of an export whose objects have these fields besides what is taken."""
    plain: dict[str, dict[str, Any]] = {
        "billable_metrics": METRIC,
        "plans": PLAN,
        "customers": CUSTOMER,
        "subscriptions": SUBSCRIPTION,
    }
    records = [Record(body | kinds.get(kind, {}), kind) for kind, body in plain.items()]
    return {one.source: one.reason for one in translate(records).skipped}


def test_nothing_is_told_where_all_is_taken() -> None:
    assert skipped() == {}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("pay_in_advance", True, "fees are billed at the end of a period here"),
        ("minimum_commitment", {"amount_cents": 9900}, "make a commitment of one period by hand"),
        ("bill_charges_monthly", True, "all charges have the plan's interval"),
        ("usage_thresholds", [{"amount_cents": 5000}], "threshold_amount on each subscription"),
        ("taxes", [{"code": "vat_de", "rate": 19.0}], "tax rates go by country here"),
        ("entitlements", [{"code": "sso"}], "grant features to the plan by hand"),
    ],
)
def test_field_of_a_plan_is_told_and_the_plan_is_taken(
    field: str, value: object, reason: str
) -> None:
    [(source, told)] = skipped(plans={field: value}).items()

    assert source == f"plan pro.{field}"
    assert reason in told


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"filters": [{"values": {"region": ["eu"]}}]}, "prices by filter"),
        ({"charge_model": "graduated_percentage"}, "no price model is like graduated_percentage"),
        ({"charge_model": "dynamic"}, "no price model is like dynamic"),
        ({"charge_model": "custom"}, "no price model is like custom"),
        ({"billable_metric_code": "seats"}, "its metric was skipped or is not in the export"),
        *(
            ({"charge_model": "percentage", "properties": {"rate": "1", name: 3}}, "free events")
            for name in (
                "free_units_per_events",
                "per_transaction_min_amount",
                "per_transaction_max_amount",
            )
        ),
    ],
)
def test_charge_without_a_counterpart_is_told(changed: dict[str, Any], reason: str) -> None:
    charge = CHARGE | changed

    [(source, told)] = skipped(plans={"charges": [charge]}).items()

    assert source == f"plan pro.{charge['billable_metric_code']}"
    assert reason in told


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"aggregation_type": "custom_agg"}, "no aggregation is like custom_agg"),
        ({"recurring": True}, "it keeps its value over periods"),
        ({"expression": "event.properties.n * 2"}, "it computes its value by an expression"),
    ],
)
def test_metric_without_a_counterpart_is_told_with_its_charges(
    changed: dict[str, Any], reason: str
) -> None:
    told = skipped(billable_metrics=changed)

    assert list(told) == ["metric calls", "plan pro.calls"]
    assert reason in told["metric calls"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status": "terminated"}, "it is terminated"),
        ({"status": "pending"}, "it is pending"),
        ({"ending_at": "2099-06-30T00:00:00Z"}, "it is about to end or to change"),
        ({"next_plan_code": "team"}, "it is about to end or to change"),
    ],
)
def test_subscription_that_cannot_go_on_here_is_told(changed: dict[str, Any], reason: str) -> None:
    assert reason in skipped(subscriptions=changed)["subscription sub_77"]


def test_customer_without_an_address_and_unknown_intervals_are_told() -> None:
    assert skipped(customers={"email": None}) == {
        "customer acct_77": "the customer has no e-mail address"
    }
    assert skipped(plans={"interval": "hourly"}) == {"plan pro": "no interval is like hourly"}
