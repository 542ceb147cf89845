"""An organization with bills and usage, and the requests that read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from httpx2 import Client

from benchmarks.load import HEAD_END, prepare

Row = dict[str, Any]
METERS: Final = 5
CUSTOMERS: Final = 25
INVOICES_OF_ONE: Final = 20

INVOICE: Final = "GET /invoices/{id}"
IN_SESSION: Final = f"{INVOICE} in a session"
PREVIEW: Final = "preview"


@dataclass(frozen=True, slots=True)
class Installation:
    """An organization with invoices of five metered lines, and the requests that read it."""

    organization_id: str
    requests: Mapping[str, Sequence[bytes]]
    invoices: Sequence[str]
    subscriptions: Sequence[str]


def set_up(url: str) -> Installation:
    """Customers with a bill of five meters each, one of them with twenty more."""
    http = Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False)

    def post(path: str, body: object) -> Row:
        response = http.post(path, json=body)
        if response.is_error:
            raise SystemExit(response.text)
        return dict(response.json())

    signup = {"email": f"{uuid4()}@benchmark.test", "password": "correct-horse-9"}
    post("/auth/signup", signup | {"organization_name": "Benchmark"})
    plan_id = sell(post)
    customers = [make_customer(post, f"customer-{number}") for number in range(CUSTOMERS)]
    subscriptions, bills = [], []
    started_at = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    for customer_id in customers:
        ids = {"customer_id": customer_id, "plan_id": plan_id, "start_date": started_at}
        subscriptions.append(str(post("/subscriptions", ids)["id"]))
        bills += post(f"/subscriptions/{subscriptions[-1]}/generate-invoice", {})["data"]
    for number in range(INVOICES_OF_ONE):
        item = {"description": f"Work {number}", "quantity": 2, "unit_amount": "12.50"}
        due = {"currency": "USD", "due_date": started_at, "line_items": [item] * 3}
        post("/invoices", {"customer_id": customers[0]} | due)
    scopes = ["billing.read", "usage.read"]
    key = str(post("/api-keys", {"name": "Backend", "scopes": scopes})["key"])
    session = {"Cookie": f"access_token={http.cookies['access_token']}"}
    paths = paths_of(plan_id, customers, subscriptions, bills)
    requests = {
        name: [get(url, f"/api/v1{path}", {"X-API-Key": key}) for path in asked]
        for name, asked in paths.items()
    }
    requests[IN_SESSION] = [get(url, f"/api/v1{path}", session) for path in paths[INVOICE]]
    requests[PREVIEW] = [
        prepare(url, f"/api/v1/subscriptions/{one}/preview-invoice", b"{}", {"X-API-Key": key})
        for one in subscriptions
    ]
    organization_id = str(http.get("/organization").json()["id"])
    return Installation(
        organization_id, requests, [str(bill["id"]) for bill in bills], subscriptions
    )


def paths_of(
    plan_id: str, customers: Sequence[str], subscriptions: Sequence[str], bills: Sequence[Row]
) -> dict[str, list[str]]:
    """What is read, by the name of its figure."""
    return {
        INVOICE: [f"/invoices/{bill['id']}" for bill in bills],
        "GET /subscriptions/{id}": [f"/subscriptions/{one}" for one in subscriptions],
        "GET /customers/{id}": [f"/customers/{one}" for one in customers],
        "GET /plans/{id}": [f"/plans/{plan_id}"],
        "explain": [
            f"/invoices/{bill['id']}/lines/{line['id']}/explain"
            for bill in bills
            for line in bill["line_items"]
            if line["meter_id"]
        ],
        "20 invoices": [f"/invoices?page_size=20&customer_id={customers[0]}"],
        "20 subscriptions": ["/subscriptions?page_size=20"],
        "20 customers": ["/customers?page_size=20"],
    }


def make_customer(post: Callable[[str, object], Row], name: str) -> str:
    """A customer with usage on every meter, once in 31 hours of the last 39 days."""
    body = {"name": name, "email": "a@benchmark.test", "external_id": name}
    customer_id = str(post("/customers", body | {"billing_address_country": "US"})["id"])
    now = datetime.now(UTC)
    rows = [
        {
            "meter_name": f"meter_{meter}",
            "customer_external_id": name,
            "quantity": 100 + meter + hours,
            "timestamp": (now - timedelta(hours=hours)).isoformat(),
        }
        for meter in range(METERS)
        for hours in range(0, 39 * 24, 31)
    ]
    post("/usage/batch", rows)
    return customer_id


def sell(post: Callable[[str, object], Row]) -> str:
    """A plan that charges five meters by tiers, and a fixed fee."""
    plan = {"name": "Plan", "lookup_id": "plan", "type": "HYBRID", "currency": "USD"}
    plan_id = post("/plans", plan | {"billing_interval": "month"})["id"]
    tiers = [{"up_to": 1000, "unit_price": "0.10"}, {"up_to": None, "unit_price": "0.05"}]
    for meter in range(METERS):
        name = f"meter_{meter}"
        body = {"name": name, "lookup_key": name, "type": "meter", "meter_name": name}
        feature = post("/features", body | {"aggregation_type": "SUM"})
        post(f"/plans/{plan_id}/features", {"feature_id": feature["id"], "is_enabled": True})
        charge = {"type": "USAGE", "meter_id": feature["meter"]["id"], "display_name": name}
        pricing = {"pricing": {"model": "graduated", "tiers": tiers}}
        post(f"/plans/{plan_id}/charges", charge | pricing)
    return str(plan_id)


def get(url: str, path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole request, ready to send."""
    lines = [
        f"Host: {urlsplit(url).netloc}",
        *(f"{name}: {text}" for name, text in (headers or {}).items()),
    ]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines]).encode() + HEAD_END
