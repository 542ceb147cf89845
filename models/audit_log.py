"""The audit log: who did what. Append-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from models.base import Tenant, instant, words


class AuditEntry(Tenant, table=True):
    """One change: the actor, the action, the thing, and what it looked like before and after."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "organization_id", "at", "id"),
        Index(
            "ix_audit_entry_repairs",
            "organization_id",
            postgresql_where=text("action = 'coverage.repaired'"),
        ),
        Index(
            "ix_audit_entry_deleted_invoices",
            "organization_id",
            postgresql_where=text("action = 'invoice.deleted'"),
        ),
    )

    at: datetime = instant()
    actor: str = words()
    action: str = words()
    object_type: str = words()
    object_id: UUID | None = None
    before: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    after: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    request_id: str | None = words(nullable=True, default=None)
