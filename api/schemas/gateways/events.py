"""Gateway events and saved methods on the wire."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from api.schemas.common import Moment, Money, View
from billing.payments.states import EventStatus
from models.payments.events import GatewayEventRow
from models.payments.links import PaymentMethod


class GatewayEventView(View):
    """What a gateway told, or what was found there. ``reason`` says what to look into.

    Of one that was ignored it says why.
    """

    id: UUID
    connection_id: UUID
    event_id: str
    """The provider's id of the event."""
    type: str
    """What happened, in the provider's word."""
    status: EventStatus
    """What became of it here."""
    reason: str | None
    """Why it was ignored, or what to look into; null where nothing is to be said."""
    reference: str | None
    """The gateway's name for the payment, refund, dispute or link; null where it is about none."""
    amount: Money | None
    """As it was told; what was recorded is what the gateway answered when it was asked."""
    currency: str | None
    invoice_id: UUID | None
    """The invoice that it is about; null where it is about none, or none is known."""
    payment_id: UUID | None
    """The payment that it is about; null where it is about none, or none is known."""
    received_at: Moment
    """When it arrived."""
    processed_at: Moment | None
    """When it was worked on; null before."""


class PaymentMethodView(View):
    """What a customer's later invoices can be charged to."""

    id: UUID
    connection_id: UUID
    label: str
    """What it is, such as a brand and the last four digits."""
    is_usable: bool
    """Whether invoices are charged to it."""
    created_at: Moment
    updated_at: Moment


class ReceivedView(View):
    """What a gateway told is stored; it is worked on after this answer."""

    received: Literal[True] = True
    """Always true."""


def view_event(event: GatewayEventRow) -> GatewayEventView:
    """The event as the API shows it."""
    return GatewayEventView.model_validate(event, from_attributes=True)


def view_method(method: PaymentMethod) -> PaymentMethodView:
    """The method as the API shows it."""
    return PaymentMethodView.model_validate(method, from_attributes=True)
