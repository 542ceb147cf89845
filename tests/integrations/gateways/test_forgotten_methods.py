"""Saved methods are forgotten at providers once and for all, however often they are asked."""

from __future__ import annotations

import pytest

from billing.errors import Rejected
from billing.payments.gateways import Gateway
from tests.integrations.gateways.double import ProviderDouble, Reply
from tests.integrations.gateways.shapes import CARD, TOKEN


async def test_a_saved_method_is_detached_once_and_stays_so(
    stripe: Gateway, provider: ProviderDouble
) -> None:
    path = f"/v1/payment_methods/{CARD.method_reference}"
    no = Reply({"error": {"message": "It is not attached to a customer."}}, 400)
    method = {"id": CARD.method_reference, "object": "payment_method"}
    provider.on("POST", f"{path}/detach", Reply(method | {"customer": None}), no)
    provider.on(
        "GET",
        path,
        Reply(method | {"customer": None}),
        Reply({"error": {"code": "resource_missing", "message": "No such method."}}, 404),
        Reply(method | {"customer": CARD.customer_reference}),
    )

    for _ in range(3):
        await stripe.forget_method(CARD)
    with pytest.raises(Rejected, match="not attached"):
        await stripe.forget_method(CARD)


async def test_a_token_is_deleted_once_and_stays_so(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    path = f"/v1/customers/{TOKEN.customer_reference}/tokens/{TOKEN.method_reference}"
    unknown = {"error": {"description": "The id provided does not exist"}}
    provider.on(
        "DELETE",
        path,
        Reply({"deleted": True}),
        Reply(unknown, 400),
        Reply({"error": {"description": "It is in use."}}, 400),
    )

    for _ in range(2):
        await razorpay.forget_method(TOKEN)
    with pytest.raises(Rejected, match="in use"):
        await razorpay.forget_method(TOKEN)
