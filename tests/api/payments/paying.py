"""Invoices over round amounts, and what is paid on them."""

from __future__ import annotations

from typing import Any

from tests.api.people import Person
from tests.api.sold import V1, post

DUE = "2026-04-01T00:00:00Z"
EIGHT = 8


def issue(
    owner: Person, customer: dict[str, Any], amount: int = 100, **said: Any
) -> dict[str, Any]:
    line = {"description": "Import", "quantity": 1, "unit_amount": amount}
    body = {"customer_id": customer["id"], "currency": "USD", "due_date": DUE, "line_items": [line]}
    draft = post(owner, "/invoices", body | said)
    return post(owner, f"/invoices/{draft['id']}/finalize", {})


def pay(owner: Person, invoice: dict[str, Any], amount: float, **said: Any) -> dict[str, Any]:
    return post(owner, f"/invoices/{invoice['id']}/payments", {"amount": amount} | said)


def state_of(owner: Person, invoice: dict[str, Any]) -> tuple[Any, ...]:
    """Its status, and what is due, paid, credited and refunded."""
    shown = owner.get(f"{V1}/invoices/{invoice['id']}").json()
    names = ("status", "amount_due", "amount_paid", "amount_credited", "amount_refunded")
    return tuple(shown[name] for name in names)
