"""What would happen, in a transaction that is never committed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from sqlmodel import Session

from repositories.transactions import Transactions


class Rehearsal(Transactions):
    """Transactions that are all parts of one, so that each sees what the others did."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @contextmanager
    def for_organizations(
        self,
        organization_ids: Sequence[UUID],  # noqa: ARG002  one transaction, one organization
    ) -> Iterator[Session]:
        """A part of the one transaction, which forgets what it has read as a new one would."""
        yield self._session
        self._session.flush()
        self._session.expire_all()
        self._session.info.clear()


@contextmanager
def rehearse(transactions: Transactions, organization_id: UUID) -> Iterator[Rehearsal]:
    """Everything that happens inside is undone at the end."""
    with transactions.for_organization(organization_id) as session:
        yield Rehearsal(session)
        session.rollback()
