"""Units of credit, and what a customer has in one: the row that makes its postings take turns."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Text
from sqlmodel import Field, SQLModel

from models.base import instant, reference, words


class CreditUnit(SQLModel, table=True):
    """What credit is counted in: a currency, or the organization's own. Never changed."""

    __tablename__ = "credit_unit"
    __table_args__ = (
        CheckConstraint("code ~ '^[A-Z][A-Z0-9_]{1,31}$'", name="code"),
        CheckConstraint("scale BETWEEN 0 AND 12", name="scale"),
        CheckConstraint("tax IN ('at_use', 'at_purchase')", name="tax"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    code: str = Field(primary_key=True, sa_type=Text)
    name: str = words()
    scale: int
    tax: str = words()
    created_at: datetime = instant()


class Wallet(SQLModel, table=True):
    """One customer's credit in one unit. It has no balance: that is the sum of its postings.

    Its row lock makes whatever posts to it take turns, and comes before every other lock.
    """

    __tablename__ = "wallet"
    __table_args__ = (
        reference("customer_id", "customer"),
        ForeignKeyConstraint(
            ["organization_id", "unit"],
            ["credit_unit.organization_id", "credit_unit.code"],
            name="fk_wallet_unit",
        ),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    customer_id: UUID = Field(primary_key=True)
    unit: str = Field(primary_key=True, sa_type=Text)
