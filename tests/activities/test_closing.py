"""Periods that end at one moment are closed together; one that is broken hurts no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlmodel import Session, col, select
from temporalio.exceptions import ApplicationError

from activities import declarations
from activities.closing import ClosingActivities
from billing.subscriptions import Action, WorkflowState
from models.invoicing.invoices import Invoice
from repositories.transactions import Transactions
from tests.activities.closes import (
    START,
    Subscriber,
    close_together,
    roll_up,
    sell_simple,
    subscribe,
)
from tests.faults.steps.crashes import ConnectionLost, Moment, send_commit
from tests.servers import superuser_url
from tests.services.shop import open_shop
from tests.services.usage_facts import Fact

ENDED = START.replace(month=2) + timedelta(seconds=5)


class LosingTransactions(Transactions):
    """Loses one connection, the next that it is told to lose, around its commit."""

    lost_at: Moment | None = None
    begun = 0

    @contextmanager
    def for_organizations(self, organization_ids: Sequence[UUID]) -> Iterator[Session]:
        self.begun += 1
        moment, self.lost_at = self.lost_at, None
        with super().for_organizations(organization_ids) as session:
            yield session
            session.flush()
            if moment is Moment.DURING:
                send_commit(session)
            if moment in (Moment.BEFORE, Moment.DURING):
                raise ConnectionLost
        if moment is Moment.AFTER:
            raise ConnectionLost


@pytest.fixture
def losing(transactions: Transactions) -> LosingTransactions:
    return LosingTransactions(transactions._engine)


def people_of(transactions: Transactions, count: int) -> list[Subscriber]:
    """Customers of two organizations who used something in January."""
    shops = [open_shop(transactions) for _ in range(2)]
    sold = [sell_simple(shop, "simple") for shop in shops]
    people = [subscribe(shops[place % 2], sold[place % 2]) for place in range(count)]
    for place, one in enumerate(people):
        one.use([Fact(at=START + timedelta(days=place % 20, minutes=place))])
    for shop in shops:
        roll_up(shop)
    return people


def numbers_of(transactions: Transactions, people: Sequence[Subscriber]) -> list[list[str | None]]:
    """The numbers of all invoices of each organization, in order."""
    found = []
    for organization_id in sorted({one.shop.organization_id for one in people}):
        with transactions.for_organization(organization_id) as session:
            numbers = select(Invoice.invoice_number).order_by(col(Invoice.invoice_number))
            found.append(list(session.exec(numbers).all()))
    return found


def test_one_broken_bill_of_fifty_leaves_forty_nine_billed(
    transactions: Transactions, module_database_url: str
) -> None:
    people = people_of(transactions, 49)
    shop = people[0].shop
    broken = subscribe(shop, sell_simple(shop, "broken"))
    with psycopg.connect(superuser_url(module_database_url), autocommit=True) as connection:
        connection.execute(
            "UPDATE plan_version SET terms = '{}' WHERE plan_id ="
            " (SELECT plan_id FROM subscription WHERE id = %s)",
            [broken.id],
        )
    closing = ClosingActivities(transactions, lambda: ENDED)

    answers = close_together(closing, [*people[:20], broken, *people[20:]], ENDED)

    assert set(answers) == {one.id for one in people}
    assert all(isinstance(answer, WorkflowState) for answer in answers.values())
    found = numbers_of(transactions, people)
    assert sorted(map(len, found)) == [24, 25]
    for numbers in found:
        assert numbers == [f"INV-2026-{number + 1:04d}" for number in range(len(numbers))]


def test_what_is_broken_is_refused_alone(transactions: Transactions) -> None:
    people = people_of(transactions, 3)
    closing = ClosingActivities(transactions, lambda: ENDED)
    requests: list[Any] = [one.due(Action.CLOSE_PERIOD, ENDED) for one in people]
    closing.perform(declarations.QUERY_USAGE, requests)
    closing.perform(declarations.AGGREGATE_USAGE, requests[1:])

    priced = closing.perform(declarations.PRICE_USAGE, requests)

    assert [isinstance(answer, ApplicationError) for answer in priced] == [True, False, False]


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("step", declarations.CLOSING_STEPS, ids=lambda step: step.name)
def test_a_group_whose_commit_is_lost_is_done_once(
    losing: LosingTransactions, step: Any, moment: Moment
) -> None:
    people = people_of(losing, 4)
    closing = ClosingActivities(losing, lambda: ENDED)
    do = doing(closing, losing, step, moment)

    close = [one.due(Action.CLOSE_PERIOD, ENDED) for one in people]
    for one in (declarations.ROLL_PERIOD, *declarations.BILL_STEPS, declarations.ISSUE_INVOICE):
        do(one, close)
    late = ENDED + timedelta(days=1)
    finalize = [one.due(Action.FINALIZE_INVOICE, late) for one in people]
    answers = do(declarations.FINALIZE_INVOICE, finalize)

    assert [answer.counts.unpaid for answer in answers] == [1, 1, 1, 1]
    assert numbers_of(losing, people) == [["INV-2026-0001", "INV-2026-0002"]] * 2


def doing(
    closing: ClosingActivities, losing: LosingTransactions, lost: Any, moment: Moment
) -> Callable[..., list[Any]]:
    """Does a step for all, in one transaction; the lost one once more, after nobody was told."""

    def do(step: Any, requests: Sequence[Any]) -> list[Any]:
        losing.begun = 0
        losing.lost_at = moment if step is lost else None
        answers: list[Any] = closing.perform(step, requests)
        assert losing.begun == 1
        if step is lost:
            assert all(isinstance(answer, ConnectionLost) for answer in answers)
            answers = closing.perform(step, requests)
        return answers

    return do
