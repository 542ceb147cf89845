"""Razorpay's entities as payments, refunds and disputes.

Source: Razorpay's API reference and sample payloads, read in November 2026.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from billing.payments.gateways import (
    GatewayDispute,
    GatewayPayment,
    GatewayRefund,
    GatewayStatus,
    Provider,
    SavedMethod,
)
from billing.payments.minor_units import from_minor
from integrations.gateways.fields import Fields, Malformed

_PAYMENTS: Final = {
    "created": GatewayStatus.PENDING,
    "pending": GatewayStatus.PENDING,
    # The bank holds the money, and gives it back in some days unless somebody captures it.
    "authorized": GatewayStatus.PENDING,
    "captured": GatewayStatus.SUCCEEDED,
    "refunded": GatewayStatus.SUCCEEDED,
    "failed": GatewayStatus.FAILED,
}
_REFUNDS: Final = {
    "pending": GatewayStatus.PENDING,
    "processed": GatewayStatus.SUCCEEDED,
    "failed": GatewayStatus.FAILED,
}

_FOR_GOOD: Final = frozenset(
    {
        "bank_account_invalid",
        "card_expired",
        "card_number_invalid",
        "card_type_invalid",
        "debit_instrument_blocked",
        "invalid_vpa",
        "mandate_not_active",
        "psp_not_registered",
        "transaction_on_vpa_restricted",
    }
)
"""Reasons that the next try would have too, whatever the customer's bank is told meanwhile.

Source: Razorpay's pages on error reasons, and on those of recurring payments.
"""


def marks_of(*entities: Fields) -> Fields:
    """What we wrote on the first of the entities that has it. Empty notes come as a list."""
    notes = [entity.inner("notes") for entity in entities]
    return next((one for one in notes if one.find_id("invoice_id") is not None), Fields({}))


def read_payment(
    payment: Fields, marks: Fields, *, at: datetime | None = None
) -> GatewayPayment | None:
    """The payment that Razorpay tells of, which has one name: each try is another payment.

    None while a customer has only begun to pay on a page.
    """
    key = marks.find_words("idempotency_key")
    if payment.text("status") == "created" and key is None:
        return None
    status = _status(_PAYMENTS, payment)
    has_failed = status is GatewayStatus.FAILED
    currency = payment.text("currency").upper()
    code = payment.find_words("error_reason") or payment.find_words("error_code")
    refunded = payment.find_integer("amount_refunded") or 0
    return GatewayPayment(
        references=(payment.text("id"),),
        status=status,
        amount=from_minor(Provider.RAZORPAY, payment.integer("amount"), currency),
        currency=currency,
        at=at or payment.moment("created_at"),
        organization_id=marks.find_id("organization_id"),
        invoice_id=marks.find_id("invoice_id"),
        customer_id=marks.find_id("customer_id"),
        idempotency_key=key,
        method=payment.find_words("method"),
        saved_method=None if has_failed else _saved_method(payment),
        error_code=code if has_failed else None,
        error=payment.find_words("error_description") if has_failed else None,
        is_declined_for_good=has_failed and code in _FOR_GOOD,
        refunded_amount=from_minor(Provider.RAZORPAY, refunded, currency),
    )


def read_refund(refund: Fields) -> GatewayRefund:
    """The refund that Razorpay tells of."""
    currency = refund.text("currency").upper()
    status = _status(_REFUNDS, refund)
    return GatewayRefund(
        reference=refund.text("id"),
        payment_reference=refund.text("payment_id"),
        status=status,
        amount=from_minor(Provider.RAZORPAY, refund.integer("amount"), currency),
        currency=currency,
        at=refund.moment("created_at"),
        idempotency_key=refund.inner("notes").find_words("idempotency_key"),
        error="Razorpay could not send it." if status is GatewayStatus.FAILED else None,
    )


def read_dispute(dispute: Fields, *, at: datetime) -> GatewayDispute:
    """The dispute that Razorpay tells of; once it is lost, what was deducted for it."""
    currency = dispute.text("currency").upper()
    deducted = dispute.find_integer("amount_deducted") if dispute.text("status") == "lost" else None
    return GatewayDispute(
        reference=dispute.text("id"),
        payment_reference=dispute.text("payment_id"),
        amount=from_minor(Provider.RAZORPAY, deducted or dispute.integer("amount"), currency),
        currency=currency,
        status=dispute.text("status"),
        reason=dispute.find_words("reason_code"),
        at=at,
    )


def _saved_method(payment: Fields) -> SavedMethod | None:
    """The token that the customer let us charge later, if there is one."""
    customer, token = payment.find_text("customer_id"), payment.find_text("token_id")
    if customer is None or token is None:
        return None
    card = payment.inner("card")
    name = card.find_words("network") or payment.find_words("method") or "token"
    name = "UPI" if name == "upi" else name[0].upper() + name[1:]
    last = card.find_words("last4")
    return SavedMethod(
        customer_reference=customer,
        method_reference=token,
        label=f"{name} ending in {last}" if last else name,
    )


def _status(known: dict[str, GatewayStatus], source: Fields) -> GatewayStatus:
    status = known.get(source.text("status"))
    if status is None:
        raise Malformed("Its status is none that Razorpay documents.")
    return status
