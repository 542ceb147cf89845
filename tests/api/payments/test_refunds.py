"""Refunds: money goes back once, and what no note gave back is due again (CONTRACT section 6)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.payments.paying import EIGHT, issue, pay, state_of
from tests.api.people import Clock, Person
from tests.api.sold import V1, post


def test_refund_leaves_the_status_and_is_due_again(owner: Person, invoice: dict[str, Any]) -> None:
    payment = pay(owner, invoice, 100)

    made = post(owner, f"/payments/{payment['id']}/refund", {"amount": 30, "reason": "goodwill"})

    assert (made["status"], made["kind"], made["from_invoice"]) == ("succeeded", "refund", 30)
    assert state_of(owner, invoice) == ("PAID", 30, 100, 0, 30)
    shown = owner.get(f"{V1}/payments/{payment['id']}").json()
    assert (shown["refunded_amount"], shown["applied_amount"]) == (30, 70)
    assert owner.get(f"{V1}/payments/{payment['id']}/refunds").json()["data"] == [made]
    rest = post(owner, f"/payments/{payment['id']}/refund", {})
    assert rest["amount"] == 70
    assert state_of(owner, invoice) == ("PAID", 100, 100, 0, 100)


def test_what_was_refunded_of_a_paid_invoice_can_be_paid_again(
    owner: Person, invoice: dict[str, Any]
) -> None:
    payment = pay(owner, invoice, 100)
    post(owner, f"/payments/{payment['id']}/refund", {"amount": 30})

    again = pay(owner, invoice, 30)

    assert again["applied_amount"] == 30
    assert state_of(owner, invoice) == ("PAID", 0, 130, 0, 30)


@pytest.mark.parametrize("note_first", [True, False])
def test_refund_of_what_a_note_gave_back_is_due_by_nobody(
    owner: Person, invoice: dict[str, Any], *, note_first: bool
) -> None:
    payment = pay(owner, invoice, 100)
    line = {"line_id": invoice["line_items"][0]["id"], "amount": 30}

    def give_note() -> None:
        note = {"reason": "returned", "lines": [line]}
        post(owner, f"/invoices/{invoice['id']}/credit-notes", note)

    if note_first:
        give_note()
    post(owner, f"/payments/{payment['id']}/refund", {"amount": 30})
    if not note_first:
        give_note()

    assert state_of(owner, invoice) == ("PAID", 0, 100, 30, 30)


def test_more_than_was_paid_is_never_refunded(
    owner: Person, customer: dict[str, Any], invoice: dict[str, Any]
) -> None:
    payment = pay(owner, invoice, 120, surplus="credit")
    path = f"{V1}/payments/{payment['id']}/refund"

    assert owner.post(path, json={"amount": 121}).json()["code"] == "refund_exceeds_payment"
    issue(owner, customer, 15)
    assert owner.post(path, json={}).json()["code"] == "credit_spent"
    post(owner, f"/payments/{payment['id']}/refund", {"amount": 105})
    assert owner.post(path, json={"amount": 1}).json()["code"] == "credit_spent"
    assert state_of(owner, invoice) == ("PAID", 100, 100, 0, 100)


@pytest.mark.parametrize("body", [{}, {"amount": 100}, {"amount": 40, "reference": "RF-1"}])
def test_refund_asked_for_at_once_is_one(
    owner: Person, invoice: dict[str, Any], body: dict[str, Any]
) -> None:
    payment = pay(owner, invoice, 100)
    path = f"{V1}/payments/{payment['id']}/refund"

    with ThreadPoolExecutor(EIGHT) as executor:
        answers = list(executor.map(lambda _: owner.post(path, json=body), range(EIGHT)))

    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1


def test_reference_of_a_refund_names_it_for_good(
    owner: Person, invoice: dict[str, Any], clock: Clock
) -> None:
    payment = pay(owner, invoice, 100)
    path = f"/payments/{payment['id']}/refund"
    made = post(owner, path, {"amount": 10, "reference": "RF-1"})
    clock.advance(minutes=5)

    assert post(owner, path, {"amount": 10, "reference": "RF-1"}) == made
    other = owner.post(V1 + path, json={"amount": 11, "reference": "RF-1"})
    assert (other.status_code, other.json()["code"]) == (409, "refund_reference_taken")


def test_refund_of_a_payment_whose_invoice_is_void_is_the_customers_credit(
    owner: Person, invoice: dict[str, Any]
) -> None:
    payment = pay(owner, invoice, 40)
    owner.patch(f"{V1}/invoices/{invoice['id']}/status", json={"status": "VOID"})

    made = post(owner, f"/payments/{payment['id']}/refund", {})

    assert (made["amount"], made["from_invoice"]) == (40, 0)
    assert state_of(owner, invoice) == ("VOID", 0, 0, 0, 0)


def test_uncollectible_invoice_can_be_paid_in_parts(owner: Person, invoice: dict[str, Any]) -> None:
    owner.patch(f"{V1}/invoices/{invoice['id']}/status", json={"status": "UNCOLLECTIBLE"})

    first = pay(owner, invoice, 40)
    assert state_of(owner, invoice) == ("UNCOLLECTIBLE", 60, 40, 0, 0)
    post(owner, f"/payments/{first['id']}/refund", {"amount": 15})
    assert state_of(owner, invoice) == ("UNCOLLECTIBLE", 75, 40, 0, 15)
    pay(owner, invoice, 75)

    assert state_of(owner, invoice) == ("PAID", 0, 115, 0, 15)
    assert owner.get(f"{V1}/audit/coverage").json()["findings"] == []
