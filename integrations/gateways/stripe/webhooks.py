"""What Stripe reports by itself, once it is known to be Stripe.

Source: CONTRACT 29; Stripe's pages on signatures and on events.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from billing.errors import InvalidInput
from billing.payments.gateways import GatewayEvent, GatewayPayment, WebhookRefused
from integrations.gateways.fields import Fields, Malformed, read_fields
from integrations.gateways.signed import one_header, require_size, require_timestamped
from integrations.gateways.stripe.reading import (
    read_charge,
    read_dispute,
    read_intent,
    read_invoice,
    read_refund,
    read_session,
)

SIGNATURE: Final = "Stripe-Signature"

_INTENTS: Final = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.canceled",
    }
)
_SESSIONS: Final = frozenset(
    {"checkout.session.completed", "checkout.session.async_payment_succeeded"}
)
_SESSION_FAILED: Final = "checkout.session.async_payment_failed"
_REFUNDS: Final = frozenset(
    {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
)


def read_event(
    secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> GatewayEvent:
    """What the event says. Raises WebhookRefused."""
    require_size(body)
    require_timestamped(secret, one_header(headers, SIGNATURE), body, now=now)
    try:
        return _read(read_fields(body))
    except (Malformed, InvalidInput) as error:
        raise WebhookRefused(f"It cannot be read: {error}") from error


def _read(event: Fields) -> GatewayEvent:
    if event.text("object") != "event":
        raise Malformed("It is no event.")
    reference, kind, at = event.text("id"), event.text("type"), event.moment("created")
    told = event.inner("data").inner("object")
    if kind in _REFUNDS:
        # One of a customer's balance is of no payment, and so of no invoice. It is taken all the
        # same: an address that refuses what Stripe sends is told of nothing any more.
        is_of_payment = told.reference("payment_intent") or told.reference("charge")
        refund = read_refund(told) if is_of_payment else None
        return GatewayEvent(id=reference, type=kind, refund=refund)
    if kind.startswith("charge.dispute."):
        return GatewayEvent(id=reference, type=kind, dispute=read_dispute(told, at=at))
    return GatewayEvent(id=reference, type=kind, payment=_payment(kind, told, at))


def _payment(kind: str, told: Fields, at: datetime) -> GatewayPayment | None:
    """The payment of an invoice that the event is about; None of what others sell there."""
    if told.inner("metadata").find_id("invoice_id") is None:
        return None
    if kind in _INTENTS:
        return read_intent(told, at=at)
    if kind in _SESSIONS or kind == _SESSION_FAILED:
        return read_session(told, at=at, has_failed=kind == _SESSION_FAILED)
    if kind == "charge.refunded":
        return read_charge(told)
    if kind in {"invoice.payment_succeeded", "invoice.payment_failed"}:
        return read_invoice(told, at=at, has_failed=kind == "invoice.payment_failed")
    return None
