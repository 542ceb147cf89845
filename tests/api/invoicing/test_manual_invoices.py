"""Invoices that people write: their numbers, and what credit notes give back of their tax."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from api.transport.exact_json import load_json
from tests.api.people import Clock, Person
from tests.api.sold import V1, post


@pytest.fixture
def customer(owner: Person) -> dict[str, Any]:
    """Somebody in Germany."""
    body = {"name": "Harbor Labs", "email": "ap@harbor.test", "billing_address_country": "DE"}
    return post(owner, "/customers", body)


def write(
    owner: Person,
    customer: dict[str, Any],
    amount: int = 118,
    due: str = "2027-01-31T00:00:00Z",
) -> dict[str, Any]:
    line = {"description": "Import", "quantity": 1, "unit_amount": amount}
    return post(
        owner,
        "/invoices",
        {
            "customer_id": customer["id"],
            "currency": "EUR",
            "due_date": due,
            "line_items": [line],
        },
    )


def test_number_drawn_at_finalization_is_of_the_year_of_the_issue_date(
    owner: Person, customer: dict[str, Any], clock: Clock
) -> None:
    owner.patch(f"{V1}/organization", json={"number_at": "finalization"})
    # The session ends long before the year does.
    owner.headers["X-API-Key"] = owner.make_key("billing.write")
    owner.cookies.clear()
    clock.instant = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    draft = write(owner, customer)
    clock.instant = datetime(2027, 1, 1, 0, 30, tzinfo=UTC)

    final = post(owner, f"/invoices/{draft['id']}/finalize", {})

    assert final["issue_date"] == "2026-12-31T23:30:00Z"
    assert final["invoice_number"] == "INV-2026-0001"


@pytest.mark.parametrize(
    ("is_inclusive", "expected"),
    [(True, ["50.00", "9.00", "59.00"]), (False, ["59.00", "10.62", "69.62"])],
)
def test_credit_note_gives_back_its_share_of_the_tax(
    owner: Person, customer: dict[str, Any], *, is_inclusive: bool, expected: list[str]
) -> None:
    rate = {"name": "VAT", "country": "DE", "percentage": 18, "inclusive": is_inclusive}
    post(owner, "/tax-rates", rate)
    invoice = write(owner, customer)
    post(owner, f"/invoices/{invoice['id']}/finalize", {})
    lines = [{"line_id": invoice["line_items"][0]["id"], "amount": 59}]

    path = f"{V1}/invoices/{invoice['id']}/credit-notes"
    note = load_json(owner.post(path, json={"reason": "goodwill", "lines": lines}).content)

    assert [note[name] for name in ("subtotal", "tax", "total")] == [Decimal(x) for x in expected]


def void(owner: Person, invoice: dict[str, Any]) -> None:
    post(owner, f"/invoices/{invoice['id']}/finalize", {})
    voided = owner.patch(f"{V1}/invoices/{invoice['id']}/status", json={"status": "VOID"})
    assert voided.status_code == 200


def test_void_invoice_of_a_deleted_customer_is_not_issued_again(
    owner: Person, customer: dict[str, Any]
) -> None:
    invoice = write(owner, customer)
    void(owner, invoice)
    assert owner.delete(f"{V1}/customers/{customer['id']}").status_code == 204

    answer = owner.post(f"{V1}/invoices/{invoice['id']}/reissue", json={})

    assert (answer.status_code, answer.json()["code"]) == (409, "not_reissuable")
    assert "errors" not in answer.json()
    assert "Customer not found" in answer.json()["detail"]


def test_void_invoice_of_a_customer_whose_country_was_taken_away_names_it(
    owner: Person, customer: dict[str, Any]
) -> None:
    invoice = write(owner, customer)
    void(owner, invoice)
    changed = owner.patch(
        f"{V1}/customers/{customer['id']}", json={"billing_address_country": None}
    )
    assert changed.status_code == 200

    answer = owner.post(f"{V1}/invoices/{invoice['id']}/reissue", json={})

    assert (answer.status_code, answer.json()["code"]) == (422, "customer_without_country")


def test_void_invoice_that_was_due_ten_years_ago_is_issued_again_as_it_was(
    owner: Person, customer: dict[str, Any], clock: Clock
) -> None:
    """A reissue says no due date: which may be said of a new one has nothing to do with it."""
    invoice = write(owner, customer, due="2016-02-25T00:00:00Z")
    void(owner, invoice)
    owner.headers["X-API-Key"] = owner.make_key("billing.write")
    owner.cookies.clear()
    clock.advance(days=3)

    again = post(owner, f"/invoices/{invoice['id']}/reissue", {})

    assert (again["due_date"], again["total"]) == (invoice["due_date"], invoice["total"])
