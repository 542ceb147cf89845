"""Payments and refunds on the wire (CONTRACT section 6, Payments)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import LongWords, Moment, Money, NotNegative, Schema, View, Words
from billing.payments.allocation import PaymentKind, PaymentStatus, RefundKind, RefundStatus
from models.payments.events import Dispute
from models.payments.payments import Payment, Refund
from services.payments.recording import Told


class PaymentCreate(Schema):
    """Money that came in another way.

    ``surplus`` says what becomes of more than is due; without it, that is refused.
    """

    amount: NotNegative
    method: Words | None = None
    reference: Words | None = None
    surplus: Literal["credit"] | None = None

    def told(self) -> Told:
        """What the body says, as the service takes it."""
        return self.fill(Told, keeps_surplus=self.surplus == "credit")


class DisputeView(View):
    """A payment that the customer's bank calls back; lost once money went back for it.

    ``status`` is in the provider's word.
    """

    id: UUID
    reference: str
    amount: Money
    currency: str
    status: str
    reason: str | None
    refund_id: UUID | None
    at: Moment
    updated_at: Moment


class PaymentView(View):
    """One attempt to pay an invoice. Amounts are in major units of its currency."""

    id: UUID
    invoice_id: UUID
    customer_id: UUID
    attempt: int
    kind: PaymentKind
    connection_id: UUID | None
    at: Moment
    amount: Money
    currency: str
    method: str | None
    reference: str | None
    status: PaymentStatus
    idempotency_key: str
    applied_amount: Money
    """What the invoice has of it; the rest is, or was, the customer's credit."""
    refunded_amount: Money
    error_code: str | None
    error: str | None
    settled_at: Moment | None
    created_at: Moment
    disputes: list[DisputeView] = Field(default_factory=list)


class RefundCreate(Schema):
    """How much of a payment goes back; all that is left of it unless told otherwise."""

    amount: NotNegative | None = None
    reason: LongWords | None = None
    reference: Words | None = None


class RefundView(View):
    """Money of a payment that went back, or is on its way."""

    id: UUID
    payment_id: UUID
    kind: RefundKind
    at: Moment
    amount: Money
    from_invoice: Money
    """What of it had paid the invoice; the rest was the customer's credit."""
    status: RefundStatus
    reason: str | None
    reference: str | None
    idempotency_key: str
    error: str | None
    settled_at: Moment | None
    created_at: Moment


def view_payment(payment: Payment, disputes: Sequence[Dispute] = ()) -> PaymentView:
    """The payment as the API shows it."""
    view = PaymentView.model_validate(payment, from_attributes=True)
    view.disputes = [DisputeView.model_validate(one, from_attributes=True) for one in disputes]
    return view


def view_refund(refund: Refund) -> RefundView:
    """The refund as the API shows it."""
    return RefundView.model_validate(refund, from_attributes=True)
