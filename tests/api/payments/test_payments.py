"""Payments by hand: what an invoice is due after each of them (CONTRACT section 6)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.api.payments.paying import DUE, EIGHT, issue, pay, state_of
from tests.api.people import Clock, Person
from tests.api.sold import V1, post


def test_payment_in_parts_settles_the_invoice_with_its_last_part(
    owner: Person, invoice: dict[str, Any]
) -> None:
    first = pay(owner, invoice, 40, method="bank_transfer", reference="FT-1")
    assert state_of(owner, invoice) == ("OPEN", 60, 40, 0, 0)
    second = pay(owner, invoice, 60, method="cash")

    assert state_of(owner, invoice) == ("PAID", 0, 100, 0, 0)
    assert {name: first[name] for name in first if not name.endswith(("id", "key", "at"))} == {
        "attempt": 1,
        "kind": "manual",
        "amount": 40,
        "currency": "USD",
        "method": "bank_transfer",
        "reference": "FT-1",
        "status": "succeeded",
        "applied_amount": 40,
        "refunded_amount": 0,
        "excess_amount": 0,
        "error_code": None,
        "error": None,
        "disputes": [],
    }
    assert first["at"] == first["settled_at"] == "2026-03-02T08:00:00Z"
    listed = owner.get(f"{V1}/invoices/{invoice['id']}/payments").json()["data"]
    assert listed == [first, second]
    assert owner.get(f"{V1}/payments/{second['id']}").json() == second


def test_too_much_is_refused_unless_the_rest_is_to_be_credit(
    owner: Person, customer: dict[str, Any], invoice: dict[str, Any]
) -> None:
    path = f"{V1}/invoices/{invoice['id']}/payments"

    refused = owner.post(path, json={"amount": 120})

    assert (refused.status_code, refused.json()["code"]) == (409, "overpayment")
    assert [one["field"] for one in refused.json()["errors"]] == ["amount"]
    assert state_of(owner, invoice) == ("OPEN", 100, 0, 0, 0)
    kept = pay(owner, invoice, 120, surplus="credit")
    assert (kept["amount"], kept["applied_amount"]) == (120, 100)
    assert state_of(owner, invoice) == ("PAID", 0, 100, 0, 0)
    following = issue(owner, customer, 30)
    assert (following["total"], following["amount_due"]) == (10, 10)


@pytest.mark.parametrize("amount", [0, 0.001, 33.333, "1e-20"])
def test_amount_that_no_one_can_pay_is_refused_and_named(
    owner: Person, invoice: dict[str, Any], amount: Any
) -> None:
    answer = owner.post(f"{V1}/invoices/{invoice['id']}/payments", json={"amount": amount})

    assert (answer.status_code, answer.json()["code"]) == (422, "amount_invalid")
    assert [one["field"] for one in answer.json()["errors"]] == ["amount"]


def test_more_money_than_there_is_is_refused_also_as_credit(
    owner: Person, invoice: dict[str, Any]
) -> None:
    body = {"amount": "1e20", "surplus": "credit"}
    answer = owner.post(f"{V1}/invoices/{invoice['id']}/payments", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "amount_too_large")
    assert [one["field"] for one in answer.json()["errors"]] == ["amount"]


def test_who_pays_a_paid_invoice_is_told_what_paid_it(
    owner: Person, invoice: dict[str, Any]
) -> None:
    pay(owner, invoice, 100, method="bank_transfer", reference="T-1")

    again = owner.post(f"{V1}/invoices/{invoice['id']}/payments", json={"amount": 40})

    assert again.json()["code"] == "overpayment"
    assert "The invoice is paid: 100.00 by bank_transfer (T-1)." in again.text


def test_nothing_is_paid_on_a_draft_or_a_void_invoice(
    owner: Person, customer: dict[str, Any], invoice: dict[str, Any]
) -> None:
    owner.patch(f"{V1}/invoices/{invoice['id']}/status", json={"status": "VOID"})
    line = {"description": "Import", "quantity": 1, "unit_amount": 10}
    body = {"customer_id": customer["id"], "currency": "USD", "due_date": DUE}
    draft = post(owner, "/invoices", body | {"line_items": [line]})

    for one in (invoice, draft):
        answer = owner.post(f"{V1}/invoices/{one['id']}/payments", json={"amount": 1})
        assert (answer.status_code, answer.json()["code"]) == (409, "invoice_not_payable")


def test_invoice_is_named_by_its_number(owner: Person, invoice: dict[str, Any]) -> None:
    path = f"{V1}/invoices/{invoice['invoice_number']}/payments"

    made = owner.post(path, json={"amount": 5})

    assert made.status_code == 201
    assert owner.get(path).json()["data"] == [made.json()]


def test_payments_are_listed_by_customer_invoice_and_status(
    owner: Person, customer: dict[str, Any], invoice: dict[str, Any]
) -> None:
    other = issue(owner, customer)
    first, second = pay(owner, invoice, 1), pay(owner, other, 2)

    def listed(**filters: str) -> list[Any]:
        answer = owner.get(f"{V1}/payments", params=filters)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["data"]]

    assert listed() == listed(customer_id=customer["id"]) == [first["id"], second["id"]]
    assert listed(invoice_id=other["id"]) == listed(page="2", page_size="1") == [second["id"]]
    assert listed(status="failed") == []
    assert listed(status="SUCCEEDED", invoice_id=invoice["id"]) == [first["id"]]
    for name in ("customer_id", "invoice_id"):
        unknown = owner.get(f"{V1}/payments", params={name: str(uuid4())})
        assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (404, name)


def test_same_payment_told_at_once_is_one(owner: Person, invoice: dict[str, Any]) -> None:
    path = f"{V1}/invoices/{invoice['id']}/payments"
    body = {"amount": 30, "method": "bank_transfer", "reference": "FT-7"}

    with ThreadPoolExecutor(EIGHT) as executor:
        answers = list(executor.map(lambda _: owner.post(path, json=body), range(EIGHT)))

    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1
    assert state_of(owner, invoice) == ("OPEN", 70, 30, 0, 0)


def test_same_payment_counts_again_after_a_minute_and_another_at_once(
    owner: Person, invoice: dict[str, Any], clock: Clock
) -> None:
    pay(owner, invoice, 30, reference="FT-7")
    pay(owner, invoice, 30, reference="FT-8")
    clock.advance(seconds=60)
    pay(owner, invoice, 30, reference="FT-7")

    assert state_of(owner, invoice) == ("OPEN", 10, 90, 0, 0)


def test_pay_settles_the_rest_also_if_it_is_as_much_as_was_paid_before(
    owner: Person, invoice: dict[str, Any]
) -> None:
    pay(owner, invoice, 50)

    paid = post(owner, f"/invoices/{invoice['id']}/pay", {})

    assert (paid["status"], paid["amount_paid"]) == ("PAID", 100)
    amounts = [one["amount"] for one in owner.get(f"{V1}/payments").json()["data"]]
    assert amounts == [50, 50]


def test_key_makes_two_equal_payments_two_or_one(owner: Person, invoice: dict[str, Any]) -> None:
    path = f"{V1}/invoices/{invoice['id']}/payments"

    answers = [
        owner.post(path, json={"amount": 10}, headers={"Idempotency-Key": "a"}) for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert state_of(owner, invoice) == ("OPEN", 90, 10, 0, 0)


def test_payment_after_its_refund_is_another_one(owner: Person, invoice: dict[str, Any]) -> None:
    first = pay(owner, invoice, 100)
    post(owner, f"/payments/{first['id']}/refund", {})

    second = pay(owner, invoice, 100)

    assert second["id"] != first["id"]
    assert state_of(owner, invoice) == ("PAID", 0, 200, 0, 100)
