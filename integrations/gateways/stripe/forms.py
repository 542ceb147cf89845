"""What Stripe is asked, as forms: the same request makes the same form, whenever it is made.

That is what its idempotency needs: a key with another form is refused.
"""

from __future__ import annotations

from typing import Final

from billing.errors import Rejected
from billing.payments.gateways import PaymentRequest, Provider, RefundRequest, SavedMethod
from integrations.gateways.client import minor_of
from integrations.gateways.stripe.api import Form

EXPANDED: Final = ("latest_charge", "payment_method")
"""What is told with an intent, so that one question says all of a payment."""


def link_form(request: PaymentRequest) -> Form:
    """A checkout session: one line, one payment, and the method kept for later invoices.

    It closes by itself after a day, which is as long as Stripe keeps one open.
    """
    if request.return_url is None:
        raise Rejected("Stripe's page has to lead back somewhere.", field="return_url")
    marks = {**_marks(request), "link_key": request.idempotency_key}
    title = f"Invoice {request.invoice_number}"
    return {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.currency.lower(),
                    "unit_amount": minor_of(Provider.STRIPE, request),
                    "product_data": {"name": title},
                },
            }
        ],
        "success_url": request.return_url,
        "cancel_url": request.return_url,
        "client_reference_id": str(request.invoice_id),
        "customer_creation": "always",
        "customer_email": request.customer_email,
        # The invoice is due in its own currency, whatever the customer's country.
        "adaptive_pricing": {"enabled": False},
        "metadata": marks,
        "payment_intent_data": {
            "description": title,
            "setup_future_usage": "off_session",
            "metadata": marks,
        },
    }


def charge_form(request: PaymentRequest, method: SavedMethod) -> Form:
    """An intent that is confirmed at once, with nobody there to help.

    Stripe refuses it, whatever the method is, unless it says where a redirect would lead back to or
    that there is none.
    """
    redirects = {"allow_redirects": "never"} if request.return_url is None else {}
    return {
        "amount": minor_of(Provider.STRIPE, request),
        "currency": request.currency.lower(),
        "customer": method.customer_reference,
        "payment_method": method.method_reference,
        "automatic_payment_methods": {"enabled": True, **redirects},
        "confirm": True,
        "off_session": True,
        "return_url": request.return_url,
        "description": f"Invoice {request.invoice_number}",
        "metadata": {**_marks(request), "idempotency_key": request.idempotency_key},
        "expand": EXPANDED,
    }


def refund_form(request: RefundRequest, *, intent: str | None, charge: str | None) -> Form:
    """Money of an intent or of a charge goes back."""
    return {
        "payment_intent": intent,
        "charge": charge,
        "amount": minor_of(Provider.STRIPE, request),
        "metadata": {
            "idempotency_key": request.idempotency_key,
            "invoice_id": None if request.invoice_id is None else str(request.invoice_id),
        },
    }


def _marks(request: PaymentRequest) -> dict[str, object]:
    return {
        "invoice_id": str(request.invoice_id),
        "customer_id": str(request.customer_id),
        "organization_id": str(request.organization_id),
    }
