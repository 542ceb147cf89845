"""Webhooks as providers send them: a body, and headers that sign it."""

from __future__ import annotations

import hmac
import json
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from tests.integrations.gateways.shapes import (
    NOW,
    RAZORPAY_SECRETS,
    STRIPE_SECRETS,
    Shape,
    shape,
)


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """One delivery, and when it is read."""

    headers: dict[str, str]
    body: bytes
    now: datetime = NOW

    def with_headers(self, **headers: str | None) -> Webhook:
        """The same with other headers; None takes one away."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        merged = {**self.headers, **named}
        return replace(self, headers={k: v for k, v in merged.items() if v is not None})

    def with_body(self, body: bytes) -> Webhook:
        return replace(self, body=body)

    def at(self, seconds: float) -> Webhook:
        """The same, read so much later than it was sent."""
        return replace(self, now=NOW + timedelta(seconds=seconds))


def digest(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, sha256).hexdigest()


def written(document: Any) -> bytes:
    return json.dumps(document).encode()


def stripe_event(kind: str, told: Shape, **changes: Any) -> Shape:
    return shape("stripe/event", type=kind, data={"object": told}, **changes)


def stripe_signed(
    body: bytes | Shape,
    *,
    secret: str = STRIPE_SECRETS["webhook_secret"],
    at: int | str = int(NOW.timestamp()),
    scheme: str = "v1",
) -> Webhook:
    """A delivery of Stripe's, right unless told otherwise."""
    body = body if isinstance(body, bytes) else written(body)
    signature = digest(secret, f"{at}.".encode() + body)
    return Webhook(headers={"Stripe-Signature": f"t={at},{scheme}={signature}"}, body=body)


def razorpay_event(kind: str, **entities: Shape) -> Shape:
    event = shape("razorpay/event", event=kind, contains=list(entities))
    event["payload"] = {name: {"entity": deepcopy(told)} for name, told in entities.items()}
    return event


def razorpay_signed(
    body: bytes | Shape,
    *,
    secret: str = RAZORPAY_SECRETS["webhook_secret"],
    event_id: str = "ExampleEvent01",
) -> Webhook:
    """A delivery of Razorpay's, right unless told otherwise."""
    body = body if isinstance(body, bytes) else written(body)
    return Webhook(
        headers={"X-Razorpay-Signature": digest(secret, body), "x-razorpay-event-id": event_id},
        body=body,
    )
