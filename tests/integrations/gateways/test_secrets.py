"""No secret of a connection is in what is logged or raised, whatever a provider does."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import pytest

from billing.errors import BillingError
from billing.payments.gateways import Gateway, Provider
from integrations.gateways.registry import GatewayRegistry
from tests.integrations.gateways.double import Asked, ProviderDouble, Reply, Script
from tests.integrations.gateways.shapes import (
    CANARY,
    CARD,
    TOKEN,
    account_of,
    payment_request,
    refund_request,
    rupee_request,
)

Verb = Callable[[Gateway], Awaitable[object]]

VERBS: dict[Provider, list[Verb]] = {
    Provider.STRIPE: [
        lambda gateway: gateway.create_link(payment_request()),
        lambda gateway: gateway.charge(payment_request(), CARD),
        lambda gateway: gateway.find_payment(reference="pi_1", key=None),
        lambda gateway: gateway.find_payment(reference=None, key="attempt-1"),
        lambda gateway: gateway.list_payments("cs_1"),
        lambda gateway: gateway.expire_link("cs_1"),
        lambda gateway: gateway.forget_method(CARD),
        lambda gateway: gateway.refund(refund_request()),
        lambda gateway: gateway.find_refund(payment_reference="pi_1", key="refund-1"),
        lambda gateway: gateway.find_dispute("du_1"),
    ],
    Provider.RAZORPAY: [
        lambda gateway: gateway.create_link(rupee_request()),
        lambda gateway: gateway.charge(rupee_request(), TOKEN),
        lambda gateway: gateway.find_payment(reference="pay_1", key=None),
        lambda gateway: gateway.find_payment(reference=None, key="attempt-key-01"),
        lambda gateway: gateway.list_payments("plink_1"),
        lambda gateway: gateway.expire_link("plink_1"),
        lambda gateway: gateway.forget_method(TOKEN),
        lambda gateway: gateway.refund(refund_request(payment_reference="pay_1")),
        lambda gateway: gateway.find_refund(payment_reference="pay_1", key="refund-1"),
        lambda gateway: gateway.find_dispute("disp_1"),
    ],
}


def repeating(asked: Asked) -> Reply:
    """A provider that says back what it was asked with, secrets and all."""
    words = " ".join(asked.headers.values())
    return Reply({"error": {"message": words, "description": words, "type": words}}, 400)


ANSWERS: dict[str, Script] = {
    "repeated": repeating,
    "lost": Reply(is_lost=True),
    "broken": Reply(b"<html>"),
    "away": Reply(status=503),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("provider_name", VERBS)
async def test_nothing_that_is_said_has_a_secret_in_it(
    gateways: GatewayRegistry,
    provider: ProviderDouble,
    caplog: pytest.LogCaptureFixture,
    provider_name: Provider,
    answer: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.always = ANSWERS[answer]
    gateway = gateways.gateway_of(account_of(provider_name))
    raised: list[BillingError] = []

    for verb in VERBS[provider_name]:
        try:
            await verb(gateway)
        except BillingError as error:
            raised.append(error)

    assert len(raised) == len(VERBS[provider_name])
    encoded = {one.headers["authorization"].split()[-1] for one in provider.asked}
    said = [*caplog.messages, *(f"{one!r} {one.detail} {one.identifiers}" for one in raised)]
    assert not any(secret in one for one in said for secret in (CANARY, *encoded))
