"""What Razorpay is asked, as JSON."""

from __future__ import annotations

from typing import Final

from billing.payments.gateways import PaymentRequest, Provider, RefundRequest, SavedMethod
from integrations.gateways.client import minor_of
from integrations.gateways.fields import Fields
from integrations.gateways.razorpay.api import Body, short_key

LONGEST_NAME: Final = 50


def link_body(request: PaymentRequest) -> Body:
    """A payment link for the whole amount. Razorpay mails nobody: that is ours to do."""
    customer = {"name": request.customer_name[:LONGEST_NAME]}
    if request.customer_email is not None:
        customer["email"] = request.customer_email
    body: dict[str, object] = {
        "amount": minor_of(Provider.RAZORPAY, request),
        "currency": request.currency.upper(),
        "accept_partial": False,
        "reference_id": short_key(request.idempotency_key),
        "description": f"Invoice {request.invoice_number}",
        "customer": customer,
        "notify": {"sms": False, "email": False},
        "reminder_enable": False,
        "notes": {**_marks(request), "link_key": request.idempotency_key},
    }
    if request.return_url is not None:
        body |= {"callback_url": request.return_url, "callback_method": "get"}
    return body


def order_body(request: PaymentRequest) -> Body:
    """The order that a saved method is charged on, captured without another question."""
    return {
        "amount": minor_of(Provider.RAZORPAY, request),
        "currency": request.currency.upper(),
        "receipt": short_key(request.idempotency_key),
        "payment_capture": True,
        "notes": _charge_marks(request),
    }


def charge_body(
    request: PaymentRequest, method: SavedMethod, *, order: str, customer: Fields
) -> Body:
    """A recurring payment of a token, which wants to be told again who the customer is."""
    return {
        "email": customer.find_words("email") or request.customer_email or "",
        "contact": customer.find_words("contact") or "",
        "amount": minor_of(Provider.RAZORPAY, request),
        "currency": request.currency.upper(),
        "order_id": order,
        "customer_id": method.customer_reference,
        "token": method.method_reference,
        "recurring": "1",
        "description": f"Invoice {request.invoice_number}",
        "notes": _charge_marks(request),
    }


def refund_body(request: RefundRequest) -> Body:
    """A refund by the way that the money came."""
    notes = {"idempotency_key": request.idempotency_key}
    if request.invoice_id is not None:
        notes["invoice_id"] = str(request.invoice_id)
    return {
        "amount": minor_of(Provider.RAZORPAY, request),
        "speed": "normal",
        "receipt": short_key(request.idempotency_key),
        "notes": notes,
    }


def _charge_marks(request: PaymentRequest) -> Body:
    return {**_marks(request), "idempotency_key": request.idempotency_key}


def _marks(request: PaymentRequest) -> Body:
    return {
        "invoice_id": str(request.invoice_id),
        "customer_id": str(request.customer_id),
        "organization_id": str(request.organization_id),
    }
