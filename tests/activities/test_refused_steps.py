"""What ends a step, what is tried again, and that nothing is left of either."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest
from temporalio.exceptions import ApplicationError

from activities import declarations
from activities.declarations import ActionRequest, Step, SubscriptionReference
from billing.errors import Unavailable
from billing.subscriptions import Action
from models.base import new_id
from repositories.transactions import Transactions
from tests.activities.running import CountedTransactions, Steps, every_row, next_request
from tests.services.lives import Life
from tests.services.shop import open_shop


async def test_subscription_of_another_organization_is_not_found(
    steps: Steps, life: Life, transactions: Transactions
) -> None:
    stranger = replace(
        next_request(life), organization_id=str(open_shop(transactions).organization_id)
    )
    before = every_row(life.shop)

    refused: tuple[tuple[Step[ActionRequest, Any], str], ...] = (
        (declarations.ROLL_PERIOD, "subscription_not_found"),
        (declarations.QUERY_USAGE, "period_not_found"),
        (declarations.END_TRIAL, "subscription_not_found"),
    )
    for step, code in refused:
        with pytest.raises(ApplicationError) as caught:
            await steps.run(step, stranger)
        assert caught.value.type == code, step.name
        assert caught.value.non_retryable

    assert every_row(life.shop) == before


@pytest.mark.parametrize(
    ("step", "lacks"),
    [
        (declarations.ROLL_PERIOD, "period_index"),
        (declarations.ISSUE_INVOICE, "period_index"),
        (declarations.FINALIZE_INVOICE, "invoice_id"),
        (declarations.MARK_PAST_DUE, "invoice_id"),
    ],
    ids=lambda one: getattr(one, "name", one),
)
async def test_request_that_names_too_little_ends_its_step(
    steps: Steps, life: Life, step: Step[ActionRequest, Any], lacks: str
) -> None:
    nothing: dict[str, Any] = {lacks: None}

    with pytest.raises(ApplicationError) as caught:
        await steps.run(step, replace(next_request(life), **nothing))

    assert (caught.value.type, caught.value.non_retryable) == ("invariant_broken", True)


async def test_step_out_of_turn_is_refused_and_nothing_of_it_is_stored(
    steps: Steps, life: Life
) -> None:
    await steps.run(declarations.ROLL_PERIOD, next_request(life))
    before = every_row(life.shop)

    with pytest.raises(ApplicationError) as caught:
        await steps.run(declarations.PRICE_USAGE, next_request(life))

    assert caught.value.non_retryable
    assert every_row(life.shop) == before


@pytest.mark.parametrize(
    "refusal",
    [psycopg.OperationalError("the server is away"), Unavailable("A lock was not to be had.")],
    ids=lambda one: type(one).__name__,
)
async def test_what_may_heal_passes_as_it_is_and_is_tried_again(
    steps: Steps, life: Life, counted: CountedTransactions, refusal: Exception
) -> None:
    request = next_request(life)
    counted.refusal = refusal

    with pytest.raises(type(refusal)):
        await steps.run(declarations.ROLL_PERIOD, request)

    counted.refusal = None
    state = await steps.run(declarations.ROLL_PERIOD, request, attempt=2)
    assert state.agenda[0].action is Action.BILL_PERIOD


async def test_unknown_subscription_ends_the_reading(steps: Steps, life: Life) -> None:
    reference = SubscriptionReference(
        organization_id=str(life.shop.organization_id), subscription_id=str(new_id())
    )

    with pytest.raises(ApplicationError) as caught:
        await steps.run(declarations.READ_AGENDA, reference)

    assert (caught.value.type, caught.value.non_retryable) == ("subscription_not_found", True)
