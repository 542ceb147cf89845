"""Reads that answer by one JSON document: rows as the models have them, without a session.

PostgreSQL writes the document and msgspec reads it, digit for digit; neither a unit of work nor a
thread is between them. What was read is looked at and never stored again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import tuple_row
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

    async def find(
        self,
        connection: AsyncConnection,
        organization_id: UUID,
        ids: Sequence[UUID],
        **more: object,
    ) -> list[str | None]:
        """The document of each id, None where nothing is found.

        ``more`` is what the statement asks for besides.
        """
        values = {"ids": list(ids), **more}
        rows = await read_rows(connection, organization_id, self._statement, values, tuple_row)
        found = dict(rows)
        return [found.get(place) for place in range(1, len(ids) + 1)]

    async def run(
        self,
        connection: AsyncConnection,
        organization_id: UUID,
        ids: Sequence[UUID],
        **more: object,
    ) -> list[T]:
        """What is found, in the order of the ids. Its rows have the fields of their models only."""
        found = await self.find(connection, organization_id, ids, **more)
        return [self.decode(document) for document in found if document is not None]

    def run_within(
        self, session: Session, organization_id: UUID, ids: Sequence[UUID], **more: object
    ) -> list[T]:
        """As :meth:`run`, with what the transaction of a session has changed."""
        values = {"ids": list(ids), **more}
        rows = read_rows_within(session, organization_id, self._statement, values, tuple_row)
        return [self.decode(document) for _, document in rows]

    def decode(self, document: str) -> T:
        """What a document says."""
        kind: Any = self.kind
        decoder: msgspec.json.Decoder[T] = _decoder(kind)
        return decoder.decode(document)

    @property
    def _statement(self) -> str:
        return _of_ids(self.statement)


@dataclass(frozen=True, slots=True)
class DocumentPage(Generic[T]):
    """A part of a list, and how long the whole list is."""

    total: int
    data: list[T]


Place = tuple[datetime, UUID]
"""When a row was created, and its id: where it stands in a list."""


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """A part of a list that may be very long, with the place of each, and how long it is.

    It is counted no further than was asked.
    """

    total: int
    data: list[str]
    places: list[Place]


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

    async def find(
        self,
        connection: AsyncConnection,
        organization_id: UUID,
        filters: Mapping[str, object],
        *,
        offset: int,
        limit: int,
    ) -> DocumentPage[str]:
        """Those from ``offset`` on of the documents that all filters leave, and their number."""
        statement = _OF_PAGE.format(
            statement=self.read.statement,
            table=self.table,
            condition=self._condition(filters),
            # In words, since a plan for any number would be one for a tenth of the table.
            limit=limit,
        )
        values = {**filters, "offset": offset}
        found = await read_rows(connection, organization_id, statement, values, tuple_row)
        # Beyond the end of the list its length is in a row alone.
        documents = [document for _, document in found if document is not None]
        return DocumentPage(total=found[0][0], data=documents)

    async def find_part(
        self,
        connection: AsyncConnection,
        organization_id: UUID,
        filters: Mapping[str, object],
        *,
        newest_first: bool,
        after: Place | None,
        offset: int,
        limit: int,
        count_at_most: int,
    ) -> DocumentPart:
        """As :meth:`find`, of what follows ``after`` in the order if it is given."""
        statement = _OF_PART.format(
            statement=self.read.statement,
            table=self.table,
            condition=self._condition(filters),
            order="DESC" if newest_first else "ASC",
            beyond="" if after is None else _BEFORE if newest_first else _BEHIND,
            limit=limit,
            at_most=count_at_most,
        )
        at, identifier = after or (None, None)
        values = {**filters, "offset": offset, "after_at": at, "after_id": identifier}
        rows = await read_rows(connection, organization_id, statement, values, tuple_row)
        found = [row[1:] for row in rows if row[1] is not None]
        return DocumentPart(
            total=rows[0][0],
            data=[document for document, _, _ in found],
            places=[(created_at, one) for _, created_at, one in found],
        )

    def _condition(self, filters: Mapping[str, object]) -> str:
        conditions = (self.listed, *(self.filters[name] for name in filters))
        return " AND ".join((f"{self.table}.organization_id = tenant.id", *conditions))


_OF_IDS: Final = """
WITH asked AS (SELECT * FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS asked (id, place))
SELECT shown.place, shown.document::text FROM ({statement}) AS shown ORDER BY shown.place"""

_OF_PAGE: Final = """
WITH asked AS (
    SELECT id, row_number() OVER (ORDER BY created_at, id) AS place
    FROM (
        SELECT id, created_at FROM {table} WHERE {condition}
        ORDER BY created_at, id OFFSET %(offset)s LIMIT {limit}
    ) AS page
)
SELECT whole.total, shown.document::text
FROM (SELECT count(*) AS total FROM {table} WHERE {condition}) AS whole
LEFT JOIN ({statement}) AS shown ON true
ORDER BY shown.place"""


_BEHIND: Final = " AND (created_at, id) > (%(after_at)s, %(after_id)s)"
_BEFORE: Final = " AND (created_at, id) < (%(after_at)s, %(after_id)s)"

_OF_PART: Final = """
WITH asked AS (
    SELECT id, created_at, row_number() OVER (ORDER BY created_at {order}, id {order}) AS place
    FROM (
        SELECT id, created_at FROM {table} WHERE {condition}{beyond}
        ORDER BY created_at {order}, id {order} OFFSET %(offset)s LIMIT {limit}
    ) AS part
)
SELECT whole.total, shown.document::text, asked.created_at, asked.id
FROM (
    SELECT count(*) AS total FROM (
        SELECT FROM {table} WHERE {condition} LIMIT {at_most}
    ) AS counted
) AS whole
LEFT JOIN ({statement}) AS shown ON true
LEFT JOIN asked ON asked.place = shown.place
ORDER BY shown.place"""


@cache
def _of_ids(statement: str) -> str:
    return _OF_IDS.format(statement=statement)


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_shape(kind), float_hook=Decimal)


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
