"""Simulated lives spend credit that ends inside periods and is topped up, or not; flaws show."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from billing.credits.grants import Grant
from billing.credits.recurring import Occurrence, Recurrence
from billing.credits.top_ups import TopUpStatus, TopUpTerms
from tests.workflows.simulate import try_seed
from tests.workflows.simulated.credit import prepaid, top_ups
from tests.workflows.simulated.credit.prepaid import Prepaid
from tests.workflows.simulated.credit.top_ups import TopUps, Try
from tests.workflows.simulated.fates import NO_FAULTS
from tests.workflows.simulated.flaws import finds_a_flaw
from tests.workflows.simulated.late_arrivals import Document
from tests.workflows.simulated.passing_time import SEEDS_FOR_CREDIT
from tests.workflows.simulated.simulator import Simulation

due, amount_for, give_back, settle = (
    Recurrence.due,
    TopUpTerms.amount_for,
    Prepaid.give_back,
    TopUps._settle,
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Refused activations and broken workflows are expected here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@cache
def calm_lives() -> list[Simulation]:
    """Lives with credit and without faults, as they have ended."""
    return [Simulation(seed, NO_FAULTS).run() for seed in range(0, 160, SEEDS_FOR_CREDIT)]


def tries() -> list[Try]:
    """Every top-up that was tried in them."""
    return [one for life in calm_lives() for one in life.books.late.prepaid.top_ups.tries]


@pytest.mark.parametrize("first", range(30, 150, 40))
def test_faults_change_nothing_of_what_is_billed(first: int) -> None:
    seeds = [seed for seed in range(first, first + 40) if seed % SEEDS_FOR_CREDIT == 0]

    verdicts = [try_seed(seed) for seed in seeds]

    assert [(one.seed, one.failure) for one in verdicts if one.failure] == []


def test_bills_draw_on_grants_that_ended_inside_their_period() -> None:
    def draws_on_what_ended(life: Simulation, document: Document) -> bool:
        ends = {one.grant_id: one.expires_at for one in life.books.late.prepaid.grants}
        if document.bills is None:
            return False
        period = life.books.period(document.bills)
        return any(
            (at := ends[grant_id]) is not None and period.starts_at < at < period.ends_at
            for grant_id in document.draws
        )

    assert any(
        draws_on_what_ended(life, document)
        for life in calm_lives()
        for document in life.books.late.documents
    )


def test_void_bills_give_back_to_grants_that_are_over_and_to_others() -> None:
    assert any(life.books.late.prepaid.fallen for life in calm_lives())
    assert any(
        one.is_void and one.draws for life in calm_lives() for one in life.books.late.documents
    )


def test_top_ups_are_paid_declined_and_never_answered() -> None:
    assert {one.status for one in tries()} == set(TopUpStatus)
    assert any(not life.books.late.prepaid.top_ups.is_on for life in calm_lives())
    assert any(not one.goes_on for one in tries())


def is_alive_for_ever(self: Grant, at: datetime) -> bool:
    return self.effective_at <= at


def grant_the_newest_alone(self: Recurrence, first: int, at: datetime) -> Iterator[Occurrence]:
    yield from list(due(self, first, at))[-1:]


def grant_as_it_is_noticed(self: Recurrence, first: int, at: datetime) -> Iterator[Occurrence]:
    return (replace(one, begins_at=min(at, one.expires_at or at)) for one in due(self, first, at))


def buy_whatever_was_tried(self: TopUpTerms, available: Decimal, *, left: Decimal) -> Decimal:
    return amount_for(self, available, left=left + 1000)


def try_again_in_an_hour(declined_at: datetime, **_: int) -> datetime:
    return declined_at + timedelta(hours=1)


def give_all_of_it_back(self: Prepaid, document: Document) -> None:
    fallen = dict(self.fallen)
    give_back(self, document)
    for grant_id, amount in self.fallen.items():
        self.rests[grant_id] += amount - fallen.get(grant_id, Decimal(0))
    self.fallen.clear()
    self.fallen.update(fallen)


def grant_each_answer(
    self: TopUps, one: Try, prepaid: Prepaid, at: datetime, *, is_paid: bool
) -> None:
    if is_paid and one.status is TopUpStatus.SUCCEEDED:
        prepaid.grant(int(one.amount), at, None, is_sold=True)
    settle(self, one, prepaid, at, is_paid=is_paid)


@pytest.mark.parametrize(
    ("target", "name", "flaw"),
    [
        (Grant, "is_alive", is_alive_for_ever),
        (Recurrence, "due", grant_the_newest_alone),
        (Recurrence, "due", grant_as_it_is_noticed),
        (prepaid, "cut_instants", lambda _span, _grants: ()),
        (TopUpTerms, "amount_for", buy_whatever_was_tried),
        (top_ups, "next_try_at", try_again_in_an_hour),
        (Prepaid, "give_back", give_all_of_it_back),
        (TopUps, "_settle", grant_each_answer),
    ],
)
def test_simulator_notices_wrong_rule_of_credit(
    monkeypatch: pytest.MonkeyPatch, target: Any, name: str, flaw: Any
) -> None:
    monkeypatch.setattr(target, name, flaw)

    assert finds_a_flaw(most=600, step=SEEDS_FOR_CREDIT)
