"""Those who were served together come to their next step together, however far apart they are."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from activities import closing as closing_activities
from activities import declarations, group_commit
from activities.closing import ClosingActivities
from activities.declarations import ActionRequest
from activities.turns import Turns
from billing.subscriptions import Action, WorkflowState
from tests.activities.closes import START, roll_up, sell_simple, subscribe
from tests.activities.running import CountedTransactions
from tests.services.shop import open_shop

ENDED = START.replace(month=2) + timedelta(seconds=5)
BILL = (*declarations.BILL_STEPS, declarations.ISSUE_INVOICE)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, nobody is given up."""
    monkeypatch.setattr(group_commit, "COMING_SECONDS", 3600.0)
    turns = partial(Turns, joined_seconds=3600.0, patient_seconds=3600.0)
    monkeypatch.setattr(closing_activities, "Turns", turns)


@pytest.mark.usefixtures("patient")
async def test_a_bill_of_a_group_waits_for_the_others_at_each_step(
    counted: CountedTransactions,
) -> None:
    shop = open_shop(counted)
    sold = sell_simple(shop, "simple")
    people = [subscribe(shop, sold) for _ in range(4)]
    roll_up(shop)
    found = [one.due(Action.CLOSE_PERIOD, ENDED) for one in people]
    due = [request for request in found if request is not None]
    closing = ClosingActivities(counted, lambda: ENDED)
    counted.opened = 0

    states = await asyncio.gather(*(close(closing, one, at) for at, one in enumerate(due)))

    assert len(due) == 4
    assert all(isinstance(one, WorkflowState) for one in states)
    assert counted.opened == len((declarations.ROLL_PERIOD, *BILL))


async def close(closing: ClosingActivities, request: ActionRequest, place: int) -> Any:
    """Every step until there is a draft; between them the later ones take longer."""
    answer: Any = await closing.roll_period(request)
    for step in BILL:
        await asyncio.sleep(5 * place * group_commit.GATHER_SECONDS)
        answer = await getattr(closing, step.name)(request)
    return answer
