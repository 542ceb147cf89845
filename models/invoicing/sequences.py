"""The last number of each series of documents."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, Text
from sqlmodel import Field, SQLModel


class InvoiceSequence(SQLModel, table=True):
    """The last number given in one series and year. Its row lock keeps the series gapless."""

    __tablename__ = "invoice_sequence"
    __table_args__ = (CheckConstraint("last_number >= 0", name="last_number"),)

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    series: str = Field(primary_key=True, sa_type=Text)
    year: int = Field(primary_key=True)
    last_number: int
