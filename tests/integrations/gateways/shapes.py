"""The recorded shapes of what providers say, and requests to go with them."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from billing.payments.gateways import (
    GatewayAccount,
    PaymentRequest,
    Provider,
    RefundRequest,
    SavedMethod,
)
from billing.payments.provider_secrets import SANDBOX_FIELD

FOLDER = Path(__file__).parent / "shapes"

INVOICE = UUID("0190b5a0-0000-7000-8000-00000000000a")
CUSTOMER = UUID("0190b5a0-0000-7000-8000-00000000000b")
ORGANIZATION = UUID("0190b5a0-0000-7000-8000-00000000000c")

INTENT = "pi_3QExample0000000000000001"
CHARGE = "ch_3QExample0000000000000001"
SESSION = "cs_test_a1Example0000000000000000000000000000000000000000000000001"

NOW = datetime.fromtimestamp(1795910406, UTC)

STRIPE_SECRETS = {
    "secret_key": "sk_test_Canary000000000000000001",
    "webhook_secret": "whsec_Canary00000000000000000002",
}
RAZORPAY_SECRETS = {
    "key_id": "rzp_test_Canary00000003",
    "key_secret": "Canary0000000000000004",
    "webhook_secret": "Canary of webhooks 05",
}
CANARY = "Canary"

Shape = dict[str, Any]


def account_of(provider: Provider) -> GatewayAccount:
    """A connection to a provider, with secrets that it may have."""
    known = {
        Provider.STRIPE: STRIPE_SECRETS,
        Provider.RAZORPAY: RAZORPAY_SECRETS,
        Provider.SANDBOX: {SANDBOX_FIELD: "sandbox_Canary06"},
    }
    return GatewayAccount(
        organization_id=ORGANIZATION,
        connection_id=ORGANIZATION,
        provider=provider,
        webhook_url="https://billing.example.com/webhook",
        secrets=known[provider],
    )


@cache
def _text(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text()


def shape(name: str, **changes: Any) -> Shape:
    """A recorded shape, with other values at its top."""
    read: Shape = json.loads(_text(name))
    return {**read, **deepcopy(changes)}


def intent_shape(*, key: str | None = None, **changes: Any) -> Shape:
    """An intent as it is told when asked for; with a key, of a charge that we asked for."""
    intent = shape(
        "stripe/payment_intent",
        latest_charge=shape("stripe/charge"),
        payment_method=shape("stripe/payment_method"),
    )
    if key is not None:
        del intent["metadata"]["link_key"]
        intent["metadata"]["idempotency_key"] = key
    return {**intent, **changes}


def payment_request(**changes: Any) -> PaymentRequest:
    """What the shapes are answers to, at Stripe."""
    values: dict[str, Any] = {
        "organization_id": ORGANIZATION,
        "invoice_id": INVOICE,
        "customer_id": CUSTOMER,
        "invoice_number": "INV-2026-0042",
        "amount": Decimal("82.45"),
        "currency": "USD",
        "idempotency_key": "attempt-1",
        "customer_name": "Ada & Söhne",
        "customer_email": "ada@example.com",
        "return_url": "https://billing.example.com/p/token",
    }
    return PaymentRequest(**{**values, **changes})


def rupee_request(**changes: Any) -> PaymentRequest:
    """What the shapes are answers to, at Razorpay."""
    values = {
        "amount": Decimal("1000.00"),
        "currency": "INR",
        "idempotency_key": "attempt-key-01",
    }
    return payment_request(**{**values, **changes})


def refund_request(**changes: Any) -> RefundRequest:
    """Twenty dollars of the payment go back."""
    values: dict[str, Any] = {
        "payment_reference": "pi_3QExample0000000000000001",
        "amount": Decimal("20.00"),
        "currency": "USD",
        "idempotency_key": "refund-1",
        "invoice_id": INVOICE,
    }
    return RefundRequest(**{**values, **changes})


CARD = SavedMethod(
    customer_reference="cus_Example00000001",
    method_reference="pm_1QExample0000000000000001",
    label="Visa ending in 4242",
)
TOKEN = SavedMethod(
    customer_reference="cust_ExampleAAAA01",
    method_reference="token_ExampleAAAA1",
    label="Visa ending in 1111",
)
