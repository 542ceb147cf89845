"""Stripe's objects as payments, refunds and disputes.

Source: Stripe's API reference of the pinned version. Webhooks come in the version of their
endpoint, so that nothing is read here that is not the same in all of them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
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
from integrations.gateways.stripe.declines import code_of, is_for_good

_INTENTS: Final = {
    "succeeded": GatewayStatus.SUCCEEDED,
    "processing": GatewayStatus.PENDING,
    "requires_action": GatewayStatus.PENDING,
    "requires_capture": GatewayStatus.PENDING,
    "requires_confirmation": GatewayStatus.PENDING,
    "requires_payment_method": GatewayStatus.FAILED,
    "canceled": GatewayStatus.FAILED,
}
_OPEN: Final = frozenset({"requires_payment_method", "requires_action", "requires_confirmation"})
"""While an intent of a page is so, the customer may try again, and pay by the same intent."""

_CHARGES: Final = {
    "succeeded": GatewayStatus.SUCCEEDED,
    "pending": GatewayStatus.PENDING,
    "failed": GatewayStatus.FAILED,
}
_REFUNDS: Final = {
    "succeeded": GatewayStatus.SUCCEEDED,
    "pending": GatewayStatus.PENDING,
    "requires_action": GatewayStatus.PENDING,
    "failed": GatewayStatus.FAILED,
    "canceled": GatewayStatus.FAILED,
}


def read_intent(
    intent: Fields,
    *,
    at: datetime | None = None,
    session: str | None = None,
    failure: Fields | None = None,
) -> GatewayPayment | None:
    """The payment that an intent is; None while nobody has tried to pay.

    ``failure`` is what was said of the last try where the intent does not say it itself. Of a page
    where the customer may try again, only the try has failed.
    """
    status = _status(_INTENTS, intent)
    failure = failure or intent.inner("last_payment_error")
    is_ours = intent.inner("metadata").find_words("idempotency_key") is not None
    is_open = not is_ours and intent.text("status") in _OPEN
    if not failure and (is_open or intent.text("status") == "requires_payment_method"):
        return None
    charge = intent.inner("latest_charge")
    is_paid = status is GatewayStatus.SUCCEEDED
    return _payment(
        intent,
        references=_failed_try(intent, failure)
        if is_open
        else _present(
            intent.text("id"),
            session,
            intent.reference("latest_charge") or failure.reference("charge"),
        ),
        status=GatewayStatus.FAILED if is_open else status,
        minor=intent.integer("amount_received" if is_paid else "amount"),
        at=at or charge.find_moment("created") or intent.moment("created"),
        method=_method(intent, charge),
        saved_method=_saved_method(intent, charge) if is_paid else None,
        failure=failure,
        refunded_minor=charge.find_integer("amount_refunded") or 0,
    )


def read_session(session: Fields, *, at: datetime, has_failed: bool) -> GatewayPayment | None:
    """The payment that a checkout session ended with; None if nothing was to be paid in it.

    Source: CONTRACT section 6 (Payments): its ``amount_total``, and one payment with its intent.
    """
    intent = session.reference("payment_intent")
    paid = session.text("payment_status")
    if intent is None or paid == "no_payment_required" or session.text("mode") != "payment":
        return None
    status = GatewayStatus.FAILED if has_failed else GatewayStatus.PENDING
    return _payment(
        session,
        references=(intent, session.text("id")),
        status=GatewayStatus.SUCCEEDED if paid == "paid" else status,
        minor=session.integer("amount_total"),
        at=at,
    )


def read_charge(charge: Fields, *, at: datetime | None = None) -> GatewayPayment:
    """The payment that a charge is: of a failed one nothing but its own name."""
    status = _status(_CHARGES, charge)
    has_failed = status is GatewayStatus.FAILED
    outcome = charge.inner("outcome")
    return _payment(
        charge,
        references=(charge.text("id"),)
        if has_failed
        else _present(charge.reference("payment_intent"), charge.text("id")),
        status=status,
        minor=charge.integer("amount"),
        at=at or charge.moment("created"),
        method=charge.inner("payment_method_details").find_words("type"),
        refunded_minor=charge.find_integer("amount_refunded") or 0,
        failure=Fields(
            {
                "code": charge.find_words("failure_code"),
                "decline_code": outcome.find_words("reason"),
                "advice_code": outcome.find_words("advice_code"),
                "message": charge.find_words("failure_message"),
            }
        )
        if has_failed
        else None,
    )


def read_invoice(invoice: Fields, *, at: datetime, has_failed: bool) -> GatewayPayment:
    """The payment of an invoice that was made at Stripe for one of ours.

    Its own name comes first: the intent that Stripe made for it has nothing that we wrote.
    """
    reference, charge = invoice.text("id"), invoice.reference("charge")
    tries = invoice.find_integer("attempt_count") or 0
    return _payment(
        invoice,
        references=(charge or f"{reference}:{tries}",)
        if has_failed
        else _present(reference, intent_of_invoice(invoice), charge),
        status=GatewayStatus.FAILED if has_failed else GatewayStatus.SUCCEEDED,
        minor=invoice.integer("amount_due" if has_failed else "amount_paid"),
        at=at,
    )


def intent_of_invoice(invoice: Fields) -> str | None:
    """What an invoice of Stripe's was paid by, where its version says it, or it was asked for."""
    paid = [one.inner("payment") for one in invoice.inner("payments").each("data")]
    return next(
        (one for one in (fields.reference("payment_intent") for fields in (invoice, *paid)) if one),
        None,
    )


def read_refund(refund: Fields) -> GatewayRefund:
    """The refund that Stripe tells of."""
    currency = refund.text("currency").upper()
    return GatewayRefund(
        reference=refund.text("id"),
        payment_reference=_payment_of(refund),
        status=_status(_REFUNDS, refund),
        amount=from_minor(Provider.STRIPE, refund.integer("amount"), currency),
        currency=currency,
        at=refund.moment("created"),
        idempotency_key=refund.inner("metadata").find_words("idempotency_key"),
        error=refund.find_words("failure_reason"),
    )


def read_dispute(dispute: Fields, *, at: datetime) -> GatewayDispute:
    """The dispute that Stripe tells of."""
    currency = dispute.text("currency").upper()
    return GatewayDispute(
        reference=dispute.text("id"),
        payment_reference=_payment_of(dispute),
        amount=from_minor(Provider.STRIPE, dispute.integer("amount"), currency),
        currency=currency,
        status=dispute.text("status"),
        reason=dispute.find_words("reason"),
        at=at,
        fee=_fee_of(dispute, currency),
    )


def _fee_of(dispute: Fields, currency: str) -> Decimal | None:
    """What Stripe took for a dispute, less what it gave back of that.

    None where it says nothing of it, or in another currency: that of the account's bank.
    """
    moved = dispute.each("balance_transactions")
    if not moved or any(one.text("currency").upper() != currency for one in moved):
        return None
    fee = sum(one.integer("fee") for one in moved)
    return from_minor(Provider.STRIPE, max(fee, 0), currency)


def _payment(
    source: Fields,
    *,
    references: tuple[str, ...],
    status: GatewayStatus,
    minor: int,
    at: datetime,
    method: str | None = None,
    saved_method: SavedMethod | None = None,
    failure: Fields | None = None,
    refunded_minor: int = 0,
) -> GatewayPayment:
    metadata = source.inner("metadata")
    currency = source.text("currency").upper()
    has_failed = status is GatewayStatus.FAILED
    error = (failure if has_failed else None) or Fields({})
    return GatewayPayment(
        references=references,
        status=status,
        amount=from_minor(Provider.STRIPE, minor, currency),
        currency=currency,
        at=at,
        organization_id=metadata.find_id("organization_id"),
        invoice_id=metadata.find_id("invoice_id"),
        customer_id=metadata.find_id("customer_id"),
        idempotency_key=metadata.find_words("idempotency_key"),
        method=method,
        saved_method=saved_method,
        error_code=code_of(error)
        or (source.find_words("cancellation_reason") if has_failed else None),
        error=error.find_words("message"),
        is_declined_for_good=is_for_good(error),
        refunded_amount=from_minor(Provider.STRIPE, refunded_minor, currency),
    )


def _failed_try(intent: Fields, failure: Fields) -> tuple[str]:
    """A name for one failed try on a page: the intent's is that of the payment to come."""
    charge = failure.reference("charge")
    return (charge or f"{intent.text('id')}:{failure.reference('payment_method') or 'failed'}",)


def _saved_method(intent: Fields, charge: Fields) -> SavedMethod | None:
    """What later invoices can be charged to, if Stripe kept it and says what it is."""
    customer, method = intent.reference("customer"), intent.reference("payment_method")
    is_kept = intent.find_words("setup_future_usage") == "off_session"
    if customer is None or method is None or not is_kept:
        return None
    details = intent.inner("payment_method") or charge.inner("payment_method_details")
    if not details:
        return None
    return SavedMethod(customer_reference=customer, method_reference=method, label=_label(details))


def _label(details: Fields) -> str:
    kind = details.find_words("type") or "payment method"
    inner = details.inner(kind)
    name = (inner.find_words("brand") or inner.find_words("bank_name") or kind).replace("_", " ")
    last = inner.find_words("last4")
    name = name[0].upper() + name[1:]
    return f"{name} ending in {last}" if last else name


def _method(intent: Fields, charge: Fields) -> str | None:
    details = charge.inner("payment_method_details") or intent.inner("payment_method")
    return details.find_words("type")


def _payment_of(source: Fields) -> str:
    reference = source.reference("payment_intent") or source.reference("charge")
    if reference is None:
        raise Malformed("It is of no payment.")
    return reference


def _present(*references: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in references if one is not None))


def _status(known: dict[str, GatewayStatus], source: Fields) -> GatewayStatus:
    status = known.get(source.text("status"))
    if status is None:
        raise Malformed("Its status is none that Stripe documents.")
    return status
