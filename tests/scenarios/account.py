"""A customer of the product: signs up and does everything through the public REST API.

What has a method here goes through the Python client, as a program of theirs would; anything else
is said in HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2

from api.transport.exact_json import dump_json, load_json
from tests.scenarios.made_client import NEVER, Answer, ApiError, ConnectionFailed, Fluxrate

PREFIX = "/api/v1"
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
        self.client = httpx2.Client(timeout=60, trust_env=False, verify=False)
        # A story wants to know what is refused at the first try.
        self.api = Fluxrate(url, http=self.client, retries=NEVER)
        self.organization: dict[str, Any] = {}

    def sign_up(self, name: str = "Lumen Works", email: str | None = None) -> Account:
        """Make an organization and stay logged in."""
        self.email = email or f"ops-{uuid4()}@lumenworks.test"
        answer = self.ask(
            self.api.auth.sign_up,
            email=self.email,
            password="correct-horse-9",
            organization_name=name,
        )
        self.organization = answer["organization"]
        return self

    @staticmethod
    def ask(operation: Callable[..., Answer], *places: str, **fields: Any) -> dict[str, Any]:
        """What an operation of the client answers, as the API writes it.

        Raises Refused for 4xx and 5xx, and what the network raised where nothing was answered.
        """
        try:
            return operation(*places, **fields).to_dict()
        except ApiError as error:
            raise Refused(error.status, error.problem) from error
        except ConnectionFailed as error:
            raise (error.__cause__ or error) from None

    def request(
        self, method: str, path: str, body: Any = None, expect: int | None = None, **options: Any
    ) -> Any:
        """Send a request; the answer's numbers are exact. Raises Refused for 4xx and 5xx."""
        if body is not None:
            headers = {"Content-Type": "application/json", **options.pop("headers", {})}
            options.update(content=dump_json(body), headers=headers)
        response = self.client.request(method, f"{PREFIX}{path}", **options)
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
        return self.ask(self.api.features.create, **body)

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
        return self.ask(self.api.plans.create, **body)

    def add_usage_charge(self, plan: dict[str, Any], meter_id: str, **options: Any) -> Any:
        """A usage charge of 0.001 each, unless told otherwise."""
        body = {"type": "USAGE", "meter_id": meter_id, "unit_price": Decimal("0.001"), **options}
        return self.ask(self.api.plans.add_charge, plan["id"], **body)

    def create_clock(self, frozen_time: str = "2025-01-01T00:00:00Z") -> dict[str, Any]:
        """A test clock."""
        return self.ask(self.api.test_clocks.create, name="scenario", frozen_time=frozen_time)

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
        return self.ask(self.api.customers.create, **body)

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
        return self.ask(self.api.subscriptions.create, **body)

    def track(
        self, meter: str, customer: str, quantity: Any, timestamp: str, key: str | None = None
    ) -> Any:
        """One event by the meter's and the customer's own names."""
        event = self.event(meter, customer, quantity, timestamp, key)
        return self.ask(self.api.usage.track, **event)

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
        advance = self.api.test_clocks.advance_and_wait
        return self.ask(advance, clock["id"], frozen_time=frozen_time, timeout=DEADLINE_SECONDS)

    def wait_for_clock(self, clock: dict[str, Any]) -> dict[str, Any]:
        """Wait until the clock is ready."""
        wait = self.api.test_clocks.wait
        return self.ask(wait, clock["id"], timeout=DEADLINE_SECONDS)

    def invoices(self, subscription: dict[str, Any]) -> list[dict[str, Any]]:
        """The invoices of a subscription, oldest first."""
        return [one.to_dict() for one in self.api.invoices.list(subscription_id=subscription["id"])]

    def text(self, invoice: dict[str, Any]) -> str:
        """The invoice as text."""
        return self.api.invoices.text(invoice["id"])
