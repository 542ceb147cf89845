"""Simulated lives reach what corrects bills, and notice a rule of money that is wrong."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from activities import declarations
from activities.declarations import ActionRequest
from billing.invoicing import corrections
from billing.invoicing.corrections import (
    Forgiven,
    PeriodCorrection,
    correct_period,
)
from tests.workflows.simulated import customers, facts, late_arrivals
from tests.workflows.simulated.books import Books
from tests.workflows.simulated.customers import Deed, cancel_now, change_plan
from tests.workflows.simulated.facts import BilledPeriod
from tests.workflows.simulated.fates import NO_FAULTS, START
from tests.workflows.simulated.flaws import finds_a_flaw
from tests.workflows.simulated.late_arrivals import Document, LateArrivals, items_at
from tests.workflows.simulated.prices import CALLS, Item
from tests.workflows.simulated.simulator import Simulation

PLAN, CHARGE = 0, 1
"""Places in what a document corrects."""

forgive = Forgiven.forgive
void, bill, settle = LateArrivals.void, LateArrivals.bill, LateArrivals.settle


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Refused activations and broken workflows are expected here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@cache
def calm_life(seed: int) -> Simulation:
    """A life without faults, as it has ended; each is lived once."""
    return Simulation(seed, NO_FAULTS).run()


def calm_lives(count: int) -> Iterator[Simulation]:
    """The first of them, each lived when it is asked for."""
    return (calm_life(seed) for seed in range(count))


def test_lives_without_faults_settle_late_usage() -> None:
    requests = (request for life in calm_lives(20) for request in life.requests)

    assert any(request[0] == "settle_late_usage" for request in requests)


def test_lives_without_faults_return_credit() -> None:
    assert any(life.books.late.returned for life in calm_lives(120))


def test_lives_without_faults_forgive_reissue_and_bill_what_was_deleted() -> None:
    assert any(life.books.late.forgiven for life in calm_lives(120))
    assert any(one.drafts > 1 for life in calm_lives(120) for one in life.books.periods)
    assert any(one.status == "unbilled" for life in calm_lives(120) for one in life.books.periods)
    assert any(is_parked_after_its_bill(life.books.effects) for life in calm_lives(120))


def test_lives_without_faults_give_bills_up_and_go_on() -> None:
    assert any(
        former.status == "skipped" and later.status == "final"
        for life in calm_lives(60)
        for former, later in pairwise(life.books.periods)
    )


def test_lives_without_faults_correct_several_charges_of_several_plans_at_once() -> None:
    def has_several(kind: int) -> bool:
        """Whether any document speaks of several plans, or of several charges."""
        return any(
            len({one[kind] for one in corrected(life, document)}) > 1
            for life in calm_lives(160)
            for document in life.books.late.documents
        )

    def corrected(life: Simulation, document: Document) -> list[tuple[int, int]]:
        return [(life.books.period(index).plan, charge) for index, charge in document.says]

    assert has_several(PLAN)
    assert has_several(CHARGE)


@pytest.mark.parametrize(
    "step", [declarations.FINALIZE_INVOICE.name, declarations.MARK_PAST_DUE.name]
)
def test_step_of_a_draft_that_was_deleted_meanwhile_does_nothing(step: str) -> None:
    books = Books(starts_at=START)
    request = ActionRequest(
        organization_id="organization",
        subscription_id="one",
        due_at=START,
        period_index=0,
        invoice_id="bill-0-1",
    )

    books.perform(step, request, now=START)

    assert books.effects == []


def test_simulator_notices_forgiven_usage_that_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(corrections, "forgive", lambda wanted, _forgiven: wanted)

    assert finds_a_flaw(most=400)


def test_simulator_notices_void_bill_that_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def said_by_all(self: LateArrivals, item: Item) -> int:
        return sum(one.says[item] for one in self.documents)

    monkeypatch.setattr(LateArrivals, "said", said_by_all)

    assert finds_a_flaw(most=200)


def forgive_all_of_it(self: Forgiven, wanted: Decimal) -> Decimal:
    return wanted - self.amount


def forgive_only_what_was_billed(self: Forgiven, wanted: Decimal) -> Decimal:
    return forgive(self, wanted) if self.amount > 0 else wanted


def forgive_the_last_alone(wanted: Decimal, forgiven: Sequence[Forgiven]) -> Decimal:
    return forgiven[-1].forgive(wanted) if forgiven else wanted


def settle_again_what_is_forgiven(self: LateArrivals, document: Document, **_: bool) -> None:
    void(self, document, settles_again=True)


def forgive_whatever_is_void(self: LateArrivals, document: Document, **_: bool) -> None:
    void(self, document, settles_again=False)


def keep_what_a_void_bill_took(
    self: LateArrivals, document: Document, *, settles_again: bool
) -> None:
    credit = self.credit
    void(self, document, settles_again=settles_again)
    self.credit = credit


def bill_as_before(
    self: LateArrivals, period: BilledPeriod, periods: Sequence[BilledPeriod]
) -> None:
    before = [one for one in self.documents if one.bills == period.index]
    bill(self, period, periods)
    if before:
        for item in items_at(period.index):
            self.documents[-1].says[item] = before[-1].says[item]


def bill_alone(self: LateArrivals, period: BilledPeriod, _periods: Sequence[BilledPeriod]) -> None:
    bill(self, period, ())


def settle_twice(self: LateArrivals, periods: Sequence[BilledPeriod]) -> bool:
    missing = self.missing_of(self.changed(periods))
    has_settled = settle(self, periods)
    if has_settled:
        self._post(missing)
    return has_settled


def give_back_beyond_the_bill(self: LateArrivals, index: int) -> bool:
    self.notes[index, CALLS] += 1
    return True


@pytest.mark.parametrize(
    ("target", "name", "flaw", "first"),
    [
        (Forgiven, "forgive", forgive_all_of_it, 69),
        (Forgiven, "forgive", forgive_only_what_was_billed, 77),
        (corrections, "forgive", forgive_the_last_alone, 0),
        (LateArrivals, "void", settle_again_what_is_forgiven, 0),
        (LateArrivals, "void", forgive_whatever_is_void, 30),
        (LateArrivals, "void", keep_what_a_void_bill_took, 33),
        (LateArrivals, "bill", bill_as_before, 0),
        (LateArrivals, "bill", bill_alone, 0),
        (LateArrivals, "settle", settle_twice, 0),
        (LateArrivals, "give_back", give_back_beyond_the_bill, 0),
    ],
)
def test_simulator_notices_wrong_rule_of_money(
    monkeypatch: pytest.MonkeyPatch, target: Any, name: str, flaw: Any, first: int
) -> None:
    """What is rare is looked for from a life on that once showed it."""
    monkeypatch.setattr(target, name, flaw)

    assert finds_a_flaw(first, most=150)


def correct_one_charge_alone(*question: Any) -> PeriodCorrection:
    whole = correct_period(*question)
    return replace(whole, charges=whole.charges[:1])


def test_simulator_notices_charges_that_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_arrivals, "correct_period", correct_one_charge_alone)

    assert finds_a_flaw(most=400)


def test_simulator_notices_period_on_the_plan_that_comes_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facts, "plan_in_force", lambda moves, _at: moves[-1][1] if moves else 1)

    assert finds_a_flaw()


@pytest.mark.parametrize(
    ("name", "deed", "first"), [("change_plan", change_plan, 0), ("cancel_now", cancel_now, 35)]
)
def test_simulator_notices_change_that_drops_what_is_late(
    monkeypatch: pytest.MonkeyPatch, name: str, deed: Deed, first: int
) -> None:
    def drop_what_is_late(books: Books, at: datetime) -> bool:
        late = books.late.missing_of(books.late.changed(books.periods))
        has_changed = deed(books, at)
        if has_changed and late:
            paid_by_nobody = Document(says=late, granted=sum(late.values()))
            books.late.documents.append(paid_by_nobody)
        return has_changed

    monkeypatch.setattr(customers, name, drop_what_is_late)

    assert finds_a_flaw(first, most=150)


def test_simulator_notices_credit_that_is_granted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def keep_granted(self: LateArrivals, says: Counter[Item], bills: int | None = None) -> None:
        credit = self.credit
        original(self, says, bills)
        self.credit = max(credit, self.credit)

    original = LateArrivals._post
    monkeypatch.setattr(LateArrivals, "_post", keep_granted)

    assert finds_a_flaw(most=400)


def test_simulator_notices_workflow_that_forgets_late_usage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def settle_nothing(_self: Any, _periods: Any) -> bool:
        return False

    monkeypatch.setattr(LateArrivals, "settle", settle_nothing)

    assert finds_a_flaw(first=4)


def is_parked_after_its_bill(effects: list[tuple[str, int | None]]) -> bool:
    """Whether a settlement was set aside: nothing else stops a period that has its bill."""
    billed = {
        index: place for place, (step, index) in enumerate(effects) if step == "finalize_invoice"
    }
    return any(
        step == "park_bill" and index in billed and billed[index] < place
        for place, (step, index) in enumerate(effects)
    )
