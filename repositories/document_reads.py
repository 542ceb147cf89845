"""Reads that answer by one JSON document: rows as the models have them, without a session.

PostgreSQL writes the document and msgspec reads it, digit for digit; neither a unit of work nor a
thread is between them. What was read is looked at and never stored again.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, is_dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import scalar_row
from sqlalchemy import inspect
from sqlmodel import SQLModel

from repositories.tenant_reads import read_rows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DocumentRead(Generic[T]):
    """A statement that selects one document a row, of the shape of ``kind``.

    ``kind`` is a dataclass whose fields are models, lists of them, and plain values. The statement
    refers to its organization as ``tenant.id`` and to what is asked for as ``%(ids)s``.
    """

    statement: str
    kind: type[T]

    async def run(
        self, connection: AsyncConnection, organization_id: UUID, ids: Sequence[UUID]
    ) -> list[T]:
        """What is found, in the order of the ids. Its rows have the fields of their models only."""
        values = {"ids": list(ids)}
        found = await read_rows(connection, organization_id, self.statement, values, scalar_row)
        kind: Any = self.kind
        decoder: msgspec.json.Decoder[T] = _decoder(kind)
        return [decoder.decode(document) for document in found]


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_shape(kind), float_hook=Decimal)


@cache
def _shape(kind: Any) -> Any:  # noqa: ANN401  (any type hint, and what stands for it)
    """The same fields for msgspec, which knows no models."""
    origin = get_origin(kind)
    if origin is not None:
        shapes = tuple(_shape(one) for one in get_args(kind))
        return origin[shapes] if origin in (list, tuple) else kind
    if isinstance(kind, type) and (issubclass(kind, SQLModel) or is_dataclass(kind)):
        hints = get_type_hints(kind)
        names = inspect(kind).columns.keys() if issubclass(kind, SQLModel) else hints
        return msgspec.defstruct(
            kind.__name__, [(name, _shape(hints[name])) for name in names], frozen=True
        )
    return kind
