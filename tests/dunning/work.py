"""The workflow of one invoice, played by a test whose workers die wherever it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session, col, select
from temporalio.testing import ActivityEnvironment

from activities.declarations import AttemptRequest, CollectionReference, CollectionRequest
from activities.payments import PaymentActivities
from billing.errors import Unavailable
from billing.payments.dunning import CollectionAction, CollectionState
from models.payments.payments import Payment
from repositories.transactions import Transactions
from services.payments import recording
from tests.dunning.gateway import ScriptedGateway
from tests.services.shop import NOW


class Crash(Exception):
    """The worker dies here."""


class DyingTransactions(Transactions):
    """Ends a process before, or after, one of its commits."""

    def __init__(self, inner: Transactions, dies_at: tuple[int, str] | None) -> None:
        self.inner, self.dies_at, self.count = inner, dies_at, 0

    @contextmanager
    def for_organization(self, organization_id: UUID) -> Iterator[Session]:
        """As the inner ones do, until the process dies."""
        self.count += 1
        number = self.count
        with self.inner.for_organization(organization_id) as session:
            yield session
            if self.dies_at == (number, "before"):
                raise Crash
        if self.dies_at == (number, "after"):
            raise Crash


@dataclass
class Work:
    """A workflow of one invoice whose worker dies, after which another goes on."""

    transactions: Transactions
    gateway: ScriptedGateway
    invoice_id: UUID
    organization_id: UUID
    customer_id: UUID
    now: datetime = NOW

    def live(self, dies_at: tuple[int, str] | None) -> bool:
        """Whether it came to the end of the first try."""
        dying = DyingTransactions(self.transactions, dies_at)
        activities = PaymentActivities(dying, self.gateway, lambda: self.now)
        subject = {
            "organization_id": str(self.organization_id),
            "invoice_id": str(self.invoice_id),
        }
        try:
            state = activities.read_collection(CollectionReference(**subject))
            while state.entries and state.clock_at and state.entries[0].due_at <= state.clock_at:
                state = self._act(activities, subject, state)
        except (Crash, Unavailable):
            return False
        return True

    def _act(
        self, activities: PaymentActivities, subject: dict[str, str], state: CollectionState
    ) -> CollectionState:
        entry = state.entries[0]
        if entry.action is CollectionAction.CHARGE:
            return activities.begin_attempt(CollectionRequest(**subject, due_at=entry.due_at))
        assert entry.action is CollectionAction.SETTLE
        assert entry.payment_id is not None
        request = AttemptRequest(**subject, payment_id=entry.payment_id)
        return asyncio.run(ActivityEnvironment().run(activities.settle_attempt, request))

    def settle(self, transactions: Transactions, payment_id: str) -> None:
        """A worker with transactions of its own asks what became of a try."""
        activities = PaymentActivities(transactions, self.gateway, lambda: self.now)
        request = AttemptRequest(
            organization_id=str(self.organization_id),
            invoice_id=str(self.invoice_id),
            payment_id=payment_id,
        )
        with suppress(Unavailable):
            asyncio.run(ActivityEnvironment().run(activities.settle_attempt, request))

    def pay_by_hand(self) -> None:
        """Somebody records that the whole invoice was paid."""
        with self.session() as session:
            told = recording.Told(amount=Decimal(7))
            recording.record_by_hand(
                session, self.organization_id, self.invoice_id, told, now=self.now
            )

    def session(self) -> AbstractContextManager[Session]:
        """A transaction of the organization's."""
        return self.transactions.for_organization(self.organization_id)

    def payments(self) -> list[str]:
        """What became of all tries."""
        with self.transactions.for_organization(self.organization_id) as session:
            return [
                one.status for one in session.exec(select(Payment).order_by(col(Payment.attempt)))
            ]
