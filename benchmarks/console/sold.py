"""A few customers with ten months behind them: used, billed, paid and told of, by the product."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import psycopg
from httpx2 import Client

from benchmarks.invoiced import METERS, sell

Row = dict[str, Any]
CUSTOMERS: Final = 20
MONTHS: Final = 10
EVENTS_AN_HOUR: Final = 5
HOURS_A_METER: Final = 40
"""Of each meter, spread over all months: a thousand events for every customer."""
PASSWORD: Final = "correct-horse-9"
UNPAID: Final = 10
"""Of as many customers one has not paid the last of its bills."""

PAST = """
UPDATE invoice SET created_at = period_end, issue_date = period_end + interval '1 hour',
    due_date = period_end + interval '14 days', finalized_at = period_end + interval '1 hour',
    paid_at = CASE WHEN paid_at IS NOT NULL THEN period_end + interval '5 days' END
WHERE status <> 'DRAFT' AND subscription_id IS NOT NULL;
UPDATE payment SET at = invoice.paid_at, created_at = invoice.paid_at,
    settled_at = invoice.paid_at
FROM invoice WHERE invoice.organization_id = payment.organization_id
    AND invoice.id = payment.invoice_id AND invoice.paid_at IS NOT NULL;
UPDATE audit_entry SET at = invoice.issue_date
FROM invoice WHERE invoice.organization_id = audit_entry.organization_id
    AND invoice.id = audit_entry.object_id;
UPDATE webhook_event SET created_at = invoice.issue_date
FROM invoice WHERE webhook_event.body LIKE '%' || invoice.id || '%';
UPDATE webhook_delivery SET created_at = webhook_event.created_at, status = 'succeeded',
    attempts = 1, next_attempt_at = NULL, response_code = 200,
    completed_at = webhook_event.created_at
FROM webhook_event WHERE webhook_event.organization_id = webhook_delivery.organization_id
    AND webhook_event.id = webhook_delivery.event_id;
UPDATE customer SET created_at = created_at - interval '310 days';
UPDATE subscription SET created_at = created_at - interval '310 days';
"""
"""Everything was done just now; from here on it was done in its month."""


@dataclass(frozen=True, slots=True)
class House:
    """An organization: who signs in, and the id of one of each of its things."""

    email: str
    ids: Mapping[str, str]

    def sign_in(self, url: str) -> str:
        """The cookie of its owner's session."""
        http = Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False)
        body = {"email": self.email, "password": PASSWORD}
        http.post("/auth/login", json=body).raise_for_status()
        return f"access_token={http.cookies['access_token']}"


def set_up(url: str, database_url: str) -> House:
    """Customers with bills and payments of ten months, told to an endpoint that listens."""
    http = Client(base_url=f"{url}/api/v1", timeout=300, trust_env=False)

    def post(path: str, body: object) -> Row:
        response = http.post(path, json=body)
        if response.is_error:
            raise SystemExit(f"{path}: {response.text}")
        return dict(response.json())

    email = f"{uuid4()}@benchmark.test"
    signup = {"email": email, "password": PASSWORD, "organization_name": "Benchmark"}
    post("/auth/signup", signup)
    plan_id = sell(post)
    endpoint = {"url": "https://benchmark.test/hook", "events": ["*"]}
    post("/webhook-endpoints", endpoint)
    clock = {"name": "Example", "frozen_time": "2026-01-01T00:00:00Z"}
    clock_id = post("/test-clocks", clock)["id"]
    post("/units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    coupon_id = post("/coupons", {"code": "SPRING", "percent": 10})["id"]
    for number in range(CUSTOMERS):
        last = _live(post, plan_id, number)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(PAST)
        [(delivery_id,)] = connection.execute("SELECT id FROM webhook_delivery LIMIT 1").fetchall()
    ids = {
        **last,
        "plans": plan_id,
        "test-clocks": clock_id,
        "coupons": coupon_id,
        "webhooks": str(delivery_id),
        "meters": str(http.get("/meters").json()["data"][0]["id"]),
    }
    return House(email, ids)


def _live(post: Callable[[str, object], Any], plan_id: str, number: int) -> dict[str, str]:
    """The months of one customer; the ids of what they have."""
    name = f"customer-{number}"
    body = {"name": f"Customer {number}", "email": f"{name}@benchmark.test", "external_id": name}
    customer_id = str(post("/customers", body | {"billing_address_country": "US"})["id"])
    started_at = datetime.now(UTC) - timedelta(days=31 * MONTHS + number % 28)
    rows = list(_events(name, started_at))
    for place in range(0, len(rows), 500):
        post("/usage/batch", rows[place : place + 500])
    post(f"/customers/{customer_id}/grants", {"unit": "TOKENS", "amount": 100})
    watched = {"on": "spend", "subject": {"customer_id": customer_id}, "thresholds": [1_000_000]}
    alert_id = str(post("/alerts", watched)["id"])
    ids = {"customer_id": customer_id, "plan_id": plan_id, "start_date": started_at.isoformat()}
    subscription_id = str(post("/subscriptions", ids)["id"])
    bills = post(f"/subscriptions/{subscription_id}/generate-invoice", {})["data"]
    finals = bills[:-1] if number % UNPAID == 1 else bills
    for place, bill in enumerate(finals):
        final = post(f"/invoices/{bill['id']}/finalize", {})
        owes = final["status"] == "OPEN"
        if owes and not (number % UNPAID == 0 and place == len(finals) - 1):
            paid = {"amount": final["amount_due"], "method": "bank_transfer"}
            post(f"/invoices/{bill['id']}/payments", paid)
    return {
        "customers": customer_id,
        "alerts": alert_id,
        "subscriptions": subscription_id,
        "invoices": str(bills[0]["id"]),
        "lines": str(bills[0]["line_items"][0]["id"]),
    }


def _events(customer: str, started_at: datetime) -> Iterator[Row]:
    """Some in each of a few hours of every month, on every meter."""
    hours = int((datetime.now(UTC) - started_at) / timedelta(hours=1))
    for meter in range(METERS):
        for place in range(HOURS_A_METER):
            hour = started_at + timedelta(hours=place * hours // HOURS_A_METER)
            for turn in range(EVENTS_AN_HOUR):
                yield {
                    "meter_name": f"meter_{meter}",
                    "customer_external_id": customer,
                    "quantity": 100 + meter + place,
                    "timestamp": (hour + timedelta(minutes=7 * turn + meter)).isoformat(),
                    "idempotency_key": f"{customer}-{meter}-{place}-{turn}",
                    "metadata": {"region": "eu"},
                }
