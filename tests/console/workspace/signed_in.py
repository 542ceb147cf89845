"""Screens with something on them."""

from __future__ import annotations

from typing import Any

from tests.api.people import Person
from tests.api.sold import V1, Sold


def screens_of(owner: Person, sold: Sold, invoice: dict[str, Any]) -> list[str]:
    """The addresses of everything that was sold, and of the lists that hold it."""
    ids = {
        "customers": invoice["customer_id"],
        "subscriptions": invoice["subscription_id"],
        "invoices": invoice["id"],
        "plans": sold.plan["id"],
    }
    lists = ("payments", "events", "meters", "webhooks", "audit")
    assert owner.get(f"{V1}/organization").status_code == 200
    return [
        "/console",
        *(f"/console/{name}" for name in (*ids, *lists)),
        *(f"/console/{name}/{one}" for name, one in ids.items()),
    ]
