"""Invoices that pages show, sold and billed through the API."""

from __future__ import annotations

import html
import re
from typing import Any

from tests.api.people import Person
from tests.api.sold import Sold, post, sell

EVENTS = (1_200, 300)


def meter_and_sell(owner: Person) -> Sold:
    """Calls at a cent each above a thousand a month, sold to ``acct_77``."""
    sold = sell(owner, usage_limit=1_000, is_soft_limit=True)
    charge = {"type": "USAGE", "meter_id": sold.feature["meter"]["id"], "unit_price": 0.01}
    post(owner, f"/plans/{sold.plan['id']}/charges", charge)
    return sold


def billed(owner: Person, *quantities: int) -> tuple[Sold, dict[str, Any]]:
    """What was sold, and the issued invoice of its first days."""
    sold = meter_and_sell(owner)
    subscription = sold.subscribe()
    for number, quantity in enumerate(quantities or EVENTS):
        at = f"2026-03-02T{6 + number // 60:02}:{number % 60:02}:00Z"
        sold.used(quantity, at, idempotency_key=f"run-{number}")
    return sold, bill(owner, subscription)


def bill(owner: Person, subscription: dict[str, Any]) -> dict[str, Any]:
    """The issued invoice of the running period, cut now."""
    made = post(owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})
    return post(owner, f"/invoices/{made['data'][0]['id']}/finalize", {})


def buyer(owner: Person, **details: str) -> str:
    """The id of a customer who can be billed."""
    body = {"name": "Harbor", "email": "a@harbor.test", "billing_address_country": "GB"}
    return str(post(owner, "/customers", body | details)["id"])


def write(owner: Person, customer_id: str, *descriptions: str) -> dict[str, Any]:
    """A draft by hand with these lines, ten dollars each."""
    lines = [{"description": one, "quantity": 1, "unit_amount": 10} for one in descriptions]
    body = {"customer_id": customer_id, "currency": "USD", "due_date": "2026-04-01T00:00:00Z"}
    return post(owner, "/invoices", body | {"line_items": lines})


def issue(owner: Person, customer_id: str, *descriptions: str) -> dict[str, Any]:
    """An issued invoice by hand."""
    draft = write(owner, customer_id, *(descriptions or ("Setup",)))
    return post(owner, f"/invoices/{draft['id']}/finalize", {})


def link(owner: Person, invoice: dict[str, Any]) -> str:
    """The address of an invoice's public page."""
    path = f"/invoices/{invoice['id']}/generate-token"
    return f"/p/{post(owner, path, {})['public_token']}"


def widget_token(owner: Person, external_id: str = "acct_77") -> str:
    """A token for a customer's portal."""
    body = {"customer_external_id": external_id}
    token: str = post(owner, "/widget/token", body)["token"]
    return token


def portal(owner: Person, external_id: str = "acct_77") -> str:
    """The address of a customer's portal."""
    return f"/embed?token={widget_token(owner, external_id)}"


def words_of(page: str) -> str:
    """What a page says."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def addresses_in(page: str) -> list[str]:
    """Whatever a page names or loads."""
    return [html.unescape(one) for one in re.findall(r'(?:href|src|action)="([^"]*)"', page)]
