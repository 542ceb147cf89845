"""No crash between a row, the gateway and the books charges twice, or forgets a charge."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
from sqlmodel import Session, col, select
from temporalio.testing import ActivityEnvironment

from activities.declarations import AttemptRequest, CollectionReference, CollectionRequest
from activities.payments import PaymentActivities
from billing.errors import Unavailable
from billing.payments.dunning import CollectionAction, CollectionState
from models.payments.payments import Payment
from repositories.transactions import Transactions
from services.payments import recording
from tests.dunning.conftest import connect, save_method
from tests.dunning.gateway import Answer, ScriptedGateway
from tests.services.lives import begin_life
from tests.services.shop import NOW, open_shop

FEBRUARY = datetime(2025, 2, 1, 1, tzinfo=UTC)


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
        is_new = state.begun == entry.payment_id
        request = AttemptRequest(**subject, payment_id=entry.payment_id, is_new=is_new)
        return asyncio.run(ActivityEnvironment().run(activities.settle_attempt, request))

    def payments(self) -> list[str]:
        """What became of all tries."""
        with self.transactions.for_organization(self.organization_id) as session:
            return [
                one.status for one in session.exec(select(Payment).order_by(col(Payment.attempt)))
            ]


@pytest.fixture
def work(transactions: Transactions) -> Work:
    """Seven dollars of January are final, and nobody has tried anything."""
    shop = open_shop(transactions)
    life = begin_life(shop)
    connection_id = connect(transactions, shop.organization_id)
    keys = (shop.organization_id, connection_id)
    save_method(transactions, keys, life.row().customer_id)
    life.use(datetime(2025, 1, 15, tzinfo=UTC), 7)
    life.send_clock(FEBRUARY)
    while (state := life.state()).agenda and state.agenda[0].due_at <= FEBRUARY:
        life.act(state.agenda[0])
    [invoice] = life.invoices()
    return Work(transactions, ScriptedGateway(), invoice.id, shop.organization_id)


CRASHES = [(number, when) for number in range(1, 5) for when in ("before", "after")]


@pytest.mark.parametrize("dies_at", CRASHES, ids=lambda at: f"{at[1]} commit {at[0]}")
@pytest.mark.parametrize("answer", [Answer.PAID, Answer.LOST, Answer.NEVER_ARRIVED])
def test_crash_charges_once(work: Work, dies_at: tuple[int, str], answer: Answer) -> None:
    work.gateway.answers[:] = [answer, Answer.PAID]

    work.live(dies_at)
    for _ in range(4):
        if work.live(None):
            break

    assert work.payments() == ["succeeded"]
    assert len(work.gateway.charges) == 1


def test_every_second_worker_dies(work: Work) -> None:
    """Wherever it happens, what was charged is what the books say."""
    random = Random(19)
    work.gateway.answers[:] = [random.choice([*Answer][:4]) for _ in range(40)]

    for _ in range(60):
        work.live(random.choice(CRASHES) if random.random() < 0.6 else None)

    told = [one.status.value for one in work.gateway.charges.values()]
    assert work.payments() == told


def test_what_was_paid_meanwhile_is_not_charged_after_a_crash(work: Work) -> None:
    """And once nothing can be on its way any more, the try has come to nothing."""
    work.live((2, "after"))
    with work.transactions.for_organization(work.organization_id) as session:
        told = recording.Told(amount=Decimal(7))
        recording.record_by_hand(session, work.organization_id, work.invoice_id, told, now=NOW)

    assert not work.live(None)
    assert work.payments() == ["pending", "succeeded"]
    work.now = NOW + timedelta(hours=2)
    assert work.live(None)
    assert work.payments() == ["failed", "succeeded"]
    assert work.gateway.charges == {}
