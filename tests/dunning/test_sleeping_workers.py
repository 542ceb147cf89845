"""A worker that slept between its transactions charges nothing that was paid meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import Session, select

from models.payments.payments import Payment
from repositories.transactions import Transactions
from tests.dunning.work import Work


class SleepingTransactions(Transactions):
    """Those of a worker that sleeps after a transaction, while the world goes on."""

    def __init__(self, work: Work, after: int) -> None:
        self.work, self.left = work, after

    @contextmanager
    def for_organization(self, organization_id: UUID) -> Iterator[Session]:
        """As ever, and then for two hours nothing."""
        with self.work.transactions.for_organization(organization_id) as session:
            yield session
        self.left -= 1
        if self.left == 0:
            self.work.now += timedelta(hours=2)
            if self.work.payments()[0] == "pending":
                self.work.pay_by_hand()
                self.work.live(None)


@pytest.mark.parametrize("sleeps_after", [1, 2], ids=["reading", "claiming"])
def test_worker_that_slept_until_the_try_was_given_up_charges_nothing(
    work: Work, sleeps_after: int
) -> None:
    work.live((2, "after"))
    with work.session() as session:
        [payment] = session.exec(select(Payment)).all()
        payment_id = str(payment.id)

    work.settle(SleepingTransactions(work, sleeps_after), payment_id)

    assert work.payments() == ["failed", "succeeded"]
    assert work.gateway.charges == {}
