"""Every price model from the plan's JSON to the invoice, and the preview that says the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.scenarios.account import TIERS, Account

STAIRS = {
    "model": "stairstep",
    "tiers": [{"up_to": 100, "flat_fee": 10}, {"up_to": None, "flat_fee": 25}],
}

CASES = [
    pytest.param({"unit_price": Decimal("0.0005")}, 82450, "41.23", id="per unit"),
    pytest.param({"pricing": TIERS}, 12000, "12.00", id="graduated"),
    pytest.param({"pricing": {**TIERS, "model": "volume"}}, 12000, "6.00", id="volume"),
    pytest.param(
        {"pricing": {"model": "package", "package_size": 100, "unit_price": 5}},
        201,
        "15.00",
        id="package",
    ),
    pytest.param({"pricing": STAIRS}, 100, "10.00", id="stairstep on its bound"),
    pytest.param({"pricing": STAIRS}, 101, "25.00", id="stairstep past its bound"),
    pytest.param(
        {"pricing": {"model": "percentage", "rate": "0.029", "fixed_fee": "0.30"}},
        1000,
        "29.30",
        id="percentage",
    ),
    pytest.param({"unit_price": 1, "included_units": 30}, 100, "70.00", id="included units"),
    pytest.param({"unit_price": 1, "minimum": 200}, 100, "200.00", id="minimum"),
    pytest.param({"unit_price": 1, "maximum": 50}, 100, "50.00", id="maximum"),
]


def subscribe(account: Account, charge: dict[str, Any], **plan: Any) -> tuple[Any, Any, Any]:
    """A clock, a subscription with that charge, and its meter feature."""
    feature = account.create_meter()
    made = account.create_plan(**plan)
    body = {"type": "USAGE", "meter_id": feature["meter_id"], **charge}
    account.post(f"/plans/{made['id']}/charges", body)
    clock = account.create_clock()
    customer = account.create_customer(clock=clock, billing_address_country="DE")
    return clock, account.subscribe(customer, made), feature


@pytest.mark.parametrize(("charge", "usage", "total"), CASES)
def test_price_model_bills_as_configured_and_as_previewed(
    account: Account, charge: dict[str, Any], usage: int, total: str
) -> None:
    clock, subscription, _ = subscribe(account, charge)
    account.track("api_calls", "acct_77", usage, "2025-01-01T00:00:00Z")

    preview = account.post(f"/subscriptions/{subscription['id']}/preview-invoice")
    account.advance(clock, "2025-02-01T01:00:00Z")

    [invoice] = account.invoices(subscription)
    assert preview["status"] == "PREVIEW"
    assert preview["total"] == invoice["total"] == Decimal(total)
    assert preview["line_items"][0]["tiers"] == invoice["line_items"][0]["tiers"]
    verified = account.post(f"/invoices/{invoice['id']}/verify")
    assert verified["result"] == "equal"


def test_free_tier_of_the_plan_feature_is_taken_off(account: Account) -> None:
    clock, subscription, feature = subscribe(account, {"unit_price": Decimal("0.001")})
    account.post(
        f"/plans/{subscription['plan_id']}/features",
        {
            "feature_id": feature["id"],
            "is_enabled": True,
            "usage_limit": 1000,
            "usage_reset_period": "month",
            "is_soft_limit": True,
        },
    )
    account.track("api_calls", "acct_77", 1500, "2025-01-01T00:00:00Z")

    account.advance(clock, "2025-02-01T01:00:00Z")

    [invoice] = account.invoices(subscription)
    [line] = invoice["line_items"]
    assert (line["quantity"], line["usage_quantity"], line["included_quantity"]) == (
        500,
        1500,
        1000,
    )
    assert invoice["total"] == Decimal("0.50")
    assert "API Calls (1,500 calls − 1,000 included = 500 × $0.001)" in account.text(invoice)


@pytest.mark.parametrize(
    ("over_limit", "total", "exceeded"), [("bill", "50.00", True), ("waive", "0.00", True)]
)
def test_hard_limit_is_marked_and_waived_where_the_plan_says_so(
    account: Account, over_limit: str, total: str, exceeded: bool
) -> None:
    clock, subscription, feature = subscribe(account, {"unit_price": 1})
    account.post(
        f"/plans/{subscription['plan_id']}/features",
        {
            "feature_id": feature["id"],
            "is_enabled": True,
            "usage_limit": 100,
            "is_soft_limit": False,
            "over_limit": over_limit,
        },
    )
    account.track("api_calls", "acct_77", 150, "2025-01-01T00:00:00Z")

    account.advance(clock, "2025-02-01T01:00:00Z")

    [invoice] = account.invoices(subscription)
    [line] = invoice["line_items"]
    assert (line["limit_exceeded"], line["over_limit_quantity"]) == (exceeded, 50)
    assert invoice["total"] == Decimal(total)


@pytest.mark.parametrize(
    ("currency", "unit_price", "total"),
    [("JPY", "0.5", "1"), ("KWD", "0.0005", "0.001"), ("USD", "0.005", "0.01")],
)
def test_rounding_is_half_away_from_zero_to_the_currency(
    account: Account, currency: str, unit_price: str, total: str
) -> None:
    clock, subscription, _ = subscribe(account, {"unit_price": unit_price}, currency=currency)
    account.track("api_calls", "acct_77", 1, "2025-01-01T00:00:00Z")

    account.advance(clock, "2025-02-01T01:00:00Z")

    [invoice] = account.invoices(subscription)
    assert (invoice["currency"], invoice["total"]) == (currency, Decimal(total))


@pytest.mark.parametrize(
    ("inclusive", "subtotal", "tax", "total"),
    [(False, "100.00", "19.00", "119.00"), (True, "84.03", "15.97", "100.00")],
)
def test_tax_of_the_customers_country(
    account: Account, inclusive: bool, subtotal: str, tax: str, total: str
) -> None:
    account.post(
        "/tax-rates",
        {"name": "VAT", "country": "DE", "percentage": 19, "inclusive": inclusive},
    )
    clock, subscription, _ = subscribe(account, {"unit_price": 1})
    account.track("api_calls", "acct_77", 100, "2025-01-01T00:00:00Z")

    account.advance(clock, "2025-02-01T01:00:00Z")

    [invoice] = account.invoices(subscription)
    assert invoice["tax_status"] == "calculated"
    assert [invoice[name] for name in ("subtotal", "tax", "total")] == [
        Decimal(subtotal),
        Decimal(tax),
        Decimal(total),
    ]
