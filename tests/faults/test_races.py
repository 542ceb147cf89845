"""Two things happen to one subscription, bill or request at once: the second sees the first."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from threading import Barrier, Event
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlmodel import Session

from api.access.key_cache import KeyCache
from api.app import create_app
from api.context import AppContext
from billing.errors import BillingError, InvalidTransition
from repositories.invoicing import invoices
from repositories.subscriptions import subscriptions
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.accounts.settings import ChangeSettings, change_settings
from services.corrections.credit_notes import CreditedLine
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.invoicing import manual as invoice_actions
from services.invoicing import payment_status
from services.invoicing.manual import ManualInvoice, ManualLine
from services.operations import coverage
from services.operations.findings import FindingKind
from services.subscriptions import agenda as agendas
from tests.api.conftest import app, clock, context, security, shared_loop
from tests.api.people import Clock, Person
from tests.faults.subscribers import APRIL, FEBRUARY, MARCH, Story, Subscriber, sell_at
from tests.services.conftest import shop, transactions
from tests.services.shop import Shop

__all__ = ["app", "clock", "context", "security", "shared_loop", "shop", "transactions"]

IS_CHAOS = "FLUXRATE_CHAOS" in os.environ
ROUNDS, PAIRS, DRAFTS = (200, 200, 400) if IS_CHAOS else (10, 8, 40)
THREADS, KEYS = (50, 500) if IS_CHAOS else (20, 20)

TENTH, TWELFTH = datetime(2025, 1, 10, tzinfo=UTC), datetime(2025, 1, 12, tzinfo=UTC)
BEFORE, AFTER = FEBRUARY - timedelta(seconds=1), FEBRUARY + timedelta(seconds=1)
GRACE = timedelta(hours=3)

JANUARY_IN_FULL, JANUARY_CUT = ("basic", FEBRUARY, "26784.00"), ("basic", BEFORE, "26783.99")
SECOND_OF_FEBRUARY = ("basic", AFTER, "0.01")
REST: Story = (("dear", MARCH, "267840.00"), ("dear", APRIL, ""))

UPGRADES: dict[datetime, set[Story]] = {
    BEFORE: {(JANUARY_CUT, ("dear", FEBRUARY, "0.10"), *REST), (JANUARY_IN_FULL, *REST)},
    FEBRUARY: {(JANUARY_IN_FULL, *REST)},
    AFTER: {(JANUARY_IN_FULL, SECOND_OF_FEBRUARY, ("dear", MARCH, "267839.89"), REST[1])},
}
"""What may come of an upgrade, by its instant, that meets the close of January. One that read the
time a second before it cuts January or, where the close was first, begins with February."""

CANCELLATIONS: dict[datetime, set[Story]] = {
    BEFORE: {(JANUARY_CUT,), (JANUARY_IN_FULL,)},
    FEBRUARY: {(JANUARY_IN_FULL,)},
    AFTER: {(JANUARY_IN_FULL, SECOND_OF_FEBRUARY)},
}
"""The same of an immediate cancellation."""

TEN_DAYS, TWELVE_DAYS = ("basic", TENTH, "7776.00"), ("basic", TWELFTH, "9504.00")
THEN_DEAR = ("dear", FEBRUARY, "")
TWO_DAYS_DEAR = (TEN_DAYS, ("dear", TWELFTH, "17280.00"), ("dearest", FEBRUARY, ""))
SECOND_UPGRADES: dict[str, set[Story]] = {
    "dear": {(TEN_DAYS, THEN_DEAR), (TWELVE_DAYS, THEN_DEAR)},
    "dearest": {TWO_DAYS_DEAR, (TWELVE_DAYS, THEN_DEAR)},
}
"""What may come of an upgrade to the dear plan on the 10th and to this one on the 12th at once."""


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Release the jobs at one instant; what each gave, or the broken rule that it met."""
    barrier = Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        barrier.wait(60)
        try:
            return job()
        except BillingError as error:
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def race_the_close(shop: Shop, act: Callable[..., Any], valid: dict[datetime, set[Story]]) -> None:
    """The workflow closes January and bills it while somebody acts around the boundary."""
    subscribe = sell_at(shop)
    for number in range(ROUNDS):
        life, at = subscribe(), list(valid)[number % len(valid)]
        close = partial(life.catch_up, FEBRUARY + GRACE, life.do(agendas.get_state).agenda[0])
        _, answer = at_once(close, partial(act, life, at=at))
        assert not isinstance(answer, BillingError)
        life.catch_up(MARCH)
        assert life.story() in valid[at]
    found = shop.read(coverage.check_coverage, None, now=MARCH).findings
    assert {one.kind for one in found} == {FindingKind.OLD_MESSAGES}


def test_upgrade_that_meets_the_close_comes_before_or_after_it(shop: Shop) -> None:
    race_the_close(shop, partial(Subscriber.change, plan="dear"), UPGRADES)


def test_cancellation_that_meets_the_close_comes_before_or_after_it(shop: Shop) -> None:
    race_the_close(shop, Subscriber.cancel, CANCELLATIONS)


def test_cancellation_from_just_before_a_finished_close_ends_with_it(shop: Shop) -> None:
    life = sell_at(shop)()
    life.catch_up(FEBRUARY)
    life.cancel(BEFORE)
    assert life.story() == (JANUARY_IN_FULL,)


def test_upgrade_and_cancellation_at_once_leave_one_end_and_one_bill(shop: Shop) -> None:
    subscribe = sell_at(shop)
    for _ in range(PAIRS):
        life = subscribe()
        upgrade, _ = at_once(partial(life.change, "dear", TENTH), partial(life.cancel, TENTH))
        life.catch_up(TENTH)
        assert life.story() == (TEN_DAYS,)
        assert life.happened("canceled") == [None]
        is_refused = isinstance(upgrade, InvalidTransition)
        assert life.happened("plan_changed") == [None] * (not is_refused)
        plan_id = life.do(subscriptions.find_subscription).plan_id
        assert plan_id == life.plans["basic" if is_refused else "dear"]


@pytest.mark.parametrize("plan", SECOND_UPGRADES)
def test_second_of_two_upgrades_at_once_follows_the_first(shop: Shop, plan: str) -> None:
    subscribe = sell_at(shop)
    for _ in range(PAIRS):
        life = subscribe()
        answers = at_once(partial(life.change, "dear", TENTH), partial(life.change, plan, TWELFTH))
        assert not any(isinstance(answer, BillingError) for answer in answers)
        life.catch_up(TWELFTH)
        assert life.story() in SECOND_UPGRADES[plan]
        assert life.happened("plan_changed") == [None] * (1 if plan == "dear" else 2)


def test_draft_finalized_by_people_and_workflow_at_once_is_finalized_once(
    app: FastAPI, clock: Clock, transactions: Transactions
) -> None:
    clock.instant = FEBRUARY + GRACE
    person = Person(app).sign_up()
    organization = person.patch("/api/v1/organization", json={"number_at": "finalization"}).json()
    subscribe = sell_at(Shop(transactions=transactions, organization_id=UUID(organization["id"])))
    for number in range(1, PAIRS + 1):
        life = subscribe("basic" if number % 5 else "free")
        life.catch_up(FEBRUARY)
        due = life.do(agendas.get_state).agenda[0]
        path = f"/api/v1/invoices/{due.invoice_id}"
        finalize = partial(person.post, f"{path}/finalize")
        answer, _ = at_once(finalize, partial(life.catch_up, FEBRUARY + GRACE, due))
        assert (answer.status_code, answer.json()) == (200, person.get(path).json())
        assert answer.json() == finalize().json()
        assert answer.json()["invoice_number"] == f"INV-2025-{number:04d}"
        assert life.happened("invoice_finalized") == [0]


def test_one_idempotency_key_at_two_replicas_at_once_has_one_effect(
    app: FastAPI, context: AppContext, module_database_url: str
) -> None:
    engine = create_application_engine(module_database_url)
    other = replace(
        context,
        transactions=Transactions(engine),
        key_cache=KeyCache(),
        registry=CollectorRegistry(),
    )
    replicas, barrier = [app, create_app(other)], Barrier(THREADS)
    owner = Person(app).sign_up()
    api_key = owner.make_key("billing.write", "billing.read")

    def post(person: Person, number: int) -> Any:
        headers = {"X-API-Key": api_key, "Idempotency-Key": f"key-{number}"}
        body = {"name": "Harbor Labs", "email": f"ap{number}@harbor.test"}
        return person.post("/api/v1/customers", json=body, headers=headers)

    def send(thread: int) -> list[Any]:
        person = Person(replicas[thread % 2])
        return [post(person, number) for number in range(KEYS) if barrier.wait(60) >= 0]

    with ThreadPoolExecutor(THREADS) as pool:
        columns = list(pool.map(send, range(THREADS)))
    for number, answers in enumerate(zip(*columns, strict=True)):
        done = [one for one in answers if one.status_code == 201]
        refused = {one.json()["code"] for one in answers if one.status_code != 201}
        assert refused <= {"idempotency_key_in_use"}
        assert ["Idempotent-Replayed" in one.headers for one in done].count(False) == 1
        repeated = [post(Person(replica), number) for replica in replicas]
        assert len({one.content for one in (*done, *repeated)}) == 1
    assert owner.get("/api/v1/customers").json()["meta"]["total"] == KEYS
    engine.dispose()


def test_numbers_have_no_gap_whatever_is_rolled_back(shop: Shop) -> None:
    shop.do(change_settings, ChangeSettings(values={"number_at": "finalization"}))
    details = CustomerDetails(name="Harbor Labs", billing_address_country="US")
    customer_id = shop.do(create_customer, CreateCustomer(details=details)).id
    manual = ManualInvoice(customer_id=customer_id, currency="USD", due_date=APRIL, lines=())
    drafts = [shop.do(invoice_actions.create_invoice, manual).id for _ in range(DRAFTS)]

    def try_to_finalize(session: Session, _: UUID, draft: UUID, chance: Random) -> str:
        done = payment_status.finalize(session, shop.organization_id, draft, now=FEBRUARY)
        if chance.random() < 0.4:
            raise ConnectionError("the number is never heard of")
        return str(done.invoice_number)

    def finalize_some(thread: int) -> dict[UUID, str]:
        """Every fourth draft, so that two threads come to each."""
        chance, given = Random(thread), dict[UUID, str]()
        for draft in chance.sample(drafts[thread % 4 :: 4], DRAFTS // 4):
            while draft not in given:
                with suppress(ConnectionError):
                    given[draft] = shop.read(try_to_finalize, draft, chance)
        return given

    with ThreadPoolExecutor(8) as pool:
        pairs = {pair for given in pool.map(finalize_some, range(8)) for pair in given.items()}
    # The year of the drafts' issue dates, not of the moment that they become final at.
    expected = [f"INV-2026-{number:04d}" for number in range(1, DRAFTS + 1)]
    assert sorted(number for _, number in pairs) == expected


def test_a_bill_and_a_note_are_numbered_in_either_order(shop: Shop) -> None:
    details = CustomerDetails(name="Harbor Labs", billing_address_country="US")
    line = ManualLine(description="Set-up", quantity=Decimal(1), unit_amount=Decimal(100))
    sold = []
    for _ in range(2):
        customer_id = shop.do(create_customer, CreateCustomer(details=details)).id
        manual = ManualInvoice(
            customer_id=customer_id, currency="USD", due_date=APRIL, lines=(line,)
        )
        invoice = shop.do(invoice_actions.create_invoice, manual)
        shop.do(payment_status.finalize, invoice.id)
        sold.append((manual, invoice.id))
    is_numbered = Event()

    def bill(session: Session, manual: ManualInvoice, _: UUID) -> None:
        invoice_actions.create_invoice(session, shop.organization_id, manual, now=FEBRUARY)

    def credit(session: Session, _: ManualInvoice, invoice_id: UUID) -> None:
        [row] = invoices.list_lines(session, shop.organization_id, [invoice_id])
        credited = [CreditedLine(line_id=row.id, amount=Decimal(1))]
        payment_status.credit(
            session, shop.organization_id, invoice_id, credited, reason="Thanks", now=FEBRUARY
        )

    def first_and_then(first: Callable[..., None], then: Callable[..., None], number: int) -> None:
        with shop.transactions.for_organization(shop.organization_id) as session:
            first(session, *sold[number])
            # Either both have a number now, or the other waits until this one is done.
            if is_numbered.is_set():
                both.set()
            is_numbered.set()
            both.wait(1)
            then(session, *sold[number])

    both = Event()
    answers = at_once(
        partial(first_and_then, bill, credit, 0), partial(first_and_then, credit, bill, 1)
    )

    assert answers == [None, None]
