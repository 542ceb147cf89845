"""Money goes back at Stripe, once for each key."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from billing.errors import Rejected
from billing.payments.gateways import Gateway, GatewayStatus
from tests.integrations.gateways.double import ProviderDouble, Reply
from tests.integrations.gateways.shapes import (
    CHARGE,
    INTENT,
    SESSION,
    refund_request,
    shape,
)

REFUNDS = "/v1/refunds"
SESSIONS = "/v1/checkout/sessions"


async def test_nothing_goes_back_of_what_nobody_paid(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    unpaid = shape("stripe/checkout_session", payment_intent=None)
    provider.on("GET", f"{SESSIONS}/{SESSION}", Reply(unpaid))

    for reference in (SESSION, "cs_gone", "in_gone"):
        with pytest.raises(Rejected, match="Nothing was paid there"):
            await stripe.refund(replace(refund_request(), payment_reference=reference))


async def test_money_goes_back_by_intent_charge_or_session(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    provider.on("POST", REFUNDS, Reply(shape("stripe/refund")))
    provider.on("GET", f"{SESSIONS}/{SESSION}", Reply(shape("stripe/checkout_session")))
    invoice = shape("stripe/invoice", payment_intent=INTENT)
    provider.on("GET", "/v1/invoices/in_1", Reply(invoice))

    refunds = [
        await stripe.refund(replace(refund_request(), payment_reference=reference))
        for reference in (INTENT, CHARGE, SESSION, "in_1")
    ]

    assert {one.reference for one in refunds} == {"re_3QExample0000000000000001"}
    refund = refunds[0]
    assert (refund.status, refund.amount, refund.currency, refund.payment_reference) == (
        GatewayStatus.SUCCEEDED,
        Decimal("20.00"),
        "USD",
        INTENT,
    )
    forms = [one.form for one in provider.asks("POST", REFUNDS)]
    assert [one.get("payment_intent") for one in forms] == [INTENT, None, INTENT, INTENT]
    assert [one.get("charge") for one in forms] == [None, CHARGE, None, None]
    assert {one["amount"] for one in forms} == {"2000"}
    assert {one["metadata[idempotency_key]"] for one in forms} == {"refund-1"}
    assert provider.asked[0].headers["idempotency-key"] == "refund-refund-1"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending", GatewayStatus.PENDING),
        ("requires_action", GatewayStatus.PENDING),
        ("failed", GatewayStatus.FAILED),
        ("canceled", GatewayStatus.FAILED),
    ],
)
async def test_a_refund_is_what_stripe_says_it_is(
    stripe: Gateway, provider: ProviderDouble, status: str, expected: GatewayStatus
) -> None:
    told = shape("stripe/refund", status=status, failure_reason="lost_or_stolen_card")
    provider.on("POST", REFUNDS, Reply(told))

    assert (await stripe.refund(refund_request())).status is expected


async def test_a_refund_is_found_by_its_key(stripe: Gateway, provider: ProviderDouble) -> None:
    other = shape("stripe/refund", metadata={"idempotency_key": "refund-0"})
    listed = Reply({"data": [other, shape("stripe/refund")], "has_more": False})
    provider.on("GET", REFUNDS, listed)

    found = await stripe.find_refund(payment_reference=INTENT, key="refund-1")

    assert found is not None
    assert found.reference == "re_3QExample0000000000000001"
    assert await stripe.find_refund(payment_reference=CHARGE, key="refund-2") is None
    assert [one.query.get("charge") for one in provider.asked] == [None, CHARGE]


async def test_refunds_and_disputes_are_found_by_their_names(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    provider.on("GET", f"{REFUNDS}/re_1", Reply(shape("stripe/refund")))
    provider.on("GET", "/v1/disputes/du_1", Reply(shape("stripe/dispute", status="won")))

    refund = await stripe.find_refund(payment_reference=INTENT, key=None, reference="re_1")
    dispute = await stripe.find_dispute("du_1")

    assert refund is not None
    assert refund.reference == "re_3QExample0000000000000001"
    assert dispute is not None
    assert dispute.status == "won"


async def test_unknown_refunds_and_disputes_are_none(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    gone = Reply({"error": {"message": "No such thing"}}, 404)
    for path in (f"{REFUNDS}/re_2", "/v1/disputes/du_2"):
        provider.on("GET", path, gone)

    named = stripe.find_refund(payment_reference=INTENT, key=None, reference="re_2")
    assert await named is None
    assert await stripe.find_dispute("du_2") is None
