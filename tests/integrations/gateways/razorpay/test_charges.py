"""Charges of saved tokens at Razorpay, payments looked up, and money that goes back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.errors import Rejected, Unavailable
from billing.payments.gateways import Gateway, GatewayStatus, SavedMethod
from integrations.gateways.razorpay.api import short_key
from tests.integrations.gateways.double import ProviderDouble, Reply
from tests.integrations.gateways.shapes import (
    CUSTOMER,
    INVOICE,
    ORGANIZATION,
    TOKEN,
    refund_request,
    rupee_request,
    shape,
)

PAYMENT, ORDER = "pay_ExampleAAAA001", "order_ExampleAAAA001"
ORDERS = "/v1/orders"
ORDER_PAYMENTS = f"{ORDERS}/{ORDER}/payments"
RECURRING = "/v1/payments/create/recurring"

MARKS = {
    "invoice_id": str(INVOICE),
    "customer_id": str(CUSTOMER),
    "organization_id": str(ORGANIZATION),
}
OURS = {**MARKS, "idempotency_key": "attempt-key-01"}


def items(*entities: Any) -> Reply:
    return Reply({"entity": "collection", "count": len(entities), "items": list(entities)})


def test_keys_are_written_in_the_letters_that_razorpay_takes() -> None:
    assert short_key("attempt-key-01") == "attempt-key-01"
    assert short_key("0190b5a0-0000-7000-8000-00000000000a-12") != short_key("x" * 39)
    for key in ("short", "x" * 41, "with blanks in it", "ümlaut-in-it-1"):
        assert len(short_key(key)) == 40
        assert short_key(key) == short_key(key)


async def test_a_token_is_charged_on_an_order_of_its_own(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    provider.on("GET", ORDERS, items(), items(shape("razorpay/order")))
    provider.on("GET", ORDER_PAYMENTS, items())
    provider.on("POST", ORDERS, Reply(shape("razorpay/order")))
    provider.on("GET", "/v1/customers/cust_ExampleAAAA01", Reply(shape("razorpay/customer")))
    provider.on("POST", RECURRING, Reply(shape("razorpay/recurring")))
    provider.on("GET", f"/v1/payments/{PAYMENT}", Reply(shape("razorpay/payment", notes=OURS)))

    payment = await razorpay.charge(rupee_request(), TOKEN)

    assert (payment.status, payment.references) == (GatewayStatus.SUCCEEDED, (PAYMENT,))
    assert payment.idempotency_key == "attempt-key-01"
    assert provider.asks("GET", ORDERS)[0].query["receipt"] == "attempt-key-01"
    assert provider.asks("POST", ORDERS)[0].json == {
        "amount": 100000,
        "currency": "INR",
        "receipt": "attempt-key-01",
        "payment_capture": True,
        "notes": OURS,
    }
    assert provider.asks("POST", RECURRING)[0].json == {
        "email": "gaurav.kumar@example.com",
        "contact": "+919000090000",
        "amount": 100000,
        "currency": "INR",
        "order_id": ORDER,
        "customer_id": TOKEN.customer_reference,
        "token": TOKEN.method_reference,
        "recurring": "1",
        "description": "Invoice INV-2026-0042",
        "notes": OURS,
    }


async def test_a_bank_that_says_no_is_a_failed_payment(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    provider.on("GET", ORDERS, items(), items(shape("razorpay/order")))
    provider.on("GET", ORDER_PAYMENTS, items())
    provider.on("POST", ORDERS, Reply(shape("razorpay/order")))
    provider.on("GET", "/v1/customers/cust_ExampleAAAA01", Reply(shape("razorpay/customer")))
    provider.on("POST", RECURRING, Reply(shape("razorpay/error"), 400))
    failed = shape(
        "razorpay/payment", notes=OURS, status="failed", error_reason="insufficient_funds"
    )
    provider.on("GET", f"/v1/payments/{PAYMENT}", Reply(failed))

    payment = await razorpay.charge(rupee_request(), TOKEN)

    assert (payment.status, payment.error_code, payment.is_declined_for_good) == (
        GatewayStatus.FAILED,
        "insufficient_funds",
        False,
    )


@pytest.mark.parametrize("status", ["captured", "created", "failed"])
async def test_an_order_that_was_tried_is_not_charged_again(
    razorpay: Gateway, provider: ProviderDouble, status: str
) -> None:
    provider.on("GET", ORDERS, items(shape("razorpay/order", status="attempted")))
    provider.on("GET", ORDER_PAYMENTS, items(shape("razorpay/payment", status=status, notes=[])))

    payment = await razorpay.charge(rupee_request(), TOKEN)

    assert (payment.references, payment.idempotency_key) == ((PAYMENT,), "attempt-key-01")
    assert [one.method for one in provider.asked] == ["GET", "GET"]


async def test_an_order_that_was_tried_with_an_end_unseen_is_left_alone(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    provider.on("GET", ORDERS, items(shape("razorpay/order", status="attempted")))
    provider.on("GET", ORDER_PAYMENTS, items())
    provider.on("GET", f"{ORDERS}/{ORDER}", Reply(shape("razorpay/order", status="attempted")))

    with pytest.raises(Unavailable, match="with what end"):
        await razorpay.charge(rupee_request(), TOKEN)

    assert [one.method for one in provider.asked] == ["GET", "GET", "GET"]


async def test_a_no_to_an_order_that_was_paid_is_no_failure(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    """The first answer was lost, and lists were behind: a failure now would be charged again."""
    provider.on("GET", ORDERS, items(shape("razorpay/order")))
    paid = items(shape("razorpay/payment", notes=OURS))
    provider.on("GET", ORDER_PAYMENTS, items(), paid)
    provider.on("GET", f"{ORDERS}/{ORDER}", Reply(shape("razorpay/order")))
    provider.on("GET", "/v1/customers/cust_ExampleAAAA01", Reply(shape("razorpay/customer")))
    no = Reply({"error": {"description": "The order has already been paid."}}, 400)
    provider.on("POST", RECURRING, no)

    payment = await razorpay.charge(rupee_request(), TOKEN)

    assert (payment.status, payment.references) == (GatewayStatus.SUCCEEDED, (PAYMENT,))


async def test_a_no_to_an_order_that_nobody_paid_is_final(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    provider.on("GET", ORDERS, items(), items(shape("razorpay/order")))
    provider.on("POST", ORDERS, Reply(shape("razorpay/order")))
    provider.on("GET", ORDER_PAYMENTS, items())
    provider.on("GET", f"{ORDERS}/{ORDER}", Reply(shape("razorpay/order")))
    provider.on("GET", "/v1/customers/cust_ExampleAAAA01", Reply(shape("razorpay/customer")))
    no = Reply({"error": {"description": "The token is not confirmed."}}, 400)
    provider.on("POST", RECURRING, no)

    with pytest.raises(Rejected, match="not confirmed"):
        await razorpay.charge(rupee_request(), TOKEN)


async def test_a_receipt_of_somebody_else_is_no_order_of_ours(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    provider.on("GET", ORDERS, items(shape("razorpay/order", notes=[])))

    assert await razorpay.find_payment(reference=None, key="attempt-key-01") is None
    assert await razorpay.find_payment(reference=None, key=None) is None


async def test_what_a_bank_has_only_authorized_is_captured_when_looked_at(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    held = shape("razorpay/payment", status="authorized", captured=False)
    provider.on("GET", f"/v1/payments/{PAYMENT}", Reply(held))
    provider.on("POST", f"/v1/payments/{PAYMENT}/capture", Reply(shape("razorpay/payment")))

    payment = await razorpay.find_payment(reference=PAYMENT, key=None)

    assert payment is not None
    assert payment.status is GatewayStatus.SUCCEEDED
    assert provider.asked[1].json == {"amount": 100000, "currency": "INR"}
    assert provider.asked[0].query == {"expand[]": "card"}


async def test_what_was_captured_by_another_is_seen_so(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    held = shape("razorpay/payment", status="authorized", captured=False)
    no = Reply({"error": {"description": "It was captured already."}}, 400)
    provider.on("GET", f"/v1/payments/{PAYMENT}", Reply(held), Reply(shape("razorpay/payment")))
    provider.on("POST", f"/v1/payments/{PAYMENT}/capture", no)

    payment = await razorpay.find_payment(reference=PAYMENT, key=None)

    assert payment is not None
    assert payment.status is GatewayStatus.SUCCEEDED


async def test_what_others_sell_there_is_not_captured(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    held = shape("razorpay/payment", status="authorized", captured=False, notes=[])
    provider.on("GET", f"/v1/payments/{PAYMENT}", Reply(held))

    payment = await razorpay.find_payment(reference=PAYMENT, key=None)

    assert payment is not None
    assert (payment.status, payment.invoice_id) == (GatewayStatus.PENDING, None)
    assert [one.method for one in provider.asked] == ["GET"]


async def test_a_token_can_be_charged_later(razorpay: Gateway, provider: ProviderDouble) -> None:
    told = shape(
        "razorpay/payment",
        method="card",
        card=shape("razorpay/card"),
        customer_id=TOKEN.customer_reference,
        token_id=TOKEN.method_reference,
    )
    by_upi = {**told, "method": "upi", "card": None}
    provider.on("GET", f"/v1/payments/{PAYMENT}", Reply(told), Reply(by_upi))

    found = [await razorpay.find_payment(reference=PAYMENT, key=None) for _ in range(2)]

    assert [one and one.saved_method for one in found] == [
        TOKEN,
        SavedMethod(
            customer_reference=TOKEN.customer_reference,
            method_reference=TOKEN.method_reference,
            label="UPI",
        ),
    ]


@pytest.mark.parametrize("reference", ["pay_gone", "order_1", "pi_1", "x"])
async def test_an_unknown_name_is_none(
    razorpay: Gateway, provider: ProviderDouble, reference: str
) -> None:
    gone = Reply({"error": {"description": "The id provided does not exist"}}, 400)
    provider.on("GET", "/v1/payments/pay_gone", gone)

    assert await razorpay.find_payment(reference=reference, key=None) is None


async def test_money_goes_back_once_for_each_key(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    provider.on("POST", f"/v1/payments/{PAYMENT}/refund", Reply(shape("razorpay/refund")))
    provider.on(
        "GET",
        f"/v1/payments/{PAYMENT}/refunds",
        items(shape("razorpay/refund", notes=[], id="rfnd_x"), shape("razorpay/refund")),
    )
    request = refund_request(
        payment_reference=PAYMENT,
        amount=Decimal(500),
        currency="INR",
        idempotency_key="refund-key-01",
    )

    made = await razorpay.refund(request)
    found = await razorpay.find_refund(payment_reference=PAYMENT, key="refund-key-01")

    assert made == found
    assert (made.status, made.amount) == (GatewayStatus.SUCCEEDED, Decimal(500))
    asked = provider.asked[0]
    assert asked.headers["x-refund-idempotency"] == "refund-key-01"
    assert asked.json == {
        "amount": 50000,
        "speed": "normal",
        "receipt": "refund-key-01",
        "notes": {"idempotency_key": "refund-key-01", "invoice_id": str(INVOICE)},
    }
    assert await razorpay.find_refund(payment_reference=PAYMENT, key="refund-key-02") is None


async def test_an_order_that_is_not_listed_is_not_charged(
    razorpay: Gateway, provider: ProviderDouble
) -> None:
    provider.on("GET", ORDERS, items())
    provider.on("GET", "/v1/customers/cust_ExampleAAAA01", Reply(shape("razorpay/customer")))
    provider.on("POST", ORDERS, Reply(shape("razorpay/order")))

    with pytest.raises(Unavailable, match="does not list"):
        await razorpay.charge(rupee_request(), TOKEN)

    assert provider.asks("POST", RECURRING) == []
