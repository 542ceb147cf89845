"""What all tables share: identifiers, names of constraints, column types."""

from __future__ import annotations

import os
import time
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562): sorts by the millisecond in which it was made."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


class Tenant(SQLModel):
    """The first two columns of every tenant table, which together are its primary key."""

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    id: UUID = Field(default_factory=new_id, primary_key=True)


def reference(column: str, table: str, **options: Any) -> ForeignKeyConstraint:
    """A foreign key to a row of the same organization: the constraint carries the organization."""
    return ForeignKeyConstraint(
        ["organization_id", column],
        [f"{table}.organization_id", f"{table}.id"],
        **options,
    )


def instant(*, nullable: bool = False, **options: Any) -> Any:
    """A column of an aware UTC instant."""
    return Field(sa_column=Column(DateTime(timezone=True), nullable=nullable), **options)


def exact(*, nullable: bool = False, server_default: str | None = None, **options: Any) -> Any:
    """A column of an exact decimal with as many digits as it needs."""
    column = Column(Numeric, nullable=nullable, server_default=server_default)
    return Field(sa_column=column, **options)


def document(*, nullable: bool = False, **options: Any) -> Any:
    """A column of immutable JSON. Decimals inside are text; reassign, never edit in place."""
    return Field(sa_column=Column(JSONB, nullable=nullable), **options)


def words(*, nullable: bool = False, server_default: str | None = None, **options: Any) -> Any:
    """A column of text without a length: limits on input are the edge's."""
    column = Column(Text, nullable=nullable, server_default=server_default)
    return Field(sa_column=column, **options)


__all__ = [
    "Tenant",
    "datetime",
    "document",
    "exact",
    "instant",
    "new_id",
    "reference",
    "words",
]
