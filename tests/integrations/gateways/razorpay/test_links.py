"""Payment links of Razorpay: what they are made of, what was tried there, and how they end."""

from __future__ import annotations

from base64 import b64decode
from decimal import Decimal
from typing import Any

import pytest

from billing.errors import Rejected
from billing.payments.gateways import Gateway, GatewayStatus, PaymentLink
from tests.integrations.gateways.double import ProviderDouble, Reply
from tests.integrations.gateways.shapes import (
    CANARY,
    CUSTOMER,
    INVOICE,
    ORGANIZATION,
    RAZORPAY_SECRETS,
    rupee_request,
    shape,
)

PAYMENT, ORDER, LINK = "pay_ExampleAAAA001", "order_ExampleAAAA001", "plink_ExampleAAAA01"
LINKS = "/v1/payment_links"
ORDER_PAYMENTS = f"/v1/orders/{ORDER}/payments"

MARKS = {
    "invoice_id": str(INVOICE),
    "customer_id": str(CUSTOMER),
    "organization_id": str(ORGANIZATION),
}


def items(*entities: Any) -> Reply:
    return Reply({"entity": "collection", "count": len(entities), "items": list(entities)})


async def test_a_link_is_for_the_whole_amount_and_mails_nobody(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    provider.on("POST", LINKS, Reply(shape("razorpay/payment_link")))

    link = await razorpay.create_link(rupee_request(idempotency_key="link-key-0001"))

    assert link == PaymentLink(reference=LINK, url="https://rzp.io/i/Example01", expires_at=None)
    [asked] = provider.asked
    name, _, password = b64decode(asked.headers["authorization"][6:]).decode().partition(":")
    assert (name, password) == (RAZORPAY_SECRETS["key_id"], RAZORPAY_SECRETS["key_secret"])
    assert asked.json == {
        "amount": 100000,
        "currency": "INR",
        "accept_partial": False,
        "reference_id": "link-key-0001",
        "description": "Invoice INV-2026-0042",
        "customer": {"name": "Ada & Söhne", "email": "ada@example.com"},
        "notify": {"sms": False, "email": False},
        "reminder_enable": False,
        "notes": {**MARKS, "link_key": "link-key-0001"},
        "callback_url": "https://billing.example.com/p/token",
        "callback_method": "get",
    }


async def test_a_second_link_of_a_key_is_the_first(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    no = Reply({"error": {"description": "A link with the reference_id already exists."}}, 400)
    provider.on("POST", LINKS, no)
    other = shape("razorpay/payment_link", reference_id="another", id="plink_other")
    provider.on("GET", LINKS, Reply({"payment_links": [other, shape("razorpay/payment_link")]}))

    link = await razorpay.create_link(rupee_request(idempotency_key="link-key-0001"))

    assert link.reference == LINK
    assert provider.asked[1].query == {"reference_id": "link-key-0001"}
    with pytest.raises(Rejected, match="already exists"):
        await razorpay.create_link(
            rupee_request(idempotency_key="link-key-0001", amount=Decimal(999))
        )
    with pytest.raises(Rejected, match="already exists"):
        await razorpay.create_link(rupee_request(idempotency_key="link-key-0002"))


async def test_what_razorpay_cannot_charge_is_not_asked_for(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    with pytest.raises(Rejected) as refused:
        await razorpay.create_link(rupee_request(amount=Decimal("5.125"), currency="KWD"))

    assert (refused.value.field, provider.asked) == ("amount", [])


async def test_every_try_on_a_page_is_a_payment_the_newest_last(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    provider.on(
        "GET",
        f"{LINKS}/{LINK}",
        Reply(shape("razorpay/payment_link", order_id=ORDER)),
        Reply(shape("razorpay/payment_link", payments=[{"payment_id": PAYMENT}])),
        Reply(shape("razorpay/payment_link")),
    )
    provider.on("GET", f"/v1/payments/{PAYMENT}", Reply(shape("razorpay/payment")))
    failed = shape("razorpay/payment", id="pay_first", status="failed", created_at=1795910000)
    begun = shape("razorpay/payment", id="pay_begun", status="created", created_at=1795910500)
    provider.on("GET", ORDER_PAYMENTS, items(begun, shape("razorpay/payment", notes=[]), failed))

    payments = await razorpay.list_payments(LINK)

    assert [(one.references, one.status, one.invoice_id) for one in payments] == [
        (("pay_first",), GatewayStatus.FAILED, INVOICE),
        ((PAYMENT,), GatewayStatus.SUCCEEDED, INVOICE),
    ]
    # Some answers name no order, but what was paid.
    assert [one.references for one in await razorpay.list_payments(LINK)] == [(PAYMENT,)]
    assert list(await razorpay.list_payments(LINK)) == []
    assert list(await razorpay.list_payments("plink_gone")) == []


async def test_a_link_is_cancelled_once_and_stays_so(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    no = Reply({"error": {"description": "It cannot be cancelled."}}, 400)
    provider.on("POST", f"{LINKS}/{LINK}/cancel", Reply(shape("razorpay/payment_link")), no)
    provider.on(
        "GET",
        f"{LINKS}/{LINK}",
        Reply(shape("razorpay/payment_link", status="cancelled")),
        Reply(shape("razorpay/payment_link", status="paid")),
        Reply(shape("razorpay/payment_link", status="created")),
    )

    for _ in range(3):
        await razorpay.expire_link(LINK)
    with pytest.raises(Rejected, match="cannot be cancelled"):
        await razorpay.expire_link(LINK)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_final_no_says_why_and_shows_no_secret(
    razorpay: Gateway, provider: ProviderDouble, status: int
) -> None:
    words = f"The key {RAZORPAY_SECRETS['key_id']} is not yours."
    provider.on("POST", LINKS, Reply({"error": {"description": words}}, status))
    provider.on("GET", LINKS, Reply({"payment_links": []}))

    with pytest.raises(Rejected) as refused:
        await razorpay.create_link(rupee_request())

    assert refused.value.detail == "Razorpay: The key [secret] is not yours."
    assert CANARY not in repr(refused.value)
