"""Tables of webhook endpoints, of the events that they are told, and of each telling."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.base import Tenant, instant, reference, words


class WebhookEndpoint(Tenant, table=True):
    """Where an organization is told of its events. Secrets are sealed by the operator's key.

    ``failing_since`` is the first of the tries that failed since one succeeded.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        CheckConstraint("cardinality(events) > 0", name="events"),
        CheckConstraint("(former_secret IS NULL) = (former_until IS NULL)", name="former_secret"),
    )

    url: str = words()
    events: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    description: str | None = words(nullable=True, default=None)
    sealed_secret: str = words()
    former_secret: str | None = words(nullable=True, default=None)
    former_until: datetime | None = instant(nullable=True, default=None)
    enabled: bool = True
    failing_since: datetime | None = instant(nullable=True, default=None)
    disabled_at: datetime | None = instant(nullable=True, default=None)
    created_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)


class WebhookEventRow(Tenant, table=True):
    """What happened, in the bytes that are sent of it. Its id is that of every delivery of it.

    ``key`` is what no other event has: an event that is told again is the one that was told.
    """

    __tablename__ = "webhook_event"
    __table_args__ = (UniqueConstraint("organization_id", "key", name="uq_webhook_event_key"),)

    event: str = words()
    key: str = words()
    body: str = words()
    created_at: datetime = instant()


class WebhookDelivery(Tenant, table=True):
    """One telling of an event to an endpoint; a replay is another one.

    A pending one is due at ``next_attempt_at``; while somebody sends it, that is when it would be
    sent again if nobody said what became of it.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        reference("endpoint_id", "webhook_endpoint"),
        reference("event_id", "webhook_event"),
        CheckConstraint("status IN ('pending', 'succeeded', 'failed')", name="status"),
        CheckConstraint("(status = 'pending') = (next_attempt_at IS NOT NULL)", name="due"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index(
            "uq_webhook_delivery_first",
            "organization_id",
            "event_id",
            "endpoint_id",
            unique=True,
            postgresql_where=text("replay_of IS NULL"),
        ),
        Index(
            "ix_webhook_delivery_due",
            "endpoint_id",
            "next_attempt_at",
            "id",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "ix_webhook_delivery_next",
            "next_attempt_at",
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_webhook_delivery_event", "organization_id", "event_id"),
        Index("ix_webhook_delivery_listed", "organization_id", "created_at", "id"),
        Index("ix_webhook_delivery_status", "organization_id", "status", "created_at", "id"),
        Index("ix_webhook_delivery_endpoint", "organization_id", "endpoint_id", "created_at", "id"),
    )

    endpoint_id: UUID
    event_id: UUID
    event: str = words()
    status: str = words()
    attempts: int = 0
    next_attempt_at: datetime | None = instant(nullable=True, default=None)
    response_code: int | None = None
    error: str | None = words(nullable=True, default=None)
    replay_of: UUID | None = None
    created_at: datetime = instant()
    completed_at: datetime | None = instant(nullable=True, default=None)


class WebhookAttempt(SQLModel, table=True):
    """One try of a delivery, counted from 1, and the beginning of what was answered."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (
        reference("delivery_id", "webhook_delivery", ondelete="CASCADE"),
        CheckConstraint("number >= 1", name="number"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    delivery_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    at: datetime = instant()
    response_code: int | None = None
    error: str | None = words(nullable=True, default=None)
    answer: str | None = words(nullable=True, default=None)
