"""Refunds and disputes of Razorpay, looked up by the names that it told."""

from __future__ import annotations

from decimal import Decimal

from billing.payments.gateways import Gateway
from tests.integrations.gateways.double import ProviderDouble, Reply
from tests.integrations.gateways.shapes import shape

PAYMENT = "pay_ExampleAAAA01"


async def test_refunds_and_disputes_are_found_by_their_names(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    gone = Reply({"error": {"description": "The id provided does not exist"}}, 400)
    provider.on("GET", "/v1/refunds/rfnd_1", Reply(shape("razorpay/refund")))
    provider.on("GET", "/v1/disputes/disp_1", Reply(shape("razorpay/dispute", status="lost")))
    provider.on("GET", "/v1/refunds/rfnd_2", gone)
    provider.on("GET", "/v1/disputes/disp_2", gone)

    refund = await razorpay.find_refund(payment_reference=PAYMENT, key=None, reference="rfnd_1")
    dispute = await razorpay.find_dispute("disp_1")

    assert refund is not None
    assert refund.amount == Decimal(500)
    assert dispute is not None
    assert dispute.status == "lost"
    named = razorpay.find_refund(payment_reference=PAYMENT, key=None, reference="rfnd_2")
    assert await named is None
    assert await razorpay.find_dispute("disp_2") is None
