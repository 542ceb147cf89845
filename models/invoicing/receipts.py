"""Signed receipts of issued invoices, the chain that they form, and the keys that sign them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy import UniqueConstraint as Unique
from sqlmodel import Field, SQLModel

from models.base import Tenant, document, instant, reference, words


class ReceiptKey(Tenant, table=True):
    """A key that signs an organization's receipts; its public half is published for ever.

    ``key_id`` is the RFC 7638 thumbprint of the public key. ``sealed_key`` is the private half,
    sealed by the operator's key for ``receipt_key/<organization>/<id>``, as ``runtime.sealing``
    seals every secret: what seals all secrets anew finds it in this column.
    """

    __tablename__ = "receipt_key"
    __table_args__ = (
        Unique("organization_id", "key_id", name="uq_receipt_key_key_id"),
        Index(
            "uq_receipt_key_active",
            "organization_id",
            unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
    )

    key_id: str = words()
    public_key: str = words()
    sealed_key: str = words()
    created_at: datetime = instant()
    retired_at: datetime | None = instant(nullable=True, default=None)


class ReceiptChain(SQLModel, table=True):
    """Where an organization's chain of receipts ends. Its row lock lets receipts follow in turn."""

    __tablename__ = "receipt_chain"
    __table_args__ = (
        CheckConstraint("(last_sequence = 0) = (last_digest IS NULL)", name="last_digest"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    last_sequence: int = Field(sa_type=BigInteger)
    last_digest: str | None = words(nullable=True, default=None)
    created_at: datetime = instant()


class SignedReceipt(Tenant, table=True):
    """What an invoice was when it was issued: signed, and bound to the receipt before it.

    Append-only. ``content`` is the document that ``digest`` and ``signature`` are of; a process
    without the operator's key leaves it unsigned, and the next signature covers it by the chain.
    """

    __tablename__ = "signed_receipt"
    __table_args__ = (
        reference("invoice_id", "invoice"),
        ForeignKeyConstraint(
            ["organization_id", "previous_digest"],
            ["signed_receipt.organization_id", "signed_receipt.digest"],
        ),
        ForeignKeyConstraint(
            ["organization_id", "key_id"],
            ["receipt_key.organization_id", "receipt_key.key_id"],
        ),
        # Strangers ask by the id alone.
        Index("ix_signed_receipt_id", "id"),
        Unique("organization_id", "invoice_id", name="uq_signed_receipt_invoice"),
        Unique("organization_id", "sequence", name="uq_signed_receipt_sequence"),
        Unique("organization_id", "digest", name="uq_signed_receipt_digest"),
        Unique("organization_id", "previous_digest", name="uq_signed_receipt_previous"),
        CheckConstraint("(sequence = 1) = (previous_digest IS NULL)", name="first"),
        CheckConstraint("sequence > 0", name="sequence"),
        CheckConstraint("(key_id IS NULL) = (signature IS NULL)", name="signature"),
    )

    invoice_id: UUID
    sequence: int = Field(sa_type=BigInteger)
    previous_digest: str | None = words(nullable=True, default=None)
    content: Any = document()
    digest: str = words()
    key_id: str | None = words(nullable=True, default=None)
    signature: str | None = words(nullable=True, default=None)
    created_at: datetime = instant()
