"""Transactions that name the organizations they may see, before they see anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import UUID

from psycopg import AsyncConnection, Error
from sqlalchemy import URL, Engine, QueuePool, event, text
from sqlmodel import Session

NAME_ORGANIZATIONS = text("SELECT set_config('app.organizations', :names, true)")


class Transactions:
    """Opens transactions for the edges; leaving the block commits, an exception rolls back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
        with self._begin() as session:
            name_organizations(session, organization_ids)
            yield session

    @contextmanager
    def looking_up(self, setting: str, value: str) -> Iterator[Session]:
        """A transaction that sees the one row whose secret or name it already knows.

        ``setting`` is a name that a lookup policy compares with, such as ``email``, before the
        organization is known (DESIGN data rule 8).
        """
        with self._begin() as session:
            session.execute(
                text("SELECT set_config(:name, :value, true)"),
                {"name": f"app.lookup_{setting}", "value": value},
            )
            yield session

    @contextmanager
    def _begin(self) -> Iterator[Session]:
        with HoldingSession(self._engine, expire_on_commit=False) as session, session.begin():
            yield session


@asynccontextmanager
async def transaction_of(
    connection: AsyncConnection, organization_ids: Iterable[UUID]
) -> AsyncIterator[None]:
    """A transaction in which row-level security shows these organizations.

    Begun by one round trip on an idle connection; committed at the end, rolled back if anything is
    raised.
    """
    names = ",".join(str(one) for one in organization_ids)
    begin = f"BEGIN; SET LOCAL app.organizations = '{{{names}}}'"
    await connection.execute(begin.encode(), prepare=False)
    try:
        yield
    except BaseException:
        with suppress(Error):
            await connection.rollback()
        raise
    await connection.commit()


class HoldingSession(Session):
    """A session that keeps what it loads to its end, so that no row is read twice by its key.

    Sessions refer to rows weakly; one that nobody else holds would be read again a line later.
    Whoever waits for a lock reads anew what it guards: locking statements refresh their rows.
    """

    def __init__(self, bind: Engine, *, expire_on_commit: bool) -> None:
        super().__init__(bind, expire_on_commit=expire_on_commit)
        self._rows: list[object] = []

    def hold(self, row: object) -> None:
        """Keep a row."""
        self._rows.append(row)


for _moment in ("loaded_as_persistent", "pending_to_persistent"):
    event.listen(HoldingSession, _moment, HoldingSession.hold)


def name_organizations(session: Session, organization_ids: Sequence[UUID]) -> None:
    """From here to the end of the transaction, row-level security shows these organizations."""
    names = "{" + ",".join(str(identifier) for identifier in organization_ids) + "}"
    session.execute(NAME_ORGANIZATIONS, {"names": names})
