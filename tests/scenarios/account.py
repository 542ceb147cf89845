"""A customer of the product: signs up and does everything through the public REST API."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2

from api.transport.exact_json import dump_json, load_json

DEADLINE_SECONDS = 60.0

TIERS = {
    "model": "graduated",
    "tiers": [
        {"up_to": 1000, "unit_price": Decimal("0.002")},
        {"up_to": 10000, "unit_price": Decimal("0.001")},
        {"up_to": None, "unit_price": Decimal("0.0005")},
    ],
}
"""The documented tier table: 0–1,000 at 0.002, 1,001–10,000 at 0.001, then 0.0005."""


class Refused(Exception):
    """The API answered with a problem."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class Account:
    """One organization's view of the product."""

    def __init__(self, url: str) -> None:
        # Nothing here speaks TLS, and reading its certificates takes a tenth of a second.
        self.client = httpx2.Client(
            base_url=f"{url}/api/v1", timeout=60, trust_env=False, verify=False
        )
        self.organization: dict[str, Any] = {}

    def sign_up(self, name: str = "Lumen Works", email: str | None = None) -> Account:
        """Make an organization and stay logged in."""
        self.email = email or f"ops-{uuid4()}@lumenworks.test"
        answer = self.post(
            "/auth/signup",
            {
                "email": self.email,
                "password": "correct-horse-9",
                "organization_name": name,
            },
        )
        self.organization = answer["organization"]
        return self

    def request(
        self, method: str, path: str, body: Any = None, expect: int | None = None, **options: Any
    ) -> Any:
        """Send a request; the answer's numbers are exact. Raises Refused for 4xx and 5xx."""
        if body is not None:
            headers = {"Content-Type": "application/json", **options.pop("headers", {})}
            options.update(content=dump_json(body), headers=headers)
        response = self.client.request(method, path, **options)
        content = response.headers.get("content-type", "")
        answer = load_json(response.content) if "json" in content else response.text
        if expect is not None:
            assert response.status_code == expect, f"{response.status_code}: {answer}"
        elif response.status_code >= 400:
            raise Refused(response.status_code, answer)
        return answer

    def get(self, path: str, **options: Any) -> Any:
        """GET a path."""
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        """POST a body to a path."""
        return self.request("POST", path, {} if body is None else body, **options)

    def patch(self, path: str, body: Any, **options: Any) -> Any:
        """PATCH a path."""
        return self.request("PATCH", path, body, **options)

    def create_meter(self, name: str = "api_calls", **options: Any) -> dict[str, Any]:
        """A meter, by way of its feature; returns the feature with its meter."""
        body = {
            "name": "API Calls",
            "lookup_key": name,
            "type": "meter",
            "meter_name": name,
            "property_name": "calls",
            "aggregation_type": "SUM",
            "unit": "calls",
            **options,
        }
        return dict(self.post("/features", body))

    def create_plan(self, lookup_id: str = "payg", **options: Any) -> dict[str, Any]:
        """A monthly USD plan of type USAGE, unless told otherwise."""
        body = {
            "name": "Pay as you go",
            "lookup_id": lookup_id,
            "type": "USAGE",
            "billing_interval": "month",
            "currency": "USD",
            **options,
        }
        return dict(self.post("/plans", body))

    def add_usage_charge(self, plan: dict[str, Any], meter_id: str, **options: Any) -> Any:
        """A usage charge of 0.001 each, unless told otherwise."""
        body = {"type": "USAGE", "meter_id": meter_id, "unit_price": Decimal("0.001"), **options}
        return self.post(f"/plans/{plan['id']}/charges", body)

    def create_clock(self, frozen_time: str = "2025-01-01T00:00:00Z") -> dict[str, Any]:
        """A test clock."""
        return dict(self.post("/test-clocks", {"name": "scenario", "frozen_time": frozen_time}))

    def create_customer(
        self, external_id: str = "acct_77", clock: dict[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        """A customer, on a test clock if one is given."""
        body = {
            "name": "Harbor Labs",
            "email": "ap@harbor.test",
            "external_id": external_id,
            **({"test_clock_id": clock["id"]} if clock else {}),
            **options,
        }
        return dict(self.post("/customers", body))

    def subscribe(
        self,
        customer: dict[str, Any],
        plan: dict[str, Any],
        start_date: str = "2025-01-01T00:00:00Z",
        **options: Any,
    ) -> dict[str, Any]:
        """A subscription from 1 January 2025, unless told otherwise."""
        body = {
            "customer_id": customer["id"],
            "plan_id": plan["id"],
            "start_date": start_date,
            **options,
        }
        return dict(self.post("/subscriptions", body))

    def track(
        self, meter: str, customer: str, quantity: Any, timestamp: str, key: str | None = None
    ) -> Any:
        """One event by the meter's and the customer's own names."""
        event = self.event(meter, customer, quantity, timestamp, key)
        return self.post("/usage", event)

    @staticmethod
    def event(
        meter: str, customer: str, quantity: Any, timestamp: str, key: str | None = None
    ) -> dict[str, Any]:
        """An event in the form of the newest quick start."""
        return {
            "meter_name": meter,
            "customer_external_id": customer,
            "timestamp": timestamp,
            "idempotency_key": key or str(uuid4()),
            "properties": {"calls": quantity},
        }

    def advance(self, clock: dict[str, Any], frozen_time: str) -> dict[str, Any]:
        """Send the clock on and wait until everything due by then has happened."""
        self.post(f"/test-clocks/{clock['id']}/advance", {"frozen_time": frozen_time}, expect=202)
        return self.wait_for_clock(clock)

    def wait_for_clock(self, clock: dict[str, Any]) -> dict[str, Any]:
        """Wait until the clock is ready."""
        deadline, pause = time.monotonic() + DEADLINE_SECONDS, 0.03
        while (now := self.get(f"/test-clocks/{clock['id']}"))["status"] != "ready":
            assert time.monotonic() < deadline, f"the clock is not ready: {now}"
            time.sleep(pause)
            pause = min(pause * 1.5, 0.3)  # a look takes the workflow's processor
        return dict(now)

    def invoices(self, subscription: dict[str, Any]) -> list[dict[str, Any]]:
        """The invoices of a subscription, oldest first."""
        found = self.get(f"/invoices?subscription_id={subscription['id']}&page_size=100")
        return list(found["data"])

    def text(self, invoice: dict[str, Any]) -> str:
        """The invoice as text."""
        return str(self.get(f"/invoices/{invoice['id']}/text"))
