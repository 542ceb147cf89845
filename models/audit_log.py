"""The audit log: who did what, and what binds each entry to the one before it. Append-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import Tenant, instant, reference, words


class AuditEntry(Tenant, table=True):
    """One change: the actor, the action, the thing, and what it looked like before and after."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "organization_id", "at", "id"),
        Index(
            "ix_audit_entry_object",
            "organization_id",
            "object_id",
            "at",
            "id",
            postgresql_where=text("object_id IS NOT NULL"),
        ),
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


class AuditLink(SQLModel, table=True):
    """The place of one entry in its organization's chain. Append-only, without a gap."""

    __tablename__ = "audit_link"
    __table_args__ = (
        reference("entry_id", "audit_entry"),
        UniqueConstraint("organization_id", "entry_id", name="uq_audit_link_entry"),
        CheckConstraint("position > 0", name="position"),
        CheckConstraint("(position = 1) = (previous_digest IS NULL)", name="first"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    position: int = Field(primary_key=True, sa_type=BigInteger)
    entry_id: UUID
    previous_digest: str | None = words(nullable=True, default=None)
    digest: str = words()


class AuditChain(SQLModel, table=True):
    """Where the chain of an organization ends. Its row lock orders those who add to it.

    ``linked_before`` counts the entries that stood in the log when the chain began: they were bound
    as they were found then.
    """

    __tablename__ = "audit_chain"
    __table_args__ = (
        CheckConstraint("(last_position = 0) = (last_digest IS NULL)", name="last_digest"),
        CheckConstraint("linked_before BETWEEN 0 AND last_position", name="linked_before"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    last_position: int = Field(sa_type=BigInteger)
    last_digest: str | None = words(nullable=True, default=None)
    linked_before: int = Field(default=0, sa_type=BigInteger)
    created_at: datetime = instant()
