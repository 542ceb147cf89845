"""What Razorpay reports by itself, once it is known to be Razorpay.

Source: CONTRACT 29; Razorpay's pages on webhooks and their payloads.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from billing.errors import InvalidInput
from billing.payments.gateways import GatewayEvent, GatewayPayment, GatewayRefund, WebhookRefused
from integrations.gateways.fields import Fields, Malformed, read_fields
from integrations.gateways.razorpay.reading import (
    marks_of,
    read_dispute,
    read_payment,
    read_refund,
)
from integrations.gateways.signed import (
    digest_of,
    one_header,
    require_recent,
    require_signature,
    require_size,
)

SIGNATURE: Final = "X-Razorpay-Signature"
EVENT_ID: Final = "X-Razorpay-Event-Id"

_PAYMENTS: Final = frozenset(
    {
        "payment.authorized",
        "payment.captured",
        "payment.failed",
        "order.paid",
        "payment_link.paid",
        "payment_link.partially_paid",
    }
)


def read_event(
    secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> GatewayEvent:
    """What the event says. Raises WebhookRefused.

    Only the body is signed, so its ``created_at`` is the one instant that nobody can change: a
    webhook that was overheard is worth nothing five minutes later. Its id stands outside of what is
    signed, and keeps honest repeats apart only.
    """
    require_size(body)
    signature, event_id = one_header(headers, SIGNATURE), one_header(headers, EVENT_ID)
    require_signature(digest_of(secret, body), (signature,))
    try:
        event = read_fields(body)
        at = event.moment("created_at")
        require_recent(at, now=now)
        return _read(event, Fields({"id": event_id}).text("id"), at)
    except (Malformed, InvalidInput) as error:
        raise WebhookRefused(f"It cannot be read: {error}") from error


def _read(event: Fields, reference: str, at: datetime) -> GatewayEvent:
    if event.text("entity") != "event":
        raise Malformed("It is no event.")
    kind, payload = event.text("event"), event.inner("payload")
    if kind in _PAYMENTS:
        return GatewayEvent(id=reference, type=kind, payment=_payment(payload, at))
    if kind.startswith("refund."):
        return GatewayEvent(id=reference, type=kind, refund=_refund(payload))
    if kind.startswith("payment.dispute."):
        dispute = read_dispute(payload.inner("dispute").inner("entity"), at=at)
        return GatewayEvent(id=reference, type=kind, dispute=dispute)
    return GatewayEvent(id=reference, type=kind)


def _payment(payload: Fields, at: datetime) -> GatewayPayment | None:
    """The payment of an invoice that the event is about; None of what others sell there."""
    payment, link, order = (
        payload.inner(name).inner("entity") for name in ("payment", "payment_link", "order")
    )
    marks = marks_of(payment, link, order)
    return read_payment(payment, marks, at=at) if marks else None


def _refund(payload: Fields) -> GatewayRefund | None:
    """The refund; None if Razorpay gave back what was never captured, and so never received."""
    payment = payload.inner("payment").inner("entity")
    if payment and not payment.is_true("captured"):
        return None
    return read_refund(payload.inner("refund").inner("entity"))
