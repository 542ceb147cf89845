"""Limits that the operator set for one organization."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, Text
from sqlmodel import Field, SQLModel


class OrganizationLimit(SQLModel, table=True):
    """How much of one thing an organization may; without a row as much as everybody."""

    __tablename__ = "organization_limit"
    __table_args__ = (
        CheckConstraint("most >= 0", name="most"),
        CheckConstraint(
            "name IN ('requests_per_caller', 'requests', 'events', 'features', 'meters', 'plans',"
            " 'tax_rates', 'api_keys', 'invitations', 'test_clocks')",
            name="name",
        ),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    name: str = Field(primary_key=True, sa_type=Text)
    most: int
