"""Commitments are made, listed and ended; what is wrong names its field; previews show true-ups."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.catalogue import PLAN, create, field_of
from tests.api.people import Person
from tests.api.sold import V1, post, sell

PATH = f"{V1}/plans/payg/commitments"
FIXED = {"type": "FIXED", "unit_price": 30}


@pytest.fixture
def charge_id(owner: Person) -> str:
    """The one charge of a plan."""
    create(owner, "/plans", PLAN | {"type": "HYBRID"})
    return str(create(owner, "/plans/payg/charges", FIXED)["id"])


def add(owner: Person, **body: Any) -> dict[str, Any]:
    return create(owner, "/plans/payg/commitments", body)


def test_commitment_is_made_listed_and_ended(owner: Person, charge_id: str) -> None:
    made = add(owner, amount="12000", charge_ids=[charge_id], term_periods=12, overage_factor="1.2")

    assert (made["amount"], made["charge_ids"], made["term_periods"]) == (12000, [charge_id], 12)
    assert (made["overage_factor"], made["ended_at"], made["subscriptions"]) == (1.2, None, 0)
    [listed] = owner.get(PATH).json()["data"]
    assert made | listed == made
    assert owner.delete(f"{PATH}/{made['id']}").status_code == 204
    [ended] = owner.get(PATH).json()["data"]
    assert ended["ended_at"] is not None
    assert owner.delete(f"{PATH}/{made['id']}").json()["code"] == "commitment_not_found"


def test_each_edit_is_a_version_that_says_the_commitment(owner: Person, charge_id: str) -> None:
    made = add(owner, amount=100)
    owner.delete(f"{PATH}/{made['id']}")

    ended, added, *_ = owner.get(f"{V1}/plans/payg/changes").json()["data"]

    [after] = added["changes"]
    assert (after["part"], after["id"], after["before"]) == ("commitment", made["id"], None)
    assert after["after"]["amount"] == "100"
    [before] = ended["changes"]
    assert (before["part"], before["after"]) == ("commitment", None)


def test_request_that_is_repeated_makes_one(owner: Person, charge_id: str) -> None:
    headers = {"Idempotency-Key": str(uuid4())}

    first = owner.post(PATH, json={"amount": 100}, headers=headers)
    again = owner.post(PATH, json={"amount": 100}, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(owner.get(PATH).json()["data"]) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "0.001"}, "amount"),
        ({"term_periods": 0}, "term_periods"),
        ({"term_periods": 121}, "term_periods"),
        ({"overage_factor": -1}, "overage_factor"),
        ({"charge_ids": "all"}, "charge_ids"),
    ],
)
def test_what_is_wrong_with_a_commitment_is_named(
    owner: Person, charge_id: str, given: dict[str, Any], field: str
) -> None:
    answer = owner.post(PATH, json={"amount": 100} | given)

    assert (answer.status_code, field_of(answer)) == (422, field)


def test_charges_are_those_of_the_plan(owner: Person, charge_id: str) -> None:
    answer = owner.post(PATH, json={"amount": 100, "charge_ids": [str(uuid4())]})

    assert (answer.status_code, answer.json()["code"]) == (404, "charge_not_found")


def test_charge_counts_for_one_commitment_at_a_time(owner: Person, charge_id: str) -> None:
    other = create(owner, "/plans/payg/charges", FIXED)["id"]
    made = add(owner, amount=100, charge_ids=[charge_id])

    answer = owner.post(PATH, json={"amount": 100})

    assert (answer.status_code, answer.json()["code"]) == (409, "commitment_overlaps")
    add(owner, amount=100, charge_ids=[other])
    owner.delete(f"{PATH}/{made['id']}")
    add(owner, amount=200, charge_ids=[charge_id])


def test_charge_in_an_own_unit_does_not_count(owner: Person, charge_id: str) -> None:
    create(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 0, "tax": "at_purchase"})
    priced = FIXED | {"unit": "TOKENS", "overage_rate": "0.01"}
    tokens = create(owner, "/plans/payg/charges", priced)["id"]

    answer = owner.post(PATH, json={"amount": 100, "charge_ids": [tokens]})

    assert (answer.status_code, answer.json()["code"]) == (422, "charge_in_unit")


def test_preview_and_draft_show_the_true_up(owner: Person) -> None:
    sold = sell(owner)
    made = post(owner, f"/plans/{sold.plan['id']}/commitments", {"amount": 100})
    subscription = sold.subscribe("2026-03-01T00:00:00Z")

    preview = post(owner, f"/subscriptions/{subscription['id']}/preview-invoice", {})
    priced = post(owner, f"/plans/{sold.plan['id']}/price", {})

    [true_up] = preview["true_ups"]
    assert (true_up["commitment_id"], true_up["line_id"]) == (made["id"], None)
    assert true_up["amount"] == 100
    assert [one["type"] for one in priced["lines"]][-1] == "true_up"
    assert priced["total"] == 100


def test_invoice_shows_the_line_of_a_true_up_and_explains_it(owner: Person) -> None:
    sold = sell(owner)
    made = post(owner, f"/plans/{sold.plan['id']}/commitments", {"amount": 100})
    subscription = sold.subscribe("2025-12-01T00:00:00Z")

    [bill, *_] = post(owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})["data"]

    invoice = owner.get(f"{V1}/invoices/{bill['id']}").json()
    [true_up] = invoice["true_ups"]
    [line] = [one for one in invoice["line_items"] if one["type"] == "true_up"]
    assert true_up == {"commitment_id": made["id"], "line_id": line["id"], "amount": 100}
    path = f"{V1}/invoices/{bill['id']}/lines/{line['id']}/explain"
    steps = owner.get(path).json()["steps"]
    assert [one["name"] for one in steps] == ["commitment", "spent", "true_up", "round"]
    assert owner.post(f"{V1}/invoices/{bill['id']}/verify", json={}).json()["result"] == "equal"
