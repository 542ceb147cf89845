"""Payments and refunds on the wire (CONTRACT section 6, Payments)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import LongWords, Moment, Money, NotNegative, Schema, View, Words
from billing.payments.kinds import PaymentKind, PaymentStatus, RefundKind, RefundStatus
from models.payments.events import Dispute
from models.payments.payments import Payment, Refund
from services.payments.recording import Told


class PaymentCreate(Schema):
    """Money that came in another way.

    ``surplus`` says what becomes of more than is due; without it, that is refused.
    """

    amount: NotNegative
    """What came in, in major units of the invoice's currency."""
    method: Words | None = None
    """How it came in, such as `bank transfer`."""
    reference: Words | None = None
    """What it is known by elsewhere, such as on a statement."""
    surplus: Literal["credit"] | None = None
    """What becomes of more than is due: the customer's `credit`. Without it, more than is due is
    refused."""

    def told(self) -> Told:
        """What the body says, as the service takes it."""
        return self.fill(Told, keeps_surplus=self.surplus == "credit")


class DisputeView(View):
    """A payment that the customer's bank calls back; lost once money went back for it.

    ``status`` is in the provider's word.
    """

    id: UUID
    reference: str
    """The provider's id of the dispute."""
    amount: Money
    """What is called back."""
    currency: str
    status: str
    """Its state in the provider's word."""
    reason: str | None
    """Why, in the provider's word; null where it gave none."""
    fee_amount: Money
    """What the gateway took for it so far, as far as it says so in this currency."""
    refund_id: UUID | None
    """The refund by which the money went back; null before."""
    at: Moment
    """When the bank called it back."""
    updated_at: Moment


class PaymentView(View):
    """One attempt to pay an invoice. Amounts are in major units of its currency."""

    id: UUID
    invoice_id: UUID
    customer_id: UUID
    attempt: int
    """Which attempt to pay the invoice it is, counted from 1."""
    kind: PaymentKind
    """Which way the money comes."""
    connection_id: UUID | None
    """The connection that takes it; null where it came by hand."""
    at: Moment
    """When it was tried."""
    amount: Money
    """What was tried to be paid."""
    currency: str
    method: str | None
    """What it is paid with; null where nobody says."""
    reference: str | None
    """What it is known by elsewhere; null where nobody says."""
    status: PaymentStatus
    """What became of it."""
    idempotency_key: str
    applied_amount: Money
    """What the invoice has of it; the rest is, or was, the customer's credit."""
    refunded_amount: Money
    """What of it went back, or is on its way."""
    excess_amount: Money
    """What went back beyond all of it: refunded, and called back by a bank as well."""
    error_code: str | None
    """The gateway's code of why it failed; null where it did not, or gave none."""
    error: str | None
    """Why it failed, in the gateway's words; null where it did not."""
    settled_at: Moment | None
    """When it was known what became of it; null before."""
    created_at: Moment
    disputes: list[DisputeView] = Field(default_factory=list)
    """What the customer's bank called back of it."""


class RefundCreate(Schema):
    """How much of a payment goes back; all that is left of it unless told otherwise."""

    amount: NotNegative | None = None
    """How much goes back, in major units of the payment's currency; absent for all that is left."""
    reason: LongWords | None = None
    """Why, in your words."""
    reference: Words | None = None
    """What it is known by elsewhere, such as on a statement."""


class RefundView(View):
    """Money of a payment that went back, or is on its way."""

    id: UUID
    payment_id: UUID
    kind: RefundKind
    """Which way the money goes."""
    at: Moment
    """When it was asked for."""
    amount: Money
    """How much goes back."""
    from_invoice: Money
    """What of it had paid the invoice; the rest was the customer's credit."""
    owed_amount: Money
    """What the customer owes for it: of that credit what later invoices had taken, and
    `excess_amount`."""
    excess_amount: Money
    """What of it was more than was left of the payment."""
    status: RefundStatus
    """What became of it."""
    reason: str | None
    """Why; null where nobody says."""
    reference: str | None
    """What it is known by elsewhere; null where nobody says."""
    idempotency_key: str
    error: str | None
    """Why it failed, in the gateway's words; null where it did not."""
    settled_at: Moment | None
    """When it was known what became of it; null before."""
    created_at: Moment


def view_payment(payment: Payment, disputes: Sequence[Dispute] = ()) -> PaymentView:
    """The payment as the API shows it."""
    view = PaymentView.model_validate(payment, from_attributes=True)
    view.disputes = [DisputeView.model_validate(one, from_attributes=True) for one in disputes]
    return view


def view_refund(refund: Refund) -> RefundView:
    """The refund as the API shows it."""
    return RefundView.model_validate(refund, from_attributes=True)
