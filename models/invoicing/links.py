"""Links: the address under which a stranger reads one invoice."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.base import instant, reference, words


class InvoiceLink(SQLModel, table=True):
    """The token that shows an invoice to whoever has it, and nothing else.

    It is kept as it is, for the link is given again to whoever asks for it; it opens no more than
    the row that it stands beside.
    """

    __tablename__ = "invoice_link"
    __table_args__ = (
        reference("invoice_id", "invoice", ondelete="CASCADE"),
        UniqueConstraint("token", name="uq_invoice_link_token"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    invoice_id: UUID = Field(primary_key=True)
    token: str = words()
    created_at: datetime = instant()
