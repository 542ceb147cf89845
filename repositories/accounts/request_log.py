"""Requests that keys sent lately: written many at once, read as a list, and soon forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from sqlalchemy import ColumnElement, and_, func, tuple_
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import Session, col, select

from models.accounts.api_keys import ApiKey
from models.accounts.request_log import LoggedRequest
from repositories.statement_text import compact

MOST_KEPT: Final = 10_000
"""As many rows of an organization stay: ten megabytes at most."""

FAILED_FROM: Final = 400

_IDENTIFIERS: Final = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\{[a-z_]+\}"
"""What in a path tells one thing from another of its kind."""


class Outcome(StrEnum):
    """Whether a request was done or refused."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class NewRow(NamedTuple):
    """A row to write."""

    organization_id: UUID
    id: UUID
    at: datetime
    api_key_id: UUID
    method: str
    path: str
    status: int
    code: str | None
    fields: str | None
    milliseconds: int
    request_id: str
    alike: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests are meant: those that have all of what is given, in ``[since, until)``."""

    outcome: Outcome | None = None
    method: str | None = None
    path: str | None = None
    code: str | None = None
    api_key_id: UUID | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same, on ``logged_request``."""
        at, status = col(LoggedRequest.at), col(LoggedRequest.status)
        equal = {
            LoggedRequest.method: self.method,
            LoggedRequest.code: self.code,
            LoggedRequest.api_key_id: self.api_key_id,
            LoggedRequest.request_id: self.request_id,
        }
        has_failed = status >= FAILED_FROM
        return [
            *(col(column) == value for column, value in equal.items() if value is not None),
            *([] if self.path is None else [func.starts_with(LoggedRequest.path, self.path)]),
            *([has_failed] if self.outcome is Outcome.FAILED else []),
            *([~has_failed] if self.outcome is Outcome.SUCCEEDED else []),
            *([] if self.since is None else [at >= self.since]),
            *([] if self.until is None else [at < self.until]),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Requests that failed in the same way: one method, path, status and code.

    In the ``path`` ids and names are ``{id}``. ``requests`` is how many there were in
    ``[first_at, last_at]``, and ``request_id`` one of the newest.
    """

    method: str
    path: str
    status: int
    code: str | None
    requests: int
    first_at: datetime
    last_at: datetime
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRequest:
    """A request, and what the key is for that sent it."""

    request: LoggedRequest
    key_name: str | None


_INSERT: Final = compact(
    """
    INSERT INTO logged_request (
        organization_id, id, at, api_key_id, method, path, status, code, fields, milliseconds,
        request_id, alike
    )
    SELECT * FROM unnest(
        %s::uuid[], %s::uuid[], %s::timestamptz[], %s::uuid[], %s::text[], %s::text[], %s::int[],
        %s::text[], %s::text[], %s::int[], %s::text[], %s::int[]
    )
    """
)

_KEEP_NEWEST: Final = compact(
    """
    WITH first_kept AS (
        SELECT newest.at, newest.id FROM logged_request AS newest
        WHERE newest.organization_id = %(organization_id)s
        ORDER BY newest.at DESC, newest.id DESC OFFSET %(most)s - 1 LIMIT 1
    )
    DELETE FROM logged_request AS old USING first_kept
    WHERE old.organization_id = %(organization_id)s
        AND (old.at, old.id) < (first_kept.at, first_kept.id)
    """
)


async def insert_rows(connection: AsyncConnection, rows: Sequence[NewRow]) -> None:
    """Store rows of any organizations that the transaction names, by one statement."""
    await connection.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])


async def keep_newest(
    connection: AsyncConnection, organization_id: UUID, *, most: int = MOST_KEPT
) -> None:
    """No more than the newest rows of an organization are left."""
    await connection.execute(_KEEP_NEWEST, {"organization_id": organization_id, "most": most})


def list_requests(
    session: Session,
    organization_id: UUID,
    wanted: Wanted,
    *,
    before: tuple[datetime, UUID] | None = None,
    offset: int = 0,
    limit: int,
) -> Sequence[ShownRequest]:
    """Requests, newest first; those that follow ``before`` in that order if it is given."""
    of_key = and_(
        col(ApiKey.organization_id) == col(LoggedRequest.organization_id),
        col(ApiKey.id) == col(LoggedRequest.api_key_id),
    )
    matching = (
        select(LoggedRequest, col(ApiKey.name))
        .join(ApiKey, of_key, isouter=True)
        .where(LoggedRequest.organization_id == organization_id, *wanted.conditions())
    )
    if before is not None:
        matching = matching.where(tuple_(col(LoggedRequest.at), col(LoggedRequest.id)) < before)
    ordered = matching.order_by(col(LoggedRequest.at).desc(), col(LoggedRequest.id).desc())
    rows = session.exec(ordered.offset(offset).limit(limit))
    return [ShownRequest(request=request, key_name=name) for request, name in rows]


def count_requests(session: Session, organization_id: UUID, wanted: Wanted, *, at_most: int) -> int:
    """How many rows there are, counted no further than ``at_most``."""
    matching = select(LoggedRequest.id).where(
        LoggedRequest.organization_id == organization_id, *wanted.conditions()
    )
    some = matching.limit(at_most)
    return session.exec(select(func.count()).select_from(some.subquery())).one()


def list_problems(
    session: Session, organization_id: UUID, wanted: Wanted, *, limit: int
) -> Sequence[Problem]:
    """What failed, by how it did: what failed most often first."""
    at, request_id = col(LoggedRequest.at), col(LoggedRequest.request_id)
    path = func.regexp_replace(LoggedRequest.path, _IDENTIFIERS, "{id}", "gi")
    method, status = col(LoggedRequest.method), col(LoggedRequest.status)
    alike = (method, path, status, col(LoggedRequest.code))
    requests = func.sum(LoggedRequest.alike)
    newest = func.array_agg(aggregate_order_by(request_id, at.desc()))[1]
    matching = (
        select_columns(*alike, requests, func.min(at), func.max(at), newest)
        .where(
            col(LoggedRequest.organization_id) == organization_id,
            status >= FAILED_FROM,
            *wanted.conditions(),
        )
        .group_by(*alike)
        .order_by(requests.desc(), func.max(at).desc(), *alike)
        .limit(limit)
    )
    names = [one.name for one in fields(Problem)]
    return [Problem(**dict(zip(names, row, strict=True))) for row in session.execute(matching)]
