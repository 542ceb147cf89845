"""The public page of an invoice: what whoever has the link reads, and what nobody does."""

from __future__ import annotations

import re
from typing import Any

from tests.api.people import Clock, Person
from tests.api.sold import Sold, post, sell

POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def billed(owner: Person, clock: Clock, *events: int) -> tuple[Sold, dict[str, Any]]:
    """What was sold, and the final invoice of its first days."""
    sold = sell(owner, usage_limit=1_000, is_soft_limit=True)
    post(
        owner,
        f"/plans/{sold.plan['id']}/charges",
        {"type": "USAGE", "meter_id": sold.feature["meter"]["id"], "unit_price": 0.01},
    )
    subscription = sold.subscribe()
    for number, quantity in enumerate(events or (1_200, 300)):
        sold.used(quantity, f"2026-03-02T07:{number % 60:02}:00Z", idempotency_key=f"run-{number}")
    path = f"/subscriptions/{subscription['id']}/generate-invoice"
    made = post(owner, path, {})
    invoice = post(owner, f"/invoices/{made['data'][0]['id']}/finalize", {})
    return sold, invoice


def link(owner: Person, invoice: dict[str, Any]) -> str:
    token: str = post(owner, f"/invoices/{invoice['id']}/generate-token", {})["public_token"]
    return f"/p/{token}"


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_page_shows_what_the_text_shows(owner: Person, visitor: Person, clock: Clock) -> None:
    _, invoice = billed(owner, clock)

    answer = visitor.get(link(owner, invoice))

    assert answer.status_code == 200
    words = words_of(answer.text)
    assert f"Invoice {invoice['invoice_number']}" in words
    assert "Calls" in words
    assert "$5.00" in words
