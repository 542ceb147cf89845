"""A worker dies, or an answer is lost, at every step of a subscription's life: same invoices.

Every variant is a subscription of its own whose workflow waits on a queue of its own. All of them
live the same life, so all must end with the same invoices and the same story, and together they
must have drawn the invoice numbers from 1 on without a gap.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.steps.crash_lives import (
    CLOSE_STEPS,
    NOBODY,
    STEPS,
    Workers,
    check_lives,
    crashes_at,
    create_plan,
    let_workers_die,
    make_disturbed,
    make_undisturbed,
)
from tests.faults.steps.crashes import Moment, lose_the_connection
from tests.scenarios.account import Account
from tests.scenarios.product import Product, settings_for

KILLS = crashes_at(CLOSE_STEPS, tuple(Moment))
LOST_ANSWERS = crashes_at(STEPS, (Moment.AFTER, Moment.BEFORE, Moment.DURING))
"""In the ordinary suite every step, at another moment than that of its kill."""


@pytest.fixture(scope="module")
def product(module_database_url: str) -> Iterator[Product]:
    """The API alone."""
    running = Product(settings_for(module_database_url, NOBODY), with_worker=False).start()
    yield running
    running.stop()


@pytest.fixture
def workers(module_database_url: str, temporal_address: str) -> Iterator[Workers]:
    settings = settings_for(module_database_url, temporal_address)
    settings = settings.model_copy(
        update={"workflow_sandbox": False, "worker_workflow_task_slots": 4}
    )
    running = Workers(settings)
    yield running
    running.end()


def test_every_crash_ends_with_the_invoices_of_an_undisturbed_life(
    account: Account, workers: Workers
) -> None:
    plan = create_plan(account)
    undisturbed = make_undisturbed(account, plan)
    killed = make_disturbed(account, plan, "killed", KILLS)
    unanswered = make_disturbed(account, plan, "answer lost", LOST_ANSWERS)
    variants = [*undisturbed, *killed, *unanswered]

    let_workers_die(killed, workers.settings, lambda: workers.wake_all(account, variants))
    workers.serve([*undisturbed, *killed])
    workers.serve(unanswered, harm=lose_the_connection)

    check_lives(account, variants)
    assert workers.struck == len(unanswered)
