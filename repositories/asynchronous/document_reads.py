"""Reads that answer by one JSON document: rows as the models have them, without a session.

PostgreSQL writes the document and msgspec reads it, digit for digit; neither a unit of work nor a
thread is between them. What was read is looked at and never stored again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from decimal import Decimal
from functools import cache, reduce
from operator import or_
from types import GenericAlias, UnionType
from typing import Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import scalar_row
from sqlalchemy import inspect
from sqlmodel import Session, SQLModel

from repositories.asynchronous.tenant_reads import read_rows, read_rows_within

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DocumentRead(Generic[T]):
    """A statement that selects a ``document`` of the shape of ``kind`` for each id ``asked`` for.

    ``kind`` is a dataclass whose fields are models, lists of them, and plain values. The statement
    refers to its organization as ``tenant.id``, and selects ``asked.place`` beside the document
    ``FROM asked``, which has an ``id`` and its ``place`` in each row.
    """

    statement: str
    kind: type[T]

    async def run(
        self,
        connection: AsyncConnection,
        organization_id: UUID,
        ids: Sequence[UUID],
        **more: object,
    ) -> list[T]:
        """What is found, in the order of the ids. Its rows have the fields of their models only.

        ``more`` is what the statement asks for besides.
        """
        values = {"ids": list(ids), **more}
        found = await read_rows(connection, organization_id, self._statement, values, scalar_row)
        return self._decode(found)

    def run_within(
        self, session: Session, organization_id: UUID, ids: Sequence[UUID], **more: object
    ) -> list[T]:
        """As :meth:`run`, with what the transaction of a session has changed."""
        values = {"ids": list(ids), **more}
        found = read_rows_within(session, organization_id, self._statement, values, scalar_row)
        return self._decode(found)

    @property
    def _statement(self) -> str:
        return _OF_IDS.format(statement=self.statement)

    def _decode(self, documents: Sequence[str]) -> list[T]:
        kind: Any = self.kind
        decoder: msgspec.json.Decoder[T] = _decoder(kind)
        return [decoder.decode(document) for document in documents]


@dataclass(frozen=True, slots=True)
class DocumentPage(Generic[T]):
    """A part of a list, and how long the whole list is."""

    total: int
    data: list[T]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRead(Generic[T]):
    """Pages of the documents of a table's rows, oldest first, by one statement.

    ``listed`` says which rows are in the list at all, ``filters`` by its name what else a caller
    may ask of them.
    """

    read: DocumentRead[T]
    table: str
    listed: str = "true"
    filters: Mapping[str, str] = field(default_factory=dict)

    async def run(
        self,
        connection: AsyncConnection,
        organization_id: UUID,
        filters: Mapping[str, object],
        *,
        offset: int,
        limit: int,
    ) -> DocumentPage[T]:
        """The rows from ``offset`` on of those that all of the filters leave, and their number."""
        conditions = (self.listed, *(self.filters[name] for name in filters))
        statement = _OF_PAGE.format(
            statement=self.read.statement,
            table=self.table,
            condition=" AND ".join((f"{self.table}.organization_id = tenant.id", *conditions)),
            # In words, since a plan for any number would be one for a tenth of the table.
            limit=limit,
        )
        values = {**filters, "offset": offset}
        [found] = await read_rows(connection, organization_id, statement, values, scalar_row)
        kind: Any = self.read.kind
        page: DocumentPage[T] = _page_decoder(kind).decode(found)
        return page


_OF_IDS: Final = """
WITH asked AS (SELECT * FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS asked (id, place))
SELECT shown.document::text FROM ({statement}) AS shown ORDER BY shown.place"""

_OF_PAGE: Final = """
WITH asked AS (
    SELECT id, row_number() OVER (ORDER BY created_at, id) AS place
    FROM (
        SELECT id, created_at FROM {table} WHERE {condition}
        ORDER BY created_at, id OFFSET %(offset)s LIMIT {limit}
    ) AS page
)
SELECT json_build_object(
    'total', (SELECT count(*) FROM {table} WHERE {condition}),
    'data', (
        SELECT coalesce(json_agg(shown.document ORDER BY shown.place), '[]')
        FROM ({statement}) AS shown
    )
)::text"""


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_shape(kind), float_hook=Decimal)


@cache
def _page_decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    fields = [("total", int), ("data", GenericAlias(list, (_shape(kind),)))]
    page = msgspec.defstruct(DocumentPage.__name__, fields, frozen=True)
    return msgspec.json.Decoder(page, float_hook=Decimal)


@cache
def _shape(kind: Any) -> Any:  # noqa: ANN401  (any type hint, and what stands for it)
    """The same fields for msgspec, which knows no models."""
    origin = get_origin(kind)
    if origin is not None:
        shapes = tuple(_shape(one) for one in get_args(kind))
        if origin is UnionType:
            return reduce(or_, shapes)
        return origin[shapes] if origin in (list, tuple) else kind
    if isinstance(kind, type) and (issubclass(kind, SQLModel) or is_dataclass(kind)):
        hints = get_type_hints(kind)
        names = inspect(kind).columns.keys() if issubclass(kind, SQLModel) else hints
        return msgspec.defstruct(
            kind.__name__, [(name, _shape(hints[name])) for name in names], frozen=True
        )
    return kind
