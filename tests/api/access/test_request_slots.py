"""No route works for anybody before it has a slot, unless it says why it needs none."""

from __future__ import annotations

import re
from typing import NoReturn
from uuid import uuid4

import pytest
from fastapi import FastAPI

from api.context import state_of
from api.transport.fast_path import FastRoutes
from billing.errors import Unavailable
from tests.api.credentials import Operation, least_credentials
from tests.api.people import PASSWORD, Person

WITHOUT_PLACES = {
    ("GET", "/livez"): "asks nobody",
    ("GET", "/health"): "asks nobody",
    ("GET", "/readyz"): "answers also when all slots are taken",
    ("GET", "/metrics"): "asks nobody",
    ("GET", "/status"): "tells what was last seen, as metrics do",
    ("POST", "/api/v1/usage"): "events have writers of their own",
    ("POST", "/api/v1/usage/batch"): "events have writers of their own",
    ("POST", "/api/v1/sdk/track"): "events have writers of their own",
    ("GET", "/api/v1/customers/{customer_id}/entitlements"): "reads of one thing have readers",
    ("GET", "/api/v1/customers/{customer_id}/entitlements/{lookup_key}"): "as above",
    ("GET", "/api/v1/auth/me"): "as above",
    ("GET", "/api/v1/customers/{customer_id}"): "as above",
    ("GET", "/api/v1/invoices/{invoice_id}"): "as above",
    ("GET", "/api/v1/payments/{payment_id}"): "as above",
    ("GET", "/api/v1/plans/{plan_id}"): "as above",
    ("GET", "/api/v1/subscriptions/{subscription_id}"): "as above",
    ("GET", "/api/v1/customers"): "lists have readers",
    ("GET", "/api/v1/customers/{customer_id}/invoices"): "as above",
    ("GET", "/api/v1/customers/{customer_id}/subscriptions"): "as above",
    ("GET", "/api/v1/invoices"): "as above",
    ("GET", "/api/v1/payments"): "as above",
    ("GET", "/api/v1/plans"): "as above",
    ("GET", "/api/v1/subscriptions"): "as above",
    ("GET", "/api/v1/subscriptions/{subscription_id}/invoices"): "as above",
    ("GET", "/api/v1/subscriptions/{subscription_id}/add-ons"): "as above",
    ("GET", "/api/v1/customers/{customer_id}/grant-rules"): "as above",
    ("GET", "/api/v1/webhook-deliveries"): "as above",
    ("GET", "/api/v1/webhook-endpoints"): "as above",
    ("GET", "/api/v1/invoices/{invoice_id}/credit-notes"): "as above",
    ("GET", "/api/v1/invoices/{invoice_id}/payments"): "as above",
    ("GET", "/api/v1/invoices/{invoice_id}/lines/{line_id}/explain"): "as above",
}

TRIED_IN_FRONT = {
    ("POST", "/api/v1/credits/holds"): "holds are placed in groups",
    ("GET", "/api/v1/customers/{customer_id}/balance"): "reads of one thing have readers",
    ("GET", "/api/v1/subscriptions/{subscription_id}/timeline"): "as above",
    ("POST", "/api/v1/subscriptions/{subscription_id}/preview-invoice"): "as above",
}
"""What has a line of its own, and comes to the framework with what that line cannot answer."""

LINKED = {"token": "x", "password": PASSWORD}
ACCOUNT = {"email": "a@lumenworks.test", "password": PASSWORD}
BODIES = {
    "signup": ACCOUNT | {"organization_name": "Lumen Works"},
    "login": ACCOUNT,
    "accept-invitation": LINKED,
    "reset": LINKED,
    "request-reset": {"email": "a@lumenworks.test"},
}
"""Those of visitors, which are read before they take a place."""


def refuse(*_party: object, **_leaving: object) -> NoReturn:
    raise Unavailable("There is no slot.", code="no_slots")


@pytest.mark.parametrize(
    "operation", sorted(least_credentials().keys() - WITHOUT_PLACES.keys()), ids=" ".join
)
def test_route_takes_a_place_before_it_does_anything(
    shared_app: FastAPI, monkeypatch: pytest.MonkeyPatch, operation: Operation
) -> None:
    monkeypatch.setattr(state_of(shared_app).slots.all, "admit", refuse)
    if operation in TRIED_IN_FRONT:
        monkeypatch.setattr(FastRoutes, "find", lambda _front, _scope: False)
    method, path = operation
    address = re.sub(
        r"\{\w+\}", str(uuid4()), path.replace("{period_index}", "0").replace("{version}", "1")
    )
    body = BODIES.get(path.rpartition("/")[2], {}) if method in {"POST", "PUT", "PATCH"} else None

    answer = Person(shared_app).request(method, address, json=body)

    assert (answer.status_code, answer.json()["code"]) == (503, "no_slots")
