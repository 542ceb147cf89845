"""Access ends with the credit that pays for it, at the event that uses the last of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import V1, Sold, post, sell

BLOCKED = {"unit_price": "0.5", "shortfall": "block"}


def sell_by_credit(owner: Person, **charge: Any) -> Sold:
    """A subscribed customer without limits, whose calls cost what the charge says."""
    sold = sell(owner, usage_limit=None)
    whole = {"type": "USAGE", "meter_id": sold.feature["meter_id"], **charge}
    post(owner, f"/plans/{sold.plan['id']}/charges", whole)
    sold.subscribe()
    return sold


def grant(sold: Sold, amount: int, **more: Any) -> None:
    body = {"unit": "USD", "amount": amount, **more}
    post(sold.owner, f"/customers/{sold.customer['id']}/grants", body)


def balance(sold: Sold) -> dict[str, Any]:
    shown = sold.owner.get(f"{V1}/customers/{sold.customer['id']}/balance?unit=USD").json()
    return {name: shown[name] for name in ("settled", "accruing", "held", "available")}


def test_access_is_there_while_credit_is_and_ends_with_the_last_of_it(owner: Person) -> None:
    sold = sell_by_credit(owner, **BLOCKED)
    assert (sold.check()["has_access"], sold.check()["reason"]) == (False, "no_credit")

    grant(sold, 10)
    assert sold.check()["has_access"]
    sold.used(19)
    assert sold.check()["has_access"]
    assert balance(sold) == {"settled": 10, "accruing": 9.5, "held": 0, "available": 0.5}
    event = sold.used(1)
    assert (sold.check()["has_access"], sold.check()["reason"]) == (False, "no_credit")
    every = sold.owner.get(f"{V1}/customers/acct_77/entitlements").json()["data"]
    assert [one["reason"] for one in every] == ["no_credit"]

    voided = sold.owner.post(f"{V1}/usage/{event['id']}/void")
    assert voided.status_code == 200, voided.text
    assert sold.check()["has_access"]


def test_what_a_hold_has_is_not_there_for_others(owner: Person) -> None:
    sold = sell_by_credit(owner, **BLOCKED)
    grant(sold, 10)
    sold.used(8)
    ids = {"customer_id": sold.customer["id"], "unit": "USD"}
    until = {"expires_at": "2026-03-02T09:00:00Z"}

    refused = sold.owner.post(f"{V1}/credits/holds", json=ids | until | {"amount": 7})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_credit")
    held = post(sold.owner, "/credits/holds", ids | until | {"amount": 6})

    assert balance(sold) == {"settled": 10, "accruing": 4, "held": 6, "available": 0}
    assert sold.check()["reason"] == "no_credit"
    assert sold.owner.delete(f"{V1}/credits/holds/{held['id']}").status_code == 204
    assert sold.check()["has_access"]


@pytest.mark.parametrize(
    ("charge", "has_access"),
    [
        ({"unit_price": 1, "shortfall": "block"}, False),
        ({"unit_price": 1}, True),
    ],
    ids=["money blocks", "money is invoiced"],
)
def test_only_a_charge_that_blocks_closes_access(
    owner: Person, charge: dict[str, Any], has_access: bool
) -> None:
    sold = sell_by_credit(owner, **charge)
    grant(sold, 5, unit="EUR")

    assert sold.check()["has_access"] is has_access


def test_credit_for_something_else_opens_nothing(owner: Person) -> None:
    sold = sell_by_credit(owner, **BLOCKED)
    other = post(
        owner,
        "/features",
        {
            "name": "Other",
            "lookup_key": "other",
            "type": "meter",
            "meter_name": "other",
            "aggregation_type": "SUM",
        },
    )
    grant(sold, 5, applies_to={"meter_ids": [other["meter_id"]]})
    assert sold.check()["reason"] == "no_credit"

    grant(sold, 5, applies_to={"meter_ids": [sold.feature["meter_id"]]})
    assert sold.check()["has_access"]


def test_what_ran_out_pays_for_what_was_used_before_and_no_more(owner: Person) -> None:
    sold = sell_by_credit(owner, **BLOCKED)
    grant(sold, 10, effective_at="2026-03-01T00:00:00Z", expires_at="2026-03-02T00:00:00Z")
    grant(sold, 3, effective_at="2026-03-01T00:00:00Z")

    sold.used(20, "2026-03-01T12:00:00Z")
    assert balance(sold) == {"settled": 3, "accruing": 0, "held": 0, "available": 3}
    sold.used(6, "2026-03-02T01:00:00Z")
    assert balance(sold) == {"settled": 3, "accruing": 3, "held": 0, "available": 0}
    assert sold.check()["reason"] == "no_credit"


def test_prices_by_property_are_each_cut_by_themselves(owner: Person) -> None:
    by_model = {
        "group_by": ["model"],
        "group_prices": [{"values": ["large"], "pricing": {"model": "per_unit", "unit_price": 2}}],
    }
    sold = sell_by_credit(owner, **BLOCKED | {"unit_price": 1} | by_model)
    grant(sold, 50, effective_at="2026-03-01T00:00:00Z", expires_at="2026-03-02T00:00:00Z")
    grant(sold, 30, effective_at="2026-03-01T00:00:00Z")

    sold.used(4, "2026-03-01T12:00:00Z", properties={"model": "small"})
    sold.used(5, "2026-03-02T01:00:00Z", properties={"model": "large"})
    sold.used(6, "2026-03-02T02:00:00Z", properties={"model": "small"})

    assert balance(sold) == {"settled": 30, "accruing": 16, "held": 0, "available": 14}


@pytest.mark.parametrize("tax", ["at_use", "at_purchase"])
def test_tokens_open_a_feature_that_is_priced_in_them(owner: Person, tax: str) -> None:
    post(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 1, "tax": tax})
    sold = sell_by_credit(owner, **BLOCKED, unit="TOKENS")
    grant(sold, 100)
    assert (sold.check()["has_access"], sold.check()["reason"]) == (False, "no_credit")

    grant(sold, 10, unit="TOKENS")
    assert sold.check()["has_access"]
    sold.used(20)

    assert (sold.check()["has_access"], sold.check()["reason"]) == (False, "no_credit")
    [subscription] = sold.owner.get(f"{V1}/subscriptions").json()["data"]
    preview = sold.owner.post(
        f"{V1}/subscriptions/{subscription['id']}/preview-invoice", json={}
    ).json()
    [line] = preview["line_items"]
    assert line["priced_in"] == {
        "unit": "TOKENS",
        "amount": 10,
        "paid": 10,
        "rest": 0,
        "overage_rate": None,
        "cost_share": 0,
    }
    assert [(one["unit"], one["amount"], one["money"]) for one in preview["credits"]] == [
        ("TOKENS", 10, 0)
    ]
    assert (preview["total"], preview["credits_total"]) == (0, 0)


def test_what_tokens_leave_takes_of_money_before_a_hold_does(owner: Person) -> None:
    post(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 0, "tax": "at_purchase"})
    sold = sell_by_credit(owner, unit_price=1, unit="TOKENS", overage_rate="0.02")
    grant(sold, 10)
    grant(sold, 50, unit="TOKENS")
    sold.used(150)
    assert balance(sold) == {"settled": 10, "accruing": 2, "held": 0, "available": 8}

    ids = {"customer_id": sold.customer["id"], "unit": "USD", "expires_at": "2026-03-02T09:00:00Z"}
    refused = sold.owner.post(f"{V1}/credits/holds", json=ids | {"amount": 10})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_credit")
    assert sold.owner.post(f"{V1}/credits/holds", json=ids | {"amount": 8}).status_code == 201


def test_money_that_tokens_leave_to_pay_closes_what_money_pays_for(owner: Person) -> None:
    post(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 0, "tax": "at_purchase"})
    sold = sell(owner, usage_limit=None)
    other = post(
        owner,
        "/features",
        {"name": "Words", "lookup_key": "words", "type": "meter", "meter_name": "words"}
        | {"aggregation_type": "SUM"},
    )
    priced = {"unit_price": 1, "unit": "TOKENS", "overage_rate": "0.02"}
    path = f"/plans/{sold.plan['id']}/charges"
    post(owner, path, {"type": "USAGE", "meter_id": other["meter_id"]} | priced)
    post(owner, path, {"type": "USAGE", "meter_id": sold.feature["meter_id"]} | BLOCKED)
    sold.subscribe()
    grant(sold, 10)
    sold.used(499, meter_name="words")
    assert sold.check()["has_access"]

    sold.used(1, meter_name="words")

    assert sold.check()["reason"] == "no_credit"
