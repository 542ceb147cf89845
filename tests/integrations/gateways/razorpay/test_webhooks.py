"""What Razorpay reports by itself, event by event."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.payments.gateways import Gateway, GatewayEvent, GatewayStatus
from tests.integrations.gateways.shapes import CUSTOMER, INVOICE, ORGANIZATION, Shape, shape
from tests.integrations.gateways.signing import Webhook, razorpay_event, razorpay_signed

PAYMENT = "pay_ExampleAAAA001"


def read(gateway: Gateway, webhook: Webhook) -> GatewayEvent:
    return gateway.read_webhook(webhook.headers, webhook.body, now=webhook.now)


def told(gateway: Gateway, kind: str, **entities: Shape) -> GatewayEvent:
    return read(gateway, razorpay_signed(razorpay_event(kind, **entities)))


def test_a_captured_payment_is_paid(razorpay: Gateway) -> None:
    event = told(razorpay, "payment.captured", payment=shape("razorpay/payment"))

    assert (event.id, event.type) == ("ExampleEvent01", "payment.captured")
    payment = event.payment
    assert payment is not None
    assert payment.references == (PAYMENT,)
    assert (payment.status, payment.amount, payment.currency, payment.method) == (
        GatewayStatus.SUCCEEDED,
        Decimal("1000.00"),
        "INR",
        "upi",
    )
    assert (payment.organization_id, payment.invoice_id, payment.customer_id) == (
        ORGANIZATION,
        INVOICE,
        CUSTOMER,
    )
    assert payment.at == datetime.fromtimestamp(1795910406, UTC)


@pytest.mark.parametrize(
    ("kind", "marked"), [("payment_link.paid", "payment_link"), ("order.paid", "order")]
)
def test_a_link_an_order_and_their_payment_are_one(
    razorpay: Gateway, kind: str, marked: str
) -> None:
    entities = {"payment": shape("razorpay/payment", notes=[]), marked: shape(f"razorpay/{marked}")}

    event = told(razorpay, kind, **entities)

    assert event.payment is not None
    assert (event.payment.references, event.payment.invoice_id) == ((PAYMENT,), INVOICE)


def test_a_failed_payment_says_why(razorpay: Gateway) -> None:
    failed = shape(
        "razorpay/payment",
        status="failed",
        captured=False,
        error_code="BAD_REQUEST_ERROR",
        error_description="Payment failed because the card is expired.",
        error_reason="card_expired",
    )

    payment = told(razorpay, "payment.failed", payment=failed).payment

    assert payment is not None
    assert (payment.status, payment.references) == (GatewayStatus.FAILED, (PAYMENT,))
    assert (payment.error_code, payment.is_declined_for_good) == ("card_expired", True)
    assert payment.error == "Payment failed because the card is expired."


def test_what_a_bank_has_only_authorized_is_not_paid_yet(razorpay: Gateway) -> None:
    held = shape("razorpay/payment", status="authorized", captured=False)

    payment = told(razorpay, "payment.authorized", payment=held).payment

    assert payment is not None
    assert payment.status is GatewayStatus.PENDING


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("refund.created", "pending", GatewayStatus.PENDING),
        ("refund.processed", "processed", GatewayStatus.SUCCEEDED),
        ("refund.failed", "failed", GatewayStatus.FAILED),
        ("refund.speed_changed", "processed", GatewayStatus.SUCCEEDED),
    ],
)
def test_a_refund_is_one_of_its_payment(
    razorpay: Gateway, kind: str, status: str, expected: GatewayStatus
) -> None:
    refund = told(
        razorpay,
        kind,
        refund=shape("razorpay/refund", status=status),
        payment=shape("razorpay/payment", amount_refunded=50000),
    ).refund

    assert refund is not None
    assert (refund.reference, refund.payment_reference) == ("rfnd_ExampleAAAA01", PAYMENT)
    assert (refund.status, refund.amount, refund.idempotency_key) == (
        expected,
        Decimal("500.00"),
        "refund-key-01",
    )


def test_what_was_never_captured_went_back_without_us(razorpay: Gateway) -> None:
    event = told(
        razorpay,
        "refund.processed",
        refund=shape("razorpay/refund"),
        payment=shape("razorpay/payment", status="refunded", captured=False),
    )

    assert (event.payment, event.refund, event.dispute) == (None, None, None)


@pytest.mark.parametrize(
    ("status", "deducted", "amount"),
    [("open", 0, "1000"), ("lost", 0, "1000"), ("lost", 40000, "400"), ("won", 40000, "1000")],
)
def test_a_lost_dispute_is_what_was_deducted_for_it(
    razorpay: Gateway, status: str, deducted: int, amount: str
) -> None:
    about = shape("razorpay/dispute", status=status, amount_deducted=deducted)

    dispute = told(razorpay, f"payment.dispute.{status}", dispute=about).dispute

    assert dispute is not None
    assert dispute.amount == Decimal(amount)


@pytest.mark.parametrize("word", ["created", "under_review", "won", "lost", "closed"])
def test_a_dispute_is_one_of_its_payment(razorpay: Gateway, word: str) -> None:
    dispute = told(
        razorpay,
        f"payment.dispute.{word}",
        payment=shape("razorpay/payment"),
        dispute=shape("razorpay/dispute", status=word),
    ).dispute

    assert dispute is not None
    assert (dispute.reference, dispute.payment_reference, dispute.status) == (
        "disp_ExampleAAAA01",
        PAYMENT,
        word,
    )
    assert dispute.reason == "goods_or_services_not_received_or_partially_received"


@pytest.mark.parametrize("kind", ["payment.captured", "payment_link.expired", "invoice.paid"])
def test_what_means_nothing_to_an_invoice_says_nothing(razorpay: Gateway, kind: str) -> None:
    event = told(razorpay, kind, payment=shape("razorpay/payment", notes=[]))

    assert event.type == kind
    assert (event.payment, event.refund, event.dispute) == (None, None, None)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_now(razorpay: Gateway, seconds: int) -> None:
    event = razorpay_signed(razorpay_event("payment_link.expired"))

    assert read(razorpay, event.at(seconds)).id == "ExampleEvent01"
