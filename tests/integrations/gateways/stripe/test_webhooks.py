"""What Stripe reports by itself, event by event."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.payments.gateways import Gateway, GatewayEvent, GatewayStatus
from tests.integrations.gateways.shapes import (
    CHARGE,
    CUSTOMER,
    INTENT,
    INVOICE,
    ORGANIZATION,
    SESSION,
    STRIPE_SECRETS,
    Shape,
    shape,
)
from tests.integrations.gateways.signing import (
    Webhook,
    digest,
    stripe_event,
    stripe_signed,
    written,
)

SENT_AT = datetime.fromtimestamp(1795910406, UTC)


def read(gateway: Gateway, webhook: Webhook) -> GatewayEvent:
    return gateway.read_webhook(webhook.headers, webhook.body, now=webhook.now)


def told(gateway: Gateway, kind: str, about: Shape) -> GatewayEvent:
    return read(gateway, stripe_signed(stripe_event(kind, about)))


def failed_intent(**changes: Any) -> Shape:
    intent: Shape = shape("stripe/declined")["error"]["payment_intent"]
    return {**intent, **changes}


def test_a_success_is_a_payment_with_all_its_names(stripe: Gateway) -> None:
    event = told(stripe, "payment_intent.succeeded", shape("stripe/payment_intent"))

    assert (event.id, event.type) == ("evt_1QExample0000000000000001", "payment_intent.succeeded")
    payment = event.payment
    assert payment is not None
    assert payment.references == (INTENT, CHARGE)
    assert (payment.status, payment.amount, payment.currency, payment.at) == (
        GatewayStatus.SUCCEEDED,
        Decimal("82.45"),
        "USD",
        SENT_AT,
    )
    assert (payment.organization_id, payment.invoice_id, payment.customer_id) == (
        ORGANIZATION,
        INVOICE,
        CUSTOMER,
    )
    # Whoever wants to know what was saved asks Stripe.
    assert (payment.saved_method, payment.idempotency_key) == (None, None)


def test_a_session_and_its_intent_are_one_payment(stripe: Gateway) -> None:
    session = told(stripe, "checkout.session.completed", shape("stripe/checkout_session")).payment
    intent = told(stripe, "payment_intent.succeeded", shape("stripe/payment_intent")).payment

    assert session is not None
    assert intent is not None
    assert session.references == (INTENT, SESSION)
    assert session.references[0] == intent.references[0]
    assert (session.amount, session.status) == (intent.amount, intent.status)


@pytest.mark.parametrize(
    ("kind", "paid", "status"),
    [
        ("checkout.session.completed", "paid", GatewayStatus.SUCCEEDED),
        ("checkout.session.completed", "unpaid", GatewayStatus.PENDING),
        ("checkout.session.async_payment_succeeded", "paid", GatewayStatus.SUCCEEDED),
        ("checkout.session.async_payment_failed", "unpaid", GatewayStatus.FAILED),
    ],
)
def test_a_session_counts_by_its_total_and_only_when_it_is_paid(
    stripe: Gateway, kind: str, paid: str, status: GatewayStatus
) -> None:
    session = shape("stripe/checkout_session", payment_status=paid, amount_total=9000)

    payment = told(stripe, kind, session).payment

    assert payment is not None
    assert (payment.status, payment.amount) == (status, Decimal("90.00"))


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("checkout.session.expired", shape("stripe/checkout_session", status="expired")),
        ("checkout.session.completed", shape("stripe/checkout_session", mode="setup")),
        (
            "checkout.session.completed",
            shape("stripe/checkout_session", payment_status="no_payment_required"),
        ),
        ("payment_intent.created", shape("stripe/payment_intent")),
        ("payment_intent.succeeded", shape("stripe/payment_intent", metadata={})),
        ("payment_intent.succeeded", shape("stripe/payment_intent", metadata=None)),
        (
            "payment_intent.succeeded",
            shape("stripe/payment_intent", metadata={"invoice_id": "INV-1"}),
        ),
        ("invoice.payment_succeeded", shape("stripe/invoice", metadata={})),
        ("charge.refunded", shape("stripe/charge", metadata={})),
        # Of a customer's balance, which no payment filled.
        ("refund.created", shape("stripe/refund", payment_intent=None, charge=None)),
        ("customer.created", {"id": "cus_1", "object": "customer"}),
        ("plan.created", {}),
    ],
)
def test_what_means_nothing_to_an_invoice_says_nothing(
    stripe: Gateway, kind: str, about: Shape
) -> None:
    event = told(stripe, kind, about)

    assert event.type == kind
    assert (event.payment, event.refund, event.dispute) == (None, None, None)


def test_a_failed_try_on_a_page_has_no_name_of_what_may_yet_succeed_there(
    stripe: Gateway,
) -> None:
    on_page = failed_intent(metadata=shape("stripe/payment_intent")["metadata"])

    payment = told(stripe, "payment_intent.payment_failed", on_page).payment

    assert payment is not None
    assert (payment.status, payment.references) == (GatewayStatus.FAILED, (CHARGE,))
    assert (payment.error_code, payment.is_declined_for_good) == ("insufficient_funds", False)


def test_a_try_that_never_reached_a_bank_has_a_name_too(stripe: Gateway) -> None:
    on_page = failed_intent(metadata=shape("stripe/payment_intent")["metadata"])
    on_page["last_payment_error"] = {
        "code": "payment_intent_authentication_failure",
        "payment_method": shape("stripe/payment_method"),
    }

    payment = told(stripe, "payment_intent.payment_failed", on_page).payment

    assert payment is not None
    assert payment.references == (f"{INTENT}:pm_1QExample0000000000000001",)
    assert payment.error_code == "payment_intent_authentication_failure"


def test_a_charge_of_ours_that_failed_is_known_by_its_key(stripe: Gateway) -> None:
    payment = told(stripe, "payment_intent.payment_failed", failed_intent()).payment

    assert payment is not None
    assert (payment.idempotency_key, payment.references) == ("attempt-1", (INTENT, CHARGE))


@pytest.mark.parametrize(
    ("kind", "changes", "status"),
    [
        ("payment_intent.processing", {"status": "processing"}, GatewayStatus.PENDING),
        (
            "payment_intent.canceled",
            {"status": "canceled", "cancellation_reason": "abandoned"},
            GatewayStatus.FAILED,
        ),
    ],
)
def test_an_intent_is_what_its_status_says(
    stripe: Gateway, kind: str, changes: dict[str, Any], status: GatewayStatus
) -> None:
    payment = told(stripe, kind, shape("stripe/payment_intent", **changes)).payment

    assert payment is not None
    assert (payment.status, payment.references[0]) == (status, INTENT)
    assert payment.error_code == changes.get("cancellation_reason")


def test_a_customer_who_is_at_it_has_not_paid_yet(stripe: Gateway) -> None:
    at_it = shape("stripe/payment_intent", status="requires_action", amount_received=0)

    assert told(stripe, "payment_intent.processing", at_it).payment is None


def test_an_invoice_that_was_made_at_stripe_is_a_payment_of_ours(stripe: Gateway) -> None:
    of_old = shape("stripe/invoice", payment_intent=INTENT, charge=CHARGE)

    paid = told(stripe, "invoice.payment_succeeded", shape("stripe/invoice")).payment
    paid_of_old = told(stripe, "invoice.payment_succeeded", of_old).payment
    failed = told(stripe, "invoice.payment_failed", shape("stripe/invoice", amount_paid=0)).payment

    assert paid is not None
    assert (paid.references, paid.amount) == (("in_1QExample0000000000000001",), Decimal("82.45"))
    assert paid_of_old is not None
    assert paid_of_old.references == ("in_1QExample0000000000000001", INTENT, CHARGE)
    assert failed is not None
    assert (failed.status, failed.references) == (
        GatewayStatus.FAILED,
        ("in_1QExample0000000000000001:1",),
    )


def test_a_refunded_charge_says_how_much_went_back(stripe: Gateway) -> None:
    charge = shape("stripe/charge", amount_refunded=2000)

    payment = told(stripe, "charge.refunded", charge).payment

    assert payment is not None
    assert payment.references == (INTENT, CHARGE)
    assert (payment.status, payment.refunded_amount) == (GatewayStatus.SUCCEEDED, Decimal("20.00"))


@pytest.mark.parametrize(
    "kind", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"]
)
def test_a_refund_is_one_of_its_payment(stripe: Gateway, kind: str) -> None:
    refund = told(stripe, kind, shape("stripe/refund")).refund

    assert refund is not None
    assert (refund.reference, refund.payment_reference, refund.amount) == (
        "re_3QExample0000000000000001",
        INTENT,
        Decimal("20.00"),
    )
    assert refund.idempotency_key == "refund-1"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("charge.dispute.created", "needs_response"),
        ("charge.dispute.updated", "under_review"),
        ("charge.dispute.closed", "lost"),
        ("charge.dispute.funds_withdrawn", "needs_response"),
        ("charge.dispute.funds_reinstated", "won"),
    ],
)
def test_a_dispute_is_one_of_its_payment(stripe: Gateway, kind: str, status: str) -> None:
    dispute = told(stripe, kind, shape("stripe/dispute", status=status)).dispute

    assert dispute is not None
    assert (dispute.payment_reference, dispute.amount, dispute.status, dispute.reason) == (
        INTENT,
        Decimal("82.45"),
        status,
        "fraudulent",
    )


@pytest.mark.parametrize(
    ("moved", "fee"),
    [
        ([], None),
        ([("usd", 1500)], "15.00"),
        ([("usd", 1500), ("usd", -1500)], "0.00"),
        ([("usd", 1500), ("usd", 0)], "15.00"),
        ([("eur", 2000)], None),  # of the account's bank, which is not that of the invoice
    ],
)
def test_fee_of_a_dispute_is_what_was_taken_less_what_was_given_back(
    stripe: Gateway, moved: list[tuple[str, int]], fee: str | None
) -> None:
    transactions = [{"currency": currency, "fee": minor} for currency, minor in moved]
    about = shape("stripe/dispute", balance_transactions=transactions)

    dispute = told(stripe, "charge.dispute.closed", about).dispute

    assert dispute is not None
    assert dispute.fee == (None if fee is None else Decimal(fee))


def test_either_signature_counts_while_a_secret_is_rolled(stripe: Gateway) -> None:
    body = written(stripe_event("plan.created", {}))
    instant = int(SENT_AT.timestamp())
    right = digest(STRIPE_SECRETS["webhook_secret"], f"{instant}.".encode() + body)
    header = f"t={instant},v1={'0' * 64},v1={right},v0={'1' * 64}"

    assert read(stripe, Webhook(headers={"STRIPE-SIGNATURE": header}, body=body)).id


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_now(stripe: Gateway, seconds: int) -> None:
    assert read(stripe, stripe_signed(stripe_event("plan.created", {})).at(seconds)).id


def test_amounts_are_in_stripes_minor_units(stripe: Gateway) -> None:
    krona = shape("stripe/payment_intent", currency="isk", amount_received=50000)

    payment = told(stripe, "payment_intent.succeeded", krona).payment

    assert payment is not None
    assert (payment.amount, payment.currency) == (Decimal(500), "ISK")
