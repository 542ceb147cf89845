"""Transactions that name the organizations they may see, before they see anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, Error, generators
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from sqlalchemy import URL, Connection, Engine, QueuePool, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

from repositories.cancellation import SilentServer, current_cancel_scope

UNREACHABLE = ("08", "57P")
"""The states of a server that ends connections or accepts none."""

NAME_ORGANIZATIONS = text("SELECT set_config('app.organizations', :names, true)")


class Transactions:
    """Opens transactions for the edges; leaving the block commits, an exception rolls back.

    Those that a request opens belong to its scope, by which they can be canceled.
    """

    def __init__(
        self,
        engine: Engine,
        carried: Mapping[str, object] | None = None,
        *,
        before_commit: Callable[[Session], None] | None = None,
    ) -> None:
        """``carried`` is what services find in the ``info`` of every session.

        ``before_commit`` is what each transaction does at its end, whatever it was opened for.
        """
        self._engine = engine
        self._carried = carried or {}
        self._before_commit = before_commit

    @property
    def address(self) -> URL:
        """Where the database is, for the ingestion path, which has connections of its own."""
        return self._engine.url

    @property
    def connections(self) -> int:
        """How many transactions can be open at once."""
        pool = self._engine.pool
        return pool.size() if isinstance(pool, QueuePool) else 1

    @contextmanager
    def for_organization(self, organization_id: UUID) -> Iterator[Session]:
        """A transaction that sees one organization's rows and no other's."""
        with self.for_organizations([organization_id]) as session:
            yield session

    @contextmanager
    def for_organizations(self, organization_ids: Sequence[UUID]) -> Iterator[Session]:
        """A transaction that sees the rows of the organizations named."""
        with self._begin(begin_for(organization_ids)) as session:
            yield session

    @contextmanager
    def looking_up(self, setting: str, value: str) -> Iterator[Session]:
        """A transaction that sees only the rows whose secret, name or kind it already knows.

        ``setting`` is a name that a lookup policy compares with, such as ``email``, before the
        organization is known (docs/concepts/access.md).
        """
        with self._begin(b"BEGIN") as session:
            session.execute(
                text("SELECT set_config(:name, :value, true)"),
                {"name": f"app.lookup_{setting}", "value": value},
            )
            yield session

    @contextmanager
    def _begin(self, words: bytes) -> Iterator[Session]:
        scope = current_cancel_scope.get()
        with (
            self._connect(words) as connection,
            nullcontext() if scope is None else scope.over(connection),
            StrongReferenceSession(connection, expire_on_commit=False) as session,
            session.begin(),
        ):
            session.info.update(self._carried)
            yield session
            if self._before_commit is not None:
                self._before_commit(session)

    def _connect(self, words: bytes) -> Connection:
        """A connection whose transaction was begun with these words, by one round trip.

        They are its sign of life as well: one that the server ended while it rested is replaced.
        Of a server that is silent no other connection would be better.
        """
        tries = self.connections + 1
        while True:
            connection = self._engine.connect()
            refusal = _begin_at_server(connection, words)
            if refusal is None:
                return connection
            connection.invalidate()
            connection.close()
            tries -= 1
            if tries == 0 or isinstance(refusal, SilentServer):
                raise OperationalError(words.decode(), None, refusal)


def begin_for(organization_ids: Iterable[UUID]) -> bytes:
    """The words that begin a transaction in which row-level security shows these organizations."""
    return f"BEGIN; SET LOCAL app.organizations = '{_names_of(organization_ids)}'".encode()


def _begin_at_server(connection: Connection, words: bytes) -> Error | None:
    """Why a transaction could not be begun, None if it was."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("Transactions are begun by psycopg.")
    # Several statements in one round trip; the driver begins none of its own where one is begun.
    try:
        driver.pgconn.send_query(words)
        result = driver.wait(generators.execute(driver.pgconn))[-1]
    except Error as error:
        return error
    return None if result.status == ExecStatus.COMMAND_OK else error_from_result(result)


def is_unreachable(error: Exception) -> bool:
    """Whether the database is away, or the connection to it is lost, so that others fail as well.

    Only what the server says of a statement has a state.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.OperationalError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(UNREACHABLE)


@asynccontextmanager
async def transaction_of(
    connection: AsyncConnection, organization_ids: Iterable[UUID]
) -> AsyncIterator[None]:
    """A transaction in which row-level security shows these organizations.

    Begun by one round trip on an idle connection; committed at the end, rolled back if anything is
    raised.
    """
    await connection.execute(begin_for(organization_ids), prepare=False)
    try:
        yield
    except BaseException:
        with suppress(Error):
            await connection.rollback()
        raise
    await connection.commit()


class StrongReferenceSession(Session):
    """A session that keeps what it loads to its end, so that no row is read twice by its key.

    Sessions refer to rows weakly; one that nobody else holds would be read again a line later.
    Whoever waits for a lock reads anew what it guards: locking statements refresh their rows.
    """

    def __init__(self, bind: Connection, *, expire_on_commit: bool) -> None:
        super().__init__(bind, expire_on_commit=expire_on_commit)
        self._rows: list[object] = []

    def hold(self, row: object) -> None:
        """Keep a row."""
        self._rows.append(row)


for _moment in ("loaded_as_persistent", "pending_to_persistent"):
    event.listen(StrongReferenceSession, _moment, StrongReferenceSession.hold)


def name_organizations(session: Session, organization_ids: Sequence[UUID]) -> None:
    """From here to the end of the transaction, row-level security shows these organizations."""
    session.execute(NAME_ORGANIZATIONS, {"names": _names_of(organization_ids)})


def _names_of(organization_ids: Iterable[UUID]) -> str:
    return "{" + ",".join(str(one) for one in organization_ids) + "}"
