"""Webhooks that are not the provider's, or not of now, or cannot be read: nothing of them is used.

Source: CONTRACT 29. At least forty of each provider.
"""

from __future__ import annotations

import pytest

from billing.payments.gateways import Gateway, Provider, WebhookRefused
from integrations.gateways.client import ProviderClient
from integrations.gateways.registry import GatewayRegistry
from tests.integrations.gateways.forged import (
    RAZORPAY_BODY,
    STRIPE_BODY,
    razorpay_corpus,
    stripe_corpus,
)
from tests.integrations.gateways.shapes import CANARY, account_of
from tests.integrations.gateways.signing import Webhook, razorpay_signed, stripe_signed

STRIPE = dict(stripe_corpus())
RAZORPAY = dict(razorpay_corpus())


@pytest.fixture(scope="module")
def gateways() -> GatewayRegistry:
    return GatewayRegistry(ProviderClient())


def read(gateway: Gateway, webhook: Webhook) -> None:
    gateway.read_webhook(webhook.headers, webhook.body, now=webhook.now)


def test_there_are_forty_of_each_and_more() -> None:
    assert min(len(STRIPE), len(RAZORPAY)) >= 40


def test_those_that_are_right_are_taken(gateways: GatewayRegistry) -> None:
    read(gateways.gateway_of(account_of(Provider.STRIPE)), stripe_signed(STRIPE_BODY))
    read(gateways.gateway_of(account_of(Provider.RAZORPAY)), razorpay_signed(RAZORPAY_BODY))


@pytest.mark.parametrize("name", STRIPE)
def test_a_forged_or_stale_webhook_of_stripe_is_refused(
    gateways: GatewayRegistry, name: str
) -> None:
    with pytest.raises(WebhookRefused) as refused:
        read(gateways.gateway_of(account_of(Provider.STRIPE)), STRIPE[name])

    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("name", RAZORPAY)
def test_a_forged_or_stale_webhook_of_razorpay_is_refused(
    gateways: GatewayRegistry, name: str
) -> None:
    with pytest.raises(WebhookRefused) as refused:
        read(gateways.gateway_of(account_of(Provider.RAZORPAY)), RAZORPAY[name])

    assert CANARY not in str(refused.value)
