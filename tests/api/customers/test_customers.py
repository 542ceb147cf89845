"""Customers and tax rates over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response

from tests.api.people import Clock, Person

CUSTOMERS = "/api/v1/customers"
TAX_RATES = "/api/v1/tax-rates"
PLANS = "/api/v1/plans"
SUBSCRIPTIONS = "/api/v1/subscriptions"
HARBOR = {
    "name": "Harbor Labs",
    "email": "ap@harbor.test",
    "external_id": "acct_77",
    "phone": "+44-20-5550-0101",
    "billing_address_line1": "4 Quay St",
    "billing_address_city": "Leeds",
    "billing_address_state": "WYK",
    "billing_address_country": "GB",
    "billing_address_postal_code": "LS1 4AA",
    "tax_id": "GB330331015",
    "language": "fr",
    "buyer_reference": "PO 4711",
}


def create(person: Person, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = person.post(path, json=body)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def field_of(answer: Response) -> str:
    return str(answer.json()["errors"][0]["field"])


def test_customer_is_answered_as_documented(owner: Person) -> None:
    created = create(owner, CUSTOMERS, HARBOR)

    assert created == {
        **HARBOR,
        "id": created["id"],
        "organization_id": owner.get("/api/v1/organization").json()["id"],
        "test_clock_id": None,
        "auto_created": False,
        "created_at": "2026-03-02T08:00:00Z",
        "updated_at": "2026-03-02T08:00:00Z",
    }
    assert owner.get(f"{CUSTOMERS}/{created['id']}").json() == created


def test_language_is_one_of_those_that_documents_have(owner: Person) -> None:
    created = create(owner, CUSTOMERS, HARBOR | {"language": "JA"})
    path = f"{CUSTOMERS}/{created['id']}"

    unknown = owner.patch(path, json={"language": "tlh"})

    assert created["language"] == "ja"
    assert (unknown.status_code, field_of(unknown)) == (422, "language")
    assert owner.patch(path, json={"language": None}).json()["language"] is None
    assert field_of(owner.patch(path, json={"tax_id": ""})) == "tax_id"
    assert field_of(owner.patch(path, json={"buyer_reference": 4711})) == "buyer_reference"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_customer_is_edited_by_what_is_given(owner: Person, clock: Clock, method: str) -> None:
    created = create(owner, CUSTOMERS, HARBOR)
    clock.advance(minutes=5)

    edited = owner.request(
        method, f"{CUSTOMERS}/{created['id']}", json={"name": "Harbor", "phone": None}
    )

    assert edited.status_code == 200
    assert edited.json() == {
        **created,
        "name": "Harbor",
        "phone": None,
        "updated_at": "2026-03-02T08:05:00Z",
    }


def test_customers_are_listed_searched_and_counted(owner: Person) -> None:
    for number in range(3):
        body = {"name": f"Shop {number}", "email": f"s{number}@shop.test"}
        create(owner, CUSTOMERS, {**body, "external_id": f"acct_{number}"})

    def names(query: str) -> list[str]:
        return [one["name"] for one in owner.get(CUSTOMERS + query).json()["data"]]

    assert names("") == ["Shop 0", "Shop 1", "Shop 2"]
    assert names("?page_size=2&page=2") == ["Shop 2"]
    assert names("?q=ACCT_1") == ["Shop 1"]
    assert names("?q=s2@shop") == ["Shop 2"]
    assert names("?q=%25") == []
    assert names("?q=%20") == ["Shop 0", "Shop 1", "Shop 2"]
    assert owner.get(f"{CUSTOMERS}?q=shop&page_size=1").json()["meta"] == {
        "page": 1,
        "page_size": 1,
        "total": 3,
        "total_pages": 3,
    }


@pytest.mark.parametrize(
    "query", ["q=" + "x" * 501, "page=0", "page_size=0", "page=x", "test_clock_id=x"]
)
def test_bad_query_values_are_refused(owner: Person, query: str) -> None:
    answer = owner.get(f"{CUSTOMERS}?{query}")

    assert answer.status_code == 422
    assert field_of(answer) == query.partition("=")[0]


def test_nul_in_a_search_is_refused(owner: Person) -> None:
    assert owner.get(f"{CUSTOMERS}?q=%00").status_code == 422


def test_external_id_that_is_taken_is_a_conflict(owner: Person) -> None:
    create(owner, CUSTOMERS, HARBOR)

    answer = owner.post(CUSTOMERS, json=HARBOR)

    assert (answer.status_code, answer.json()["code"]) == (409, "external_id_taken")
    assert field_of(answer) == "external_id"


def test_unknown_test_clock_is_not_found(owner: Person) -> None:
    answer = owner.post(CUSTOMERS, json={**HARBOR, "test_clock_id": str(uuid4())})

    assert (answer.status_code, field_of(answer)) == (404, "test_clock_id")


def test_deleting_a_customer_ends_its_subscriptions(owner: Person) -> None:
    customer = create(owner, CUSTOMERS, HARBOR)
    plan = create(
        owner,
        PLANS,
        {
            "name": "Platform",
            "lookup_id": "platform",
            "type": "FIXED",
            "billing_interval": "month",
            "currency": "USD",
        },
    )
    body = {
        "customer_id": customer["id"],
        "plan_id": plan["id"],
        "start_date": "2026-03-01T00:00:00Z",
    }
    subscription = create(owner, SUBSCRIPTIONS, body)
    assert owner.delete(f"{PLANS}/{plan['id']}").status_code == 409

    assert owner.delete(f"{CUSTOMERS}/{customer['id']}").status_code == 204

    assert owner.get(f"{CUSTOMERS}/{customer['id']}").status_code == 404
    assert owner.delete(f"{CUSTOMERS}/{customer['id']}").status_code == 404
    assert owner.get(f"{SUBSCRIPTIONS}/{subscription['id']}").status_code == 404
    assert owner.post(SUBSCRIPTIONS, json=body).status_code == 404
    assert owner.delete(f"{PLANS}/{plan['id']}").status_code == 204
    assert create(owner, CUSTOMERS, HARBOR)["id"] != customer["id"]


def test_another_organization_reaches_no_customer(sign_up: Callable[..., Person]) -> None:
    ours, theirs = sign_up("Lumen Works"), sign_up("Harbor Works")
    customer = create(ours, CUSTOMERS, HARBOR)
    rate = create(ours, TAX_RATES, {"name": "VAT", "country": "GB", "percentage": 20})
    create(theirs, CUSTOMERS, HARBOR)
    path = f"{CUSTOMERS}/{customer['id']}"

    reached = [
        theirs.get(path),
        theirs.put(path, json={"name": "Mine"}),
        theirs.delete(path),
        theirs.get(f"{TAX_RATES}/{rate['id']}"),
        theirs.delete(f"{TAX_RATES}/{rate['id']}"),
    ]

    assert [answer.status_code for answer in reached] == [404] * 5
    assert ours.get(path).json() == customer
    assert theirs.get(f"{CUSTOMERS}?q=acct_77").json()["meta"]["total"] == 1


def test_tax_rates_are_kept_exactly_and_deleted_softly(owner: Person) -> None:
    body = {"name": "QST", "country": "ca", "state": "QC", "percentage": "9.975"}

    created = create(owner, TAX_RATES, body)

    assert created == {
        "id": created["id"],
        "name": "QST",
        "country": "CA",
        "state": "QC",
        "percentage": 9.975,
        "inclusive": False,
        "category": None,
        "exemption_reason": None,
        "created_at": "2026-03-02T08:00:00Z",
    }
    assert owner.get(f"{TAX_RATES}?country=ca").json()["data"] == [created]
    assert owner.get(f"{TAX_RATES}?country=GB").json()["data"] == []
    assert owner.delete(f"{TAX_RATES}/{created['id']}").status_code == 204
    assert owner.delete(f"{TAX_RATES}/{created['id']}").status_code == 404
    assert owner.get(TAX_RATES).json()["data"] == []
