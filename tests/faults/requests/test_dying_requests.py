"""The process dies at a commit of a request that bills, or it comes eight times: one effect.

Every life of an action is the same, so all must end as the undisturbed one did, whatever the
commit at which the process died and whoever came first afterwards: the workflow, or the same
request without an Idempotency-Key. One death leaves nothing to go by: before the first commit of
a request whose meaning depends on what is overdue, if the workflow bills that before the repeat
comes. It ends as a life does in which the request came after the workflow, and once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count, product
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Response

from api import catching_up as requests
from api.context import AppContext
from runtime.database.engine import create_application_engine
from runtime.security import Security
from services.lifecycle import catching_up
from tests.api.conftest import app, clock, security, shared_loop
from tests.api.people import Clock, Person
from tests.api.sold import V1, add_feature, add_plan, post
from tests.faults.requests.billing_actions import ACTIONS, BEGIN, LATER, NOW, Action, Request
from tests.faults.requests.dying_requests import Death, Life, MortalTransactions
from tests.faults.steps.crashes import Moment

__all__ = ["app", "clock", "security", "shared_loop"]

EIGHT = 8
MOST_SECONDS = 60.0
IS_CHAOS = "FLUXRATE_CHAOS" in os.environ

IN_ONE_TRANSACTION = 3
"""Two periods that were missed are closed and billed in two transactions."""

MUCH_LATER = NOW + timedelta(hours=3)
"""Too late for a request to be taken for a repeat by itself."""

UNHEARD = Death(commit=1, moment=Moment.BEFORE, workflow_acts=True)
"""Nothing of the request was committed, and the workflow finds the life as if nobody had asked."""

TRIED = [one for one in ACTIONS if IS_CHAOS or not one.is_rare]

Begin = Callable[[Action], tuple[Life, Request]]


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[MortalTransactions]:
    engine = create_application_engine(module_database_url, pool_size=EIGHT + 2)
    yield MortalTransactions(engine)
    engine.dispose()


@pytest.fixture
def context(transactions: MortalTransactions, security: Security, clock: Clock) -> AppContext:
    """The application's surroundings, in which no request is given up for being slow."""
    return AppContext(
        transactions=transactions, security=security, now=clock, transaction_seconds=MOST_SECONDS
    )


@pytest.fixture
def make(app: FastAPI, clock: Clock, transactions: MortalTransactions) -> Callable[[str], Life]:
    """Makes customers who subscribed to a plan of their own at 31 a month and a dollar a call."""
    clock.instant = BEGIN
    owner = Person(app).sign_up()
    person, meter_id = Person(app), add_feature(owner)["meter_id"]
    person.headers["X-API-Key"] = owner.make_key("billing.write", "billing.read", "usage.write")
    clock.instant = NOW
    person.get(f"{V1}/organization")  # the key notes its use now, and in no counted commit
    other_plan = add_plan(person, "other")
    fee = {"type": "FIXED", "unit_price": 62, "display_name": "Platform fee"}
    post(person, f"/plans/{other_plan['id']}/charges", fee)
    numbers = count(1)

    def make_life(version_policy: str) -> Life:
        name = f"acct_{next(numbers)}"
        plan = sell_plan(person, name, meter_id)
        named = {"external_id": name, "billing_address_country": "GB"}
        customer = post(person, "/customers", {"name": "Harbor", "email": "a@h.test", **named})
        wanted = {
            "customer_id": customer["id"],
            "plan_id": plan["id"],
            "start_date": "2026-01-01T00:00:00Z",
            "version_policy": version_policy,
        }
        life = Life(
            person=person,
            transactions=transactions,
            clock=clock,
            customer=customer,
            plan=plan,
            other_plan=other_plan,
            subscription=post(person, "/subscriptions", wanted),
        )
        life.use(12, "2026-01-01T12:00:00Z")
        return life

    return make_life


@pytest.fixture
def begin(make: Callable[[str], Life], monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Begin:
    """Makes a life in which an action can be asked for, and says how."""
    for place in (catching_up, requests):
        monkeypatch.setattr(place, "IN_ONE_TRANSACTION", IN_ONE_TRANSACTION)

    def begin_life(action: Action) -> tuple[Life, Request]:
        monkeypatch.setattr(catching_up, "AT_ONCE", action.at_once)
        clock.instant = BEGIN
        life = make(action.version_policy)
        action.early(life)
        clock.instant = NOW
        action.late(life)
        return life, action.ask(life)

    return begin_life


def sell_plan(person: Person, name: str, meter_id: str) -> dict[str, Any]:
    """A plan of a fee of 31 and a dollar a call."""
    plan = add_plan(person, name)
    fee = {"type": "FIXED", "unit_price": 31, "display_name": "Platform fee"}
    calls = {"type": "USAGE", "meter_id": meter_id, "unit_price": 1}
    for charge in (fee, calls):
        post(person, f"/plans/{plan['id']}/charges", charge)
    return plan


def send(life: Life, request: Request) -> int:
    """The status of the answer."""
    return int(ask(life, request).status_code)


def ask(life: Life, request: Request, **headers: str) -> Response:
    """The answer."""
    method, path, body = request
    return life.person.request(method, V1 + path, json=body, headers=headers)


def deaths(commits: int) -> list[Death]:
    """At each commit, and before and after the last; under ``make chaos`` always everything."""
    numbers = range(1, commits + 1)
    if IS_CHAOS:
        return [
            Death(commit=number, moment=moment, workflow_acts=workflow_acts)
            for number, moment, workflow_acts in product(numbers, Moment, (False, True))
        ]
    before, after = Moment.BEFORE, Moment.AFTER
    early = [(number, (after, before)[number % 2], number % 2 == 0) for number in numbers[:-1]]
    planned = [*early, (commits, before, True), (commits, after, False)]
    return [
        Death(commit=number, moment=moment, workflow_acts=workflow_acts)
        for number, moment, workflow_acts in planned
    ]


def live(life: Life, request: Request, death: Death | None) -> list[int]:
    """Ask, and ask again if the process died; the workflow comes along. What was answered."""
    life.known["met_at"] = NOW
    life.transactions.expect(death)
    answers = [send(life, request)]
    life.known["commits"] = life.transactions.commits
    if death is not None and death.workflow_acts:
        life.catch_up()
    if death is not None:
        answers.append(send(life, request))
    life.catch_up(LATER)
    return answers


def live_eight_times_at_once(life: Life, request: Request) -> list[int]:
    """Ask eight times at once; the workflow comes along. What was answered."""
    life.known["met_at"] = NOW
    life.transactions.expect(None)
    with ThreadPoolExecutor(EIGHT) as executor:
        answers = list(executor.map(lambda _: send(life, request), range(EIGHT)))
    life.catch_up(LATER)
    return answers


@pytest.mark.parametrize("action", TRIED, ids=lambda one: one.name)
def test_request_that_dies_at_a_commit_or_comes_eight_times_has_one_effect(
    begin: Begin, action: Action
) -> None:
    undisturbed, request = begin(action)
    assert live(undisturbed, request, None)[0] < 300
    expected, lives = undisturbed.story(), [undisturbed]
    assert undisturbed.owes() == action.owes

    for death in deaths(undisturbed.known["commits"]):
        if death == UNHEARD and action.bills_what_is_overdue:
            continue
        life, request = begin(action)
        assert live(life, request, death)[0] == 500, death
        assert life.story() == expected, death
        lives.append(life)

    life, request = begin(action)
    answers = live_eight_times_at_once(life, request)
    assert set(answers) <= {200, 201, 202, 204, 404, 409, 503}
    assert life.story() == expected
    check_numbers([*lives, life], has_gaps=action.deletes)


@pytest.mark.parametrize(
    "action", [one for one in TRIED if one.bills_what_is_overdue], ids=lambda one: one.name
)
def test_request_of_which_nothing_was_committed_comes_after_the_workflow(
    begin: Begin, action: Action
) -> None:
    """Nothing is overdue when it is repeated, so the running period is cut (CONTRACT 20)."""
    later, request = begin(action)
    later.known["met_at"] = NOW
    later.catch_up()
    assert live(later, request, None) == [201]

    life, request = begin(action)
    assert live(life, request, UNHEARD) == [500, 201]

    assert life.story() == later.story()
    assert life.invoice(2)["period_end"] == "2026-03-02T08:00:00Z"
    assert life.owes() == action.owes
    check_numbers([later, life], has_gaps=False)


@pytest.mark.parametrize(
    "action", [one for one in TRIED if one.bills_what_is_overdue], ids=lambda one: one.name
)
@pytest.mark.parametrize("workflow_acts", [False, True])
def test_repeat_under_its_key_is_about_what_was_overdue_however_late(
    begin: Begin, clock: Clock, action: Action, *, workflow_acts: bool
) -> None:
    """The running period, which nobody asked for, is not cut."""
    life, request = begin(action)
    key = {"Idempotency-Key": "what-is-overdue"}
    life.known["met_at"] = NOW
    life.transactions.expect(Death(commit=2, moment=Moment.BEFORE))
    assert ask(life, request, **key).status_code == 500
    if workflow_acts:
        life.catch_up()
    clock.instant = MUCH_LATER

    answers = [ask(life, request, **key) for _ in range(2)]
    life.catch_up(LATER)

    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    ends = [one["period_end"][:10] for one in answers[0].json()["data"]]
    assert ends == ["2026-02-01", "2026-03-01"]
    assert life.invoice(2)["period_end"] == "2026-04-01T00:00:00Z"
    assert life.owes() == action.owes


def check_numbers(lives: list[Life], *, has_gaps: bool) -> None:
    """All invoices of the organization are numbered from 1 on, each number once."""
    numbers = sorted(number for life in lives for number in life.numbers())
    assert len(set(numbers)) == len(numbers)
    if not has_gaps:
        assert numbers == [f"INV-2026-{one:04d}" for one in range(1, len(numbers) + 1)]
