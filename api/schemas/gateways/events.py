"""Gateway events and saved methods on the wire."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from api.schemas.common import Moment, View
from billing.payments.states import EventStatus
from models.payments.events import GatewayEventRow
from models.payments.links import PaymentMethod


class GatewayEventView(View):
    """What a gateway told. ``reason`` says why it was ignored, or what to look into."""

    id: UUID
    connection_id: UUID
    event_id: str
    type: str
    status: EventStatus
    reason: str | None
    invoice_id: UUID | None
    payment_id: UUID | None
    received_at: Moment
    processed_at: Moment | None


class PaymentMethodView(View):
    """What a customer's later invoices can be charged to."""

    id: UUID
    connection_id: UUID
    label: str
    is_usable: bool
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
