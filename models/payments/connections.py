"""Connections of organizations to gateways."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text

from models.base import Tenant, instant, words


class Connection(Tenant, table=True):
    """An organization's account at a gateway. The newest that lives makes links and charges."""

    __tablename__ = "connection"
    __table_args__ = (
        CheckConstraint("provider IN ('sandbox', 'stripe', 'razorpay')", name="provider"),
        CheckConstraint(
            "(sealed_former_secrets IS NULL) = (former_until IS NULL)", name="former_secrets"
        ),
        Index(
            "ix_connection_live",
            "organization_id",
            "created_at",
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    provider: str = words()
    name: str = words()
    sealed_secrets: str | None = words(nullable=True, default=None)
    """A JSON object of the provider's secrets by name, sealed as a whole."""
    sealed_former_secrets: str | None = words(nullable=True, default=None)
    """What they were before the last rotation: webhooks that they sign are taken until then."""
    former_until: datetime | None = instant(nullable=True, default=None)
    created_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)
