"""One of each thing that screens show."""

from __future__ import annotations

from repositories.transactions import Transactions
from services.notifications.deliveries import spread_events
from tests.api.people import Clock, Person
from tests.api.sold import V1, post
from tests.console.billed import billed


def furnish(owner: Person, transactions: Transactions, clock: Clock) -> dict[str, str]:
    """What stands in the place of the id of each thing that screens show. A new one fails here."""
    post(owner, "/webhook-endpoints", {"url": "https://hooks.lumenworks.test", "events": ["*"]})
    sold, invoice = billed(owner)
    customer = invoice["customer_id"]
    example = {"name": "Example", "frozen_time": "2026-01-01T00:00:00Z"}
    test_clock = post(owner, "/test-clocks", example)
    post(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    granted = {"unit": "TOKENS", "amount": 100}
    post(owner, f"/customers/{customer}/grants", granted)
    post(owner, f"/customers/{customer}/grant-rules", granted | {"interval": "month"})
    coupon = post(owner, "/coupons", {"code": "SPRING", "percent": 10})
    post(owner, f"/customers/{customer}/coupons", {"code": "SPRING"})
    watched = {"on": "spend", "subject": {"customer_id": customer}, "thresholds": [100]}
    alert = post(owner, "/alerts", watched | {"action": "block"})
    spread_events(transactions, now=clock())
    told = owner.get(f"{V1}/webhook-deliveries").json()["data"][0]
    return {
        "customers": customer,
        "subscriptions": invoice["subscription_id"],
        "invoices": invoice["id"],
        "lines": invoice["line_items"][0]["id"],
        "plans": sold.plan["id"],
        "meters": sold.feature["meter"]["id"],
        "test-clocks": test_clock["id"],
        "webhooks": told["id"],
        "coupons": coupon["id"],
        "alerts": alert["id"],
    }
