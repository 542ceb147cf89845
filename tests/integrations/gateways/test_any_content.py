"""Whatever stands in a webhook that is signed rightly, it is read or refused, and can be stored."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.payments.gateways import Gateway, GatewayEvent, Provider, WebhookRefused
from integrations.gateways.client import ProviderClient
from integrations.gateways.registry import GatewayRegistry
from tests.integrations.gateways.shapes import Shape, account_of, shape
from tests.integrations.gateways.signing import (
    Webhook,
    razorpay_event,
    razorpay_signed,
    stripe_event,
    stripe_signed,
)

REGISTRY = GatewayRegistry(ProviderClient())

EVENTS: dict[Provider, list[Shape]] = {
    Provider.STRIPE: [
        stripe_event("payment_intent.succeeded", shape("stripe/payment_intent")),
        stripe_event(
            "payment_intent.payment_failed", shape("stripe/declined")["error"]["payment_intent"]
        ),
        stripe_event("checkout.session.completed", shape("stripe/checkout_session")),
        stripe_event("charge.refunded", shape("stripe/charge")),
        stripe_event("refund.created", shape("stripe/refund")),
        stripe_event("charge.dispute.created", shape("stripe/dispute")),
        stripe_event("invoice.payment_succeeded", shape("stripe/invoice")),
    ],
    Provider.RAZORPAY: [
        razorpay_event("payment.captured", payment=shape("razorpay/payment")),
        razorpay_event("refund.processed", refund=shape("razorpay/refund")),
        razorpay_event("payment.dispute.created", dispute=shape("razorpay/dispute")),
        razorpay_event(
            "payment_link.paid",
            payment=shape("razorpay/payment"),
            payment_link=shape("razorpay/payment_link"),
        ),
    ],
}

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**17, max_value=10**40)
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["", "\0", "\ud800", "usd", "INR", "failed", "refunded", "x" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


def places(document: Any, *within: str) -> list[tuple[str, ...]]:
    """Every place in a document where something stands."""
    found = [within] if within else []
    if isinstance(document, dict):
        for name, value in document.items():
            found += places(value, *within, name)
    return found


@st.composite
def changed_events(draw: st.DrawFn, provider: Provider) -> Shape:
    """An event with anything at all in one to three of its places."""
    event = deepcopy(draw(st.sampled_from(EVENTS[provider])))
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        *path, last = draw(st.sampled_from(places(event)))
        holder: Any = event
        for name in path:
            holder = holder[name]
        holder[last] = draw(anything)
    return event


def read(provider: Provider, webhook: Webhook) -> GatewayEvent | None:
    gateway: Gateway = REGISTRY.gateway_of(account_of(provider))
    try:
        return gateway.read_webhook(webhook.headers, webhook.body, now=webhook.now)
    except WebhookRefused:
        return None


def require_storable(event: GatewayEvent | None) -> None:
    """A database takes its text and its amounts, and it comes back the same."""
    if event is None:
        return
    content = msgspec.to_builtins(event)
    text = json.dumps(content, ensure_ascii=False)
    assert "\\u0000" not in text
    assert text.encode("utf-8")
    assert msgspec.convert(content, GatewayEvent) == event
    assert len(event.id) <= 255
    for told in (event.payment, event.refund, event.dispute):
        if told is not None:
            assert 0 <= told.amount < 10**18
            assert told.at.utcoffset() == timedelta(0)


@settings(max_examples=300)
@given(changed_events(Provider.STRIPE))
def test_anything_of_stripe_is_read_or_refused(event: Shape) -> None:
    require_storable(read(Provider.STRIPE, stripe_signed(event)))


@settings(max_examples=300)
@given(changed_events(Provider.RAZORPAY))
def test_anything_of_razorpay_is_read_or_refused(event: Shape) -> None:
    require_storable(read(Provider.RAZORPAY, razorpay_signed(event)))


@given(st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    require_storable(read(Provider.STRIPE, stripe_signed(body)))
    require_storable(read(Provider.RAZORPAY, razorpay_signed(body)))


@pytest.mark.parametrize("provider", EVENTS)
def test_every_event_is_read_as_it_is(provider: Provider) -> None:
    sign = stripe_signed if provider is Provider.STRIPE else razorpay_signed

    for event in EVENTS[provider]:
        told = read(provider, sign(event))
        assert told is not None
        assert any((told.payment, told.refund, told.dispute))
        require_storable(told)
