"""What a plan would cost, before anybody is billed by it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import V1, Sold, post, sell

GRADUATED = {
    "model": "graduated",
    "tiers": [{"up_to": 1000, "unit_price": 0.003}, {"up_to": None, "unit_price": 0.001}],
}


@pytest.fixture
def sold(owner: Person) -> Sold:
    """1,000 calls a month are free, each further one costs 0.002."""
    found = sell(owner)
    post(owner, f"/plans/{found.plan['id']}/charges", usage_charge(found, unit_price=0.002))
    return found


def usage_charge(sold: Sold, **more: Any) -> dict[str, Any]:
    return {"type": "USAGE", "meter_id": sold.feature["meter"]["id"], **more}


def calls(sold: Sold, quantity: Any, **more: Any) -> dict[str, Any]:
    return {"meter_id": sold.feature["meter"]["id"], "quantity": quantity, **more}


def ask(sold: Sold, **asked: Any) -> Any:
    return sold.owner.post(f"{V1}/plans/{sold.plan['id']}/price", json=asked)


def price(sold: Sold, **asked: Any) -> dict[str, Any]:
    """What quantities cost by the plan."""
    return post(sold.owner, f"/plans/{sold.plan['id']}/price", asked)


def plan_of(sold: Sold) -> dict[str, Any]:
    return dict(sold.owner.get(f"{V1}/plans/{sold.plan['id']}").json())


def test_quantities_cost_what_a_bill_of_them_would(sold: Sold) -> None:
    subscription = sold.subscribe()
    sold.used(5000, "2026-03-01T12:00:00Z")
    billed = post(sold.owner, f"/subscriptions/{subscription['id']}/preview-invoice", {})

    found = price(sold, quantities=[calls(sold, 5000)])

    same = ("description", "quantity", "line_total", "exact_amount", "included_quantity", "tiers")
    [line], [other] = found["lines"], billed["line_items"]
    assert found["total"] == billed["total"] == 8
    assert {name: line[name] for name in same} == {name: other[name] for name in same}
    assert [step["name"] for step in line["steps"]] == [
        *("aggregate", "included_units", "price", "round")
    ]
    assert found["version"] == plan_of(sold)["version"]


def test_an_edit_that_is_not_made_is_priced_and_changes_nothing(sold: Sold) -> None:
    before = plan_of(sold)
    [old] = before["charges"]
    edit = {"add": [usage_charge(sold, pricing=GRADUATED)], "deactivate": [old["id"]]}

    found = price(sold, quantities=[calls(sold, 5000)], edit=edit)

    [line] = found["lines"]
    assert [tier["amount"] for tier in line["tiers"]] == [3, 3]
    assert (found["total"], found["version"]) == (6, None)
    assert plan_of(sold) == before


def test_a_version_of_before_is_priced_as_it_was(sold: Sold) -> None:
    version = plan_of(sold)["version"]
    fee = {"type": "FIXED", "unit_price": 9, "display_name": "Base"}
    post(sold.owner, f"/plans/{sold.plan['id']}/charges", fee)

    old, new = price(sold, version=version), price(sold)

    assert [one["total"] for one in (old, new)] == [0, 9]


def test_taxes_and_coupons_are_those_of_the_customer(sold: Sold) -> None:
    owner, customer_id = sold.owner, sold.customer["id"]
    owner.patch(f"{V1}/customers/{customer_id}", json={"billing_address_country": "DE"})
    post(owner, "/tax-rates", {"name": "VAT", "country": "DE", "percentage": 19})
    post(owner, "/coupons", {"code": "HALF", "percent": 50})
    post(owner, f"/customers/{customer_id}/coupons", {"code": "HALF"})

    found = price(sold, quantities=[calls(sold, 5000)], customer_id=customer_id)
    nobody = price(sold, quantities=[calls(sold, 5000)])

    told = ("subtotal", "coupons_total", "tax", "tax_status", "total")
    assert [found[name] for name in told] == [8, 4, 0.76, "calculated", 4.76]
    assert [nobody[name] for name in told] == [8, 0, 0, None, 8]
    assert found["lines"][0]["steps"][-1]["inputs"]["code"] == "HALF"


def test_properties_decide_which_price_a_quantity_has(sold: Sold) -> None:
    [old] = plan_of(sold)["charges"]
    grouped = usage_charge(
        sold,
        unit_price=0.001,
        included_units=0,
        group_by=["model"],
        group_prices=[{"values": ["large"], "unit_price": 0.01}],
    )

    found = price(
        sold,
        edit={"add": [grouped], "deactivate": [old["id"]]},
        quantities=[
            calls(sold, 100, properties={"model": "large"}),
            calls(sold, 100, properties={"model": "small"}),
            calls(sold, 100),
        ],
    )

    assert [(one["group"]["kind"], one["line_total"]) for one in found["lines"]] == [
        ("named", 1),
        ("others", 0.1),
        ("missing", 0.1),
    ]


def test_a_fee_an_event_is_due_for_as_many_as_are_named(sold: Sold) -> None:
    [old] = plan_of(sold)["charges"]
    pricing = {"model": "percentage", "rate": 1, "fixed_fee": 0.5}
    edit = {
        "add": [usage_charge(sold, pricing=pricing, included_units=0)],
        "deactivate": [old["id"]],
    }

    one = price(sold, quantities=[calls(sold, 1000)], edit=edit)
    ten = price(sold, quantities=[calls(sold, 1000, events=10)], edit=edit)

    assert ten["total"] - one["total"] == 4.5


@pytest.mark.parametrize(
    ("asked", "status", "code", "field"),
    [
        (
            {"quantities": [{"meter_id": "0" * 32, "quantity": 1}]},
            404,
            "meter_not_found",
            "0.meter_id",
        ),
        ({"version": 77}, 404, "plan_version_not_found", None),
        ({"version": 0}, 422, None, "version"),
        ({"edit": {"deactivate": ["0" * 32]}}, 404, "charge_not_found", "edit.deactivate.0"),
        ({"edit": {"add": [{"type": "FIXED"}]}}, 422, "invalid_input", "edit.add.0.unit_price"),
        ({"version": 1, "edit": {}}, 422, "invalid_input", "version"),
        ({"customer_id": "0" * 32}, 404, "customer_not_found", "customer_id"),
    ],
)
def test_what_cannot_be_is_named(
    sold: Sold, asked: dict[str, Any], status: int, code: str | None, field: str | None
) -> None:
    answer = ask(sold, **asked)

    assert answer.status_code == status, answer.text
    assert code is None or answer.json()["code"] == code
    assert field is None or field in str(answer.json())


def test_a_meter_that_the_plan_does_not_charge_is_refused(sold: Sold) -> None:
    [charge] = plan_of(sold)["charges"]
    removed = {"deactivate": [charge["id"]]}

    answer = ask(sold, quantities=[calls(sold, 1)], edit=removed)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_quantity")
    assert "quantities.0.meter_id" in answer.text


def test_the_largest_numbers_are_priced_or_refused(sold: Sold) -> None:
    [old] = plan_of(sold)["charges"]
    dear = usage_charge(sold, unit_price="9" * 29 + "." + "9" * 30)

    answer = ask(
        sold,
        quantities=[calls(sold, "9" * 30)],
        edit={"add": [dear], "deactivate": [old["id"]]},
    )

    assert answer.status_code in (200, 422), answer.text


def test_who_reads_bills_may_ask_and_others_may_not(sold: Sold) -> None:
    path = f"{V1}/plans/{sold.plan['id']}/price"

    reader = sold.owner.post(path, json={}, headers={"X-API-Key": sold.key})

    assert reader.status_code == 403


@pytest.mark.parametrize(
    ("more", "total"), [({"overage_rate": 0.01}, 2), ({"shortfall": "block"}, 0)]
)
def test_what_is_priced_in_a_unit_costs_what_it_does_without_credit(
    sold: Sold, more: dict[str, Any], total: int
) -> None:
    unit = {"code": "TOKENS", "name": "Tokens", "scale": 0, "tax": "at_purchase"}
    post(sold.owner, "/units", unit)
    [old] = plan_of(sold)["charges"]
    priced = usage_charge(sold, unit_price=2, unit="TOKENS", included_units=0, **more)

    found = price(
        sold,
        quantities=[calls(sold, 100)],
        edit={"add": [priced], "deactivate": [old["id"]]},
        customer_id=sold.customer["id"],
    )

    assert found["total"] == total
    assert len(found["lines"]) == 1
