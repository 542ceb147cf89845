"""Features: what a plan can grant."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text

from models.base import Tenant, instant, reference, words


class Feature(Tenant, table=True):
    """Something that plans grant by its ``lookup_key``: a measured limit, a switch or a text."""

    __tablename__ = "feature"
    __table_args__ = (
        reference("meter_id", "meter"),
        CheckConstraint("type IN ('meter', 'switch', 'custom')", name="type"),
        CheckConstraint("(type = 'meter') = (meter_id IS NOT NULL)", name="meter"),
        Index(
            "uq_feature_lookup_key",
            "organization_id",
            "lookup_key",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_feature_meter", "organization_id", "meter_id"),
        Index("ix_feature_created", "organization_id", "created_at", "id"),
    )

    name: str = words()
    lookup_key: str = words()
    type: str = words()
    description: str | None = words(nullable=True, default=None)
    meter_id: UUID | None = None
    created_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)
