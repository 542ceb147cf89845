"""A step finds what the step before left without reading it again, and reads what others left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import event
from sqlmodel import Session, select
from temporalio.exceptions import ApplicationError

from activities import declarations
from activities.closing import ClosingActivities
from activities.declarations import ActionRequest, Step
from billing.invoicing.receipts import digest
from billing.rating.lines import PricedLine
from billing.subscriptions import Action, WorkflowState
from models.invoicing.invoices import Invoice, InvoiceReceipt
from repositories.invoicing.steps import StoredRun
from repositories.transactions import Transactions
from services.rating import recent_runs, steps
from services.rating.recent_runs import MOST_PARTS, RecentRuns
from services.rating.steps import BillKey
from tests.activities.closes import START, Subscriber, roll_up, sell_simple, subscribe
from tests.faults.steps.crashes import ConnectionLost
from tests.servers import superuser_url
from tests.services.shop import open_shop
from tests.services.usage_facts import Fact

ENDED = START.replace(month=2) + timedelta(seconds=5)
Perform = Callable[[Step[ActionRequest, Any], Sequence[ActionRequest]], list[Any]]
AFTER_USAGE: tuple[Step[ActionRequest, Any], ...] = (
    *declarations.BILL_STEPS[1:],
    declarations.ISSUE_INVOICE,
)


class RefusingTransactions(Transactions):
    """Loses the next connection before its commit, if it is told to."""

    refuses = False

    @contextmanager
    def for_organizations(self, organization_ids: Sequence[UUID]) -> Iterator[Session]:
        refuses, self.refuses = self.refuses, False
        with super().for_organizations(organization_ids) as session:
            yield session
            session.flush()
            if refuses:
                raise ConnectionLost


def process_of(transactions: Transactions) -> Perform:
    """What a process does of a step."""
    closing = ClosingActivities(transactions, lambda: ENDED)

    def perform(step: Step[ActionRequest, Any], requests: Sequence[ActionRequest]) -> list[Any]:
        answers: list[Any] = closing.perform(step, requests)
        return answers

    return perform


@pytest.fixture
def people(transactions: Transactions) -> list[Subscriber]:
    """Three customers who used something in January."""
    shop = open_shop(transactions)
    sold = sell_simple(shop, "simple")
    people = [subscribe(shop, sold) for _ in range(3)]
    for place, one in enumerate(people):
        one.use([Fact(at=START + timedelta(days=place, minutes=place))] * (place + 1))
    roll_up(shop)
    return people


@pytest.fixture
def due(people: Sequence[Subscriber]) -> list[ActionRequest]:
    """Their January is to be billed."""
    found = [one.due(Action.CLOSE_PERIOD, ENDED) for one in people]
    return [request for request in found if request is not None]


@contextmanager
def reading_runs(transactions: Transactions) -> Iterator[list[str]]:
    """The statements within the block that read what steps left."""
    read: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "run.step, run.content" in statement:
            read.append(statement)

    event.listen(transactions._engine, "before_cursor_execute", note)
    try:
        yield read
    finally:
        event.remove(transactions._engine, "before_cursor_execute", note)


def lose_runs(url: str, bill: ActionRequest, step: str | None = None) -> None:
    """The database is one that never had what this step of a bill left, or all of them."""
    with psycopg.connect(superuser_url(url), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "DELETE FROM billing_run WHERE subscription_id = %s AND step = coalesce(%s, step)",
            [bill.subscription_id, step],
        )


def test_steps_of_one_process_read_nothing_that_it_left(
    transactions: Transactions, due: Sequence[ActionRequest]
) -> None:
    process = process_of(transactions)
    process(declarations.ROLL_PERIOD, due)
    process(declarations.QUERY_USAGE, due)

    with reading_runs(transactions) as read:
        for step in AFTER_USAGE:
            assert not any(isinstance(one, Exception) for one in process(step, due))

    assert read == []


def test_a_process_that_takes_over_reads_what_the_other_left(
    transactions: Transactions, due: Sequence[ActionRequest]
) -> None:
    first = process_of(transactions)
    first(declarations.ROLL_PERIOD, due)
    first(declarations.QUERY_USAGE, due)

    with reading_runs(transactions) as read:
        answers = process_of(transactions)(declarations.AGGREGATE_USAGE, due)

    assert len(read) == 1
    assert answers == first(declarations.AGGREGATE_USAGE, due)


def test_no_document_is_made_of_what_the_database_has_lost(
    transactions: Transactions, due: Sequence[ActionRequest], module_database_url: str
) -> None:
    process = process_of(transactions)
    for step in (declarations.ROLL_PERIOD, *declarations.BILL_STEPS):
        process(step, due)
    lose_runs(module_database_url, due[0], "evidence")

    issued = process(declarations.ISSUE_INVOICE, due)

    assert [isinstance(one, WorkflowState) for one in issued] == [False, True, True]


def test_what_the_database_has_lost_is_done_again_by_the_process_that_did_it(
    transactions: Transactions, due: Sequence[ActionRequest], module_database_url: str
) -> None:
    process = process_of(transactions)
    for step in (declarations.ROLL_PERIOD, *declarations.BILL_STEPS):
        process(step, due)
    lose_runs(module_database_url, due[0])

    first, again = [
        [process(step, due[:1]) for step in (*declarations.BILL_STEPS, declarations.ISSUE_INVOICE)]
        for _ in range(2)
    ]

    assert isinstance(first[-1][0], ApplicationError)
    assert isinstance(again[-1][0], WorkflowState)


def test_no_draft_becomes_final_by_what_the_database_has_lost(
    transactions: Transactions,
    due: Sequence[ActionRequest],
    people: Sequence[Subscriber],
    module_database_url: str,
) -> None:
    process = process_of(transactions)
    for step in (declarations.ROLL_PERIOD, *declarations.BILL_STEPS, declarations.ISSUE_INVOICE):
        process(step, due)
    lose_runs(module_database_url, due[0])
    later = ENDED + timedelta(days=1)
    drafts = [one.due(Action.FINALIZE_INVOICE, later) for one in people]

    final = process(declarations.FINALIZE_INVOICE, [one for one in drafts if one is not None])

    assert [isinstance(one, WorkflowState) for one in final] == [False, True, True]


@pytest.mark.parametrize("elsewhere", AFTER_USAGE[:-1], ids=lambda step: step.name)
def test_what_another_process_did_meanwhile_is_found(
    transactions: Transactions, due: Sequence[ActionRequest], elsewhere: Step[ActionRequest, Any]
) -> None:
    process, other = process_of(transactions), process_of(transactions)
    process(declarations.ROLL_PERIOD, due)
    process(declarations.QUERY_USAGE, due)

    for step in AFTER_USAGE:
        answers = (other if step == elsewhere else process)(step, due)

    assert all(isinstance(one, WorkflowState) for one in answers)


def test_what_was_not_committed_is_not_remembered(
    transactions: Transactions, due: Sequence[ActionRequest]
) -> None:
    refusing = RefusingTransactions(transactions._engine)
    process = process_of(refusing)
    process(declarations.ROLL_PERIOD, due)
    process(declarations.QUERY_USAGE, due)
    refusing.refuses = True
    lost = process(declarations.AGGREGATE_USAGE, due)

    priced = process(declarations.PRICE_USAGE, due)

    assert {type(one) for one in lost} == {ConnectionLost}
    assert {type(one) for one in priced} == {ApplicationError}
    assert process(declarations.AGGREGATE_USAGE, due) == process_of(transactions)(
        declarations.AGGREGATE_USAGE, due
    )


def test_a_receipt_has_the_digests_of_what_it_was_computed_from(
    transactions: Transactions, due: Sequence[ActionRequest], people: Sequence[Subscriber]
) -> None:
    process = process_of(transactions)
    for step in (declarations.ROLL_PERIOD, *declarations.BILL_STEPS, declarations.ISSUE_INVOICE):
        process(step, due)

    with transactions.for_organization(people[0].shop.organization_id) as session:
        receipts = session.exec(select(InvoiceReceipt)).all()
        for receipt in receipts:
            invoice = session.get_one(Invoice, (receipt.organization_id, receipt.invoice_id))
            bill = BillKey.of_invoice(invoice)
            frozen, _ = steps.load_frozen(session, bill)
            lines = steps.load(session, bill, steps.EVIDENCE, tuple[PricedLine, ...])
            assert receipt.inputs_digest == digest(frozen)
            assert receipt.lines_digest == digest(lines)

    assert len(receipts) == len(due)


def test_the_bills_of_longest_ago_are_forgotten() -> None:
    recent = RecentRuns(most=2)
    bills = [(uuid4(), uuid4(), 0, 1) for _ in range(3)]
    run = StoredRun(content={}, digest="0")

    for bill in bills:
        recent.remember({bill: {"usage": run}})
    recent.remember({bills[1]: {"evidence": run}})
    recent.forget([bills[2]])

    assert recent.find(bills[0]) == {}
    assert recent.find(bills[1]) == {"usage": run, "evidence": run}
    assert recent.find(bills[2]) == {}


@pytest.mark.parametrize(
    ("step", "content"),
    [
        ("usage", {"usage": [{}] * (MOST_PARTS + 1)}),
        ("quantities", [{}] * (MOST_PARTS + 1)),
        ("evidence", [{"tiers": [{}] * MOST_PARTS}]),
    ],
)
def test_a_bill_of_many_parts_is_not_remembered(step: str, content: Any) -> None:
    recent = RecentRuns()
    large, small = [(uuid4(), uuid4(), 0, 1) for _ in range(2)]
    run = StoredRun(content={"usage": [{}] * MOST_PARTS}, digest="0")

    recent.remember({large: {"usage": run}, small: {"usage": run}})
    recent.remember({large: {step: StoredRun(content=content, digest="1")}})

    assert recent.find(large) == {}
    assert recent.find(small) == {"usage": run}


def test_steps_of_a_bill_of_many_parts_read_what_the_steps_before_left(
    transactions: Transactions, due: Sequence[ActionRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_runs, "MOST_PARTS", 0)
    process = process_of(transactions)
    process(declarations.ROLL_PERIOD, due)
    process(declarations.QUERY_USAGE, due)

    with reading_runs(transactions) as read:
        for step in AFTER_USAGE:
            answers = process(step, due)

    assert len(read) == len(AFTER_USAGE)
    assert all(isinstance(one, WorkflowState) for one in answers)
