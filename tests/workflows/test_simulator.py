"""Whatever fails and whenever, every period is billed once, in order, and no workflow gets stuck.

``make simulate SEEDS=500`` tries more lives. A seed that once failed is kept in ``REGRESSIONS``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from temporalio import workflow

from activities.declarations import READ_AGENDA, ActionRequest, Step
from billing.subscriptions import AgendaEntry, WorkflowState
from tests.workflows.simulate import try_seed
from tests.workflows.simulated.fates import NO_FAULTS
from tests.workflows.simulated.flaws import finds_a_flaw
from tests.workflows.simulated.simulator import Simulation
from workflows.steps import take_step
from workflows.subscription import SubscriptionInput, SubscriptionWorkflow

SEEDS_A_TEST = 10

SEED_OF_A_YEAR = 7

REGRESSIONS: tuple[int, ...] = (867, 1154, 2190, 5117, 12306, 20239, 400853, 401849)
SEEDS = (*range(30), *REGRESSIONS)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Refused activations and broken workflows are expected here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("first", range(0, len(SEEDS), SEEDS_A_TEST))
def test_faults_change_nothing_of_what_is_billed(first: int) -> None:
    verdicts = [try_seed(seed) for seed in SEEDS[first : first + SEEDS_A_TEST]]

    assert [(one.seed, one.failure) for one in verdicts if one.failure] == []


def test_seed_decides_everything() -> None:
    first, second = Simulation(4).run(), Simulation(4).run()

    assert first.requests == second.requests
    assert first.books == second.books


def test_life_without_faults_performs_every_action_once() -> None:
    asked = [
        request
        for request in Simulation(SEED_OF_A_YEAR, NO_FAULTS).run().requests
        if request[0]
        not in ("read_agenda", "record_progress", "settle_late_usage", "return_credit")
    ]

    assert len(asked) == len(set(asked)) > 10


def test_simulator_notices_workflow_that_ignores_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read_only_once(self: Any) -> WorkflowState:
        self._facts_changed = False
        if self._state is None:
            self._state = await take_step(READ_AGENDA, self._reference, "")
        state: WorkflowState = self._state
        return state

    monkeypatch.setattr(SubscriptionWorkflow, "_present_state", read_only_once)

    assert finds_a_flaw()


def test_simulator_notices_workflow_that_sleeps_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep_a_day_more(self: Any, state: WorkflowState) -> None:
        first, *others = state.agenda or (None,)
        later = replace(first, due_at=first.due_at + timedelta(days=1)) if first else None
        await original(self, replace(state, agenda=(later, *others) if later else ()))

    original = SubscriptionWorkflow._wait_for_next
    monkeypatch.setattr(SubscriptionWorkflow, "_wait_for_next", sleep_a_day_more)

    assert finds_a_flaw()


def test_simulator_notices_agenda_worked_off_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    def latest_first(_self: Any, state: WorkflowState) -> AgendaEntry | None:
        present = state.clock_at or workflow.now()
        due = [entry for entry in state.agenda if entry.due_at <= present]
        return due[-1] if due else None

    monkeypatch.setattr(SubscriptionWorkflow, "_due_entry", latest_first)

    assert finds_a_flaw()


def test_simulator_notices_message_lost_in_continue_as_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def carry_stale_state(self: Any, _request: SubscriptionInput) -> None:
        self._facts_changed = False
        await original(self, _request)

    original = SubscriptionWorkflow._continue_as_new
    monkeypatch.setattr(SubscriptionWorkflow, "_continue_as_new", carry_stale_state)

    assert finds_a_flaw(first=31)


def test_simulator_notices_workflow_that_is_not_deterministic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = count()

    async def number_summaries(
        self: Any, step: Step[ActionRequest, WorkflowState], request: ActionRequest
    ) -> WorkflowState:
        summary = f"Call {next(numbers)}"
        state: WorkflowState = await self._step(step, request, summary)
        return state

    monkeypatch.setattr(SubscriptionWorkflow, "_step_or_park", number_summaries)

    assert finds_a_flaw()


def test_simulator_notices_workflow_that_fails_on_a_broken_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def give_up(_self: Any, _step: str, _request: ActionRequest, error: Exception) -> None:
        raise error

    monkeypatch.setattr(SubscriptionWorkflow, "_park", give_up)

    assert finds_a_flaw()
