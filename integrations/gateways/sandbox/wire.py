"""What goes over the wire: the one shape in which the adapter and the gateway write values."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, TypeVar
from uuid import UUID

import msgspec

from billing.errors import InvalidInput
from billing.payments.gateways import (
    GatewayDispute,
    GatewayPayment,
    GatewayRefund,
    GatewayStatus,
    Provider,
    SavedMethod,
)
from billing.payments.minor_units import from_minor

Shape = TypeVar("Shape")

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""An instant that says its zone."""

ACCOUNT: Final = "Sandbox-Account"
WEBHOOK_URL: Final = "Sandbox-Webhook-Url"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"

encode: Final = msgspec.json.Encoder().encode


class LinkAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An invoice that is to be paid."""

    organization_id: UUID
    invoice_id: UUID
    customer_id: UUID
    invoice_number: str
    amount_minor: int
    currency: str
    return_url: str | None = None


class ChargeAsked(LinkAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An invoice that a saved method is charged with."""

    method_reference: str


class RefundAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money of a payment goes back."""

    payment: str
    amount_minor: int
    currency: str


class LinkTold(msgspec.Struct, frozen=True, kw_only=True):
    """A link as the gateway tells it."""

    id: str
    url: str


class MethodTold(msgspec.Struct, frozen=True, kw_only=True):
    """A saved method as the gateway tells it."""

    customer: str
    id: str
    label: str


class PaymentTold(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as the gateway tells it."""

    id: str
    status: GatewayStatus
    amount_minor: int
    refunded_minor: int
    currency: str
    at: Moment
    organization_id: UUID
    invoice_id: UUID
    customer_id: UUID
    key: str | None = None
    link: str | None = None
    method: str = "card"
    saved_method: MethodTold | None = None
    error_code: str | None = None
    error: str | None = None
    is_declined_for_good: bool = False

    def as_payment(self) -> GatewayPayment:
        """The payment in the words of every gateway."""
        saved = self.saved_method
        return GatewayPayment(
            references=(self.id,),
            status=self.status,
            amount=amount_of(self.amount_minor, self.currency),
            currency=self.currency,
            at=self.at,
            organization_id=self.organization_id,
            invoice_id=self.invoice_id,
            customer_id=self.customer_id,
            idempotency_key=self.key,
            method=self.method,
            saved_method=None
            if saved is None
            else SavedMethod(
                customer_reference=saved.customer, method_reference=saved.id, label=saved.label
            ),
            error_code=self.error_code,
            error=self.error,
            is_declined_for_good=self.is_declined_for_good,
            refunded_amount=amount_of(self.refunded_minor, self.currency),
        )


class RefundTold(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as the gateway tells it."""

    id: str
    payment: str
    status: GatewayStatus
    amount_minor: int
    currency: str
    at: Moment
    key: str
    error: str | None = None

    def as_refund(self) -> GatewayRefund:
        """The refund in the words of every gateway."""
        return GatewayRefund(
            reference=self.id,
            payment_reference=self.payment,
            status=self.status,
            amount=amount_of(self.amount_minor, self.currency),
            currency=self.currency,
            at=self.at,
            idempotency_key=self.key,
            error=self.error,
        )


class DisputeTold(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute as the gateway tells it."""

    id: str
    payment: str
    amount_minor: int
    currency: str
    status: str
    reason: str | None
    at: Moment

    def as_dispute(self) -> GatewayDispute:
        """The dispute in the words of every gateway."""
        return GatewayDispute(
            reference=self.id,
            payment_reference=self.payment,
            amount=amount_of(self.amount_minor, self.currency),
            currency=self.currency,
            status=self.status,
            reason=self.reason,
            at=self.at,
        )


class EventType(StrEnum):
    """What a webhook is about."""

    PAYMENT_PENDING = "payment.pending"
    PAYMENT_SUCCEEDED = "payment.succeeded"
    PAYMENT_FAILED = "payment.failed"
    LINK_EXPIRED = "link.expired"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_CLOSED = "dispute.closed"


class EventTold(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a webhook."""

    id: str
    type: EventType
    account: UUID
    created_at: Moment
    payment: PaymentTold | None = None
    refund: RefundTold | None = None
    dispute: DisputeTold | None = None


class Done(msgspec.Struct, frozen=True):
    """That it is done."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was refused."""

    code: str
    detail: str


def amount_of(minor: int, currency: str) -> Decimal:
    """The amount that so many minor units are. Raises InvalidInput for one that none can be."""
    return from_minor(Provider.SANDBOX, minor, currency)


def decode(body: bytes, shape: type[Shape]) -> Shape:
    """The body in a shape. Raises InvalidInput."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"The body cannot be read: {error}", code="invalid_body") from error
