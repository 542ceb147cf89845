"""A metered feature that is sold, and a customer who bought it, through the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.testclient import TestClient

from tests.api.people import Person

V1 = "/api/v1"
CALLS = {
    "name": "Calls",
    "lookup_key": "calls",
    "type": "meter",
    "meter_name": "calls",
    "property_name": "calls",
    "aggregation_type": "SUM",
}
"""A feature whose meter sums what events call ``calls``."""


def post(person: TestClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a successful POST answers."""
    answer = person.post(V1 + path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


@dataclass(frozen=True, slots=True)
class Sold:
    """Calls, sold by the owner's organization on a monthly plan to the customer ``acct_77``.

    ``key`` may read and write usage, and outlives the owner's session.
    """

    owner: TestClient
    key: str
    feature: dict[str, Any]
    plan: dict[str, Any]
    customer: dict[str, Any]

    def subscribe(self, start_date: str = "2026-03-01T00:00:00Z", **options: Any) -> dict[str, Any]:
        """The customer's subscription."""
        body = {
            "customer_id": self.customer["id"],
            "plan_id": self.plan["id"],
            "start_date": start_date,
        }
        return post(self.owner, "/subscriptions", body | options)

    def use(self, quantity: Any, timestamp: str | None = None, **options: Any) -> Any:
        """The answer to reporting calls of the customer."""
        body = {
            "meter_name": self.feature["meter"]["meter_name"],
            "customer_external_id": "acct_77",
            "quantity": quantity,
            **({"timestamp": timestamp} if timestamp else {}),
        }
        headers = {"X-API-Key": self.key}
        return self.owner.post(f"{V1}/usage", json=body | options, headers=headers)

    def used(self, quantity: Any, timestamp: str | None = None, **options: Any) -> dict[str, Any]:
        """An event that was recorded."""
        answer = self.use(quantity, timestamp, **options)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    def check(self, lookup_key: str = "api_calls", customer: str = "acct_77") -> dict[str, Any]:
        """What the check answers."""
        path = f"{V1}/customers/{customer}/entitlements/{lookup_key}"
        answer = self.owner.get(path, headers={"X-API-Key": self.key})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def sell(owner: Person, meter: dict[str, Any] | None = None, **grant: Any) -> Sold:
    """A plan with a metered feature; by default 1,000 calls a month, a hard limit."""
    feature = add_feature(owner, **(meter or {}))
    plan = add_plan(owner)
    grant_feature(owner, plan, feature, **({"usage_limit": 1000} | grant))
    customer = post(
        owner,
        "/customers",
        {"name": "Harbor Labs", "email": "ap@harbor.test", "external_id": "acct_77"},
    )
    return Sold(owner, owner.make_key("usage.write"), feature, plan, customer)


def add_feature(owner: TestClient, lookup_key: str = "api_calls", **options: Any) -> dict[str, Any]:
    """A feature; by default a new meter that sums."""
    body: dict[str, Any] = {"name": "API Calls", "lookup_key": lookup_key, "type": "meter"}
    if options.get("type", "meter") == "meter":
        body |= {"meter_name": lookup_key, "aggregation_type": "SUM"}
    return post(owner, "/features", body | options)


def add_plan(owner: TestClient, lookup_id: str = "payg", **options: Any) -> dict[str, Any]:
    """A monthly plan."""
    body = {
        "name": "Pay as you go",
        "lookup_id": lookup_id,
        "type": "HYBRID",
        "billing_interval": "month",
        "currency": "USD",
    }
    return post(owner, "/plans", body | options)


def grant_feature(
    owner: TestClient, plan: dict[str, Any], feature: dict[str, Any], **grant: Any
) -> dict[str, Any]:
    """A feature on a plan."""
    body = {"feature_id": feature["id"], "is_enabled": True} | grant
    return post(owner, f"/plans/{plan['id']}/features", body)
