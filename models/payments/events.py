"""What gateways tell, and the disputes that they tell of."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from models.base import Tenant, document, exact, instant, reference, words


class GatewayEventRow(Tenant, table=True):
    """A webhook whose signature was right, in its very bytes and in our words until those go.

    What was found without a webhook, or could not be asked, has a row as well, without a body.
    ``reason`` says why it was ignored, or what people are to look into.
    """

    __tablename__ = "gateway_event"
    __table_args__ = (
        reference("connection_id", "connection"),
        reference("invoice_id", "invoice"),
        reference("payment_id", "payment"),
        UniqueConstraint(
            "organization_id", "connection_id", "event_id", name="uq_gateway_event_event_id"
        ),
        CheckConstraint(
            "status IN ('received', 'processed', 'ignored', 'needs_attention')", name="status"
        ),
        CheckConstraint("(status = 'received') = (processed_at IS NULL)", name="processed_at"),
        CheckConstraint("status IN ('received', 'processed') OR reason IS NOT NULL", name="reason"),
        Index("ix_gateway_event_listed", "organization_id", "received_at", "id"),
        Index(
            "ix_gateway_event_bodies",
            "organization_id",
            "received_at",
            postgresql_where=text("body IS NOT NULL AND status <> 'received'"),
        ),
        Index(
            "ix_gateway_event_attention",
            "organization_id",
            "received_at",
            "id",
            postgresql_where=text("status = 'needs_attention'"),
        ),
    )

    connection_id: UUID
    event_id: str = words()
    type: str = words()
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    content: dict[str, Any] = document(default_factory=dict)
    status: str = words()
    reason: str | None = words(nullable=True, default=None)
    reference: str | None = words(nullable=True, default=None)
    """The gateway's name for what it is about."""
    amount: Decimal | None = exact(nullable=True, default=None)
    currency: str | None = words(nullable=True, default=None)
    invoice_id: UUID | None = None
    payment_id: UUID | None = None
    received_at: datetime = instant()
    processed_at: datetime | None = instant(nullable=True, default=None)


class Dispute(Tenant, table=True):
    """A payment that the customer's bank calls back; ``refund_id`` once that was lost.

    ``fee_amount`` is what the gateway took for it so far; ``fee_turn`` counts how often that was
    another amount than before.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        reference("payment_id", "payment"),
        reference("connection_id", "connection"),
        reference("refund_id", "refund"),
        UniqueConstraint(
            "organization_id", "connection_id", "reference", name="uq_dispute_reference"
        ),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("fee_amount >= 0", name="fee_amount"),
        CheckConstraint("fee_turn >= 0", name="fee_turn"),
        Index("ix_dispute_payment", "organization_id", "payment_id"),
    )

    payment_id: UUID
    connection_id: UUID
    reference: str = words()
    amount: Decimal = exact()
    currency: str = words()
    status: str = words()
    """In the provider's word."""
    reason: str | None = words(nullable=True, default=None)
    refund_id: UUID | None = None
    fee_amount: Decimal = exact(server_default="0", default=Decimal(0))
    fee_turn: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    at: datetime = instant()
    updated_at: datetime = instant()
