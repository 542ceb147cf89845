"""Every step is one transaction, keyed by what it is about, and a repeat of it changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from activities import declarations
from activities.declarations import (
    ParkRequest,
    ProgressRequest,
    SubscriptionReference,
)
from billing.subscriptions import Action, AgendaEntry, WorkflowState
from repositories.invoicing import steps as stored_steps
from repositories.transactions import Transactions
from services.lifecycle.changes import pause_subscription
from tests.activities.running import (
    CountedTransactions,
    Steps,
    every_row,
    next_request,
    request_of,
    steps_of,
)
from tests.services.lives import START, Life, begin_life
from tests.services.shop import NOW, open_shop

FIFTEENTH = datetime(2025, 1, 15, tzinfo=UTC)
FEBRUARY, APRIL = datetime(2025, 2, 1, 2, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)


async def walk(steps: Steps, life: Life, to: datetime) -> list[Action]:
    """What is due up to an instant is done, each step twice; the repeats change nothing."""
    life.send_clock(to)
    done: list[Action] = []
    while (entry := life.state().agenda[0]).due_at <= to:
        await take_twice(steps, life, entry)
        done.append(entry.action)
    return done


async def take_twice(steps: Steps, life: Life, entry: AgendaEntry) -> None:
    request = request_of(life, entry)
    for step in steps_of(entry.action):
        first = await steps.run(step, request)
        rows = every_row(life.shop)
        again = await steps.run(step, request, attempt=2, run="b")
        assert again == first, step.name
        assert every_row(life.shop) == rows, step.name


async def test_repeat_of_a_step_of_a_close_gives_the_same_and_changes_nothing(
    steps: Steps, transactions: Transactions
) -> None:
    life = begin_life(open_shop(transactions))
    life.use(FIFTEENTH, 7)

    done = await walk(steps, life, APRIL)

    assert set(done) == {
        Action.CLOSE_PERIOD,
        Action.BILL_PERIOD,
        Action.FINALIZE_INVOICE,
        Action.PAYMENT_DUE,
    }
    assert life.invoices()[0].total == 7


async def test_repeat_of_the_end_of_a_trial_changes_nothing(
    steps: Steps, transactions: Transactions
) -> None:
    shop = open_shop(transactions)
    life = begin_life(shop, has_own_trial=True, trial_end_date=FIFTEENTH)

    assert await walk(steps, life, FIFTEENTH) == [Action.END_TRIAL]
    assert life.state().status == "ACTIVE"


async def test_repeat_of_the_end_of_a_pause_changes_nothing(
    steps: Steps, transactions: Transactions
) -> None:
    life = begin_life(open_shop(transactions))
    life.do(pause_subscription, resume_at=FIFTEENTH, now=NOW)

    assert await walk(steps, life, FIFTEENTH) == [Action.RESUME]
    assert life.state().status == "ACTIVE"


async def test_every_step_is_one_transaction(
    steps: Steps, life: Life, counted: CountedTransactions
) -> None:
    reference = SubscriptionReference(
        organization_id=str(life.shop.organization_id), subscription_id=str(life.subscription_id)
    )
    close, *_ = life.state().agenda
    await steps.run(declarations.ROLL_PERIOD, request_of(life, close))
    request = next_request(life)
    opened = []

    for step in steps_of(Action.BILL_PERIOD):
        counted.opened = 0
        await steps.run(step, request)
        opened.append(counted.opened)
    counted.opened = 0
    await steps.run(declarations.READ_AGENDA, reference)

    assert [*opened, counted.opened] == [1] * 6


async def test_steps_hand_on_digests_and_counts_and_no_amounts(steps: Steps, life: Life) -> None:
    await steps.run(declarations.ROLL_PERIOD, next_request(life))
    request = next_request(life)

    done = [await steps.run(step, request) for step in declarations.BILL_STEPS]
    state = await steps.run(declarations.ISSUE_INVOICE, request)

    assert [one.summary for one in done] == [
        "1 windows of usage",
        "1 measured charges",
        "1 priced lines",
        "1 lines within limits",
    ]
    assert isinstance(state, WorkflowState)
    assert "7.00" not in repr(state)


async def test_another_revision_is_another_bill(steps: Steps, life: Life) -> None:
    await steps.run(declarations.ROLL_PERIOD, next_request(life))
    request = next_request(life)
    first = await steps.run(declarations.QUERY_USAGE, request)
    life.use(FIFTEENTH, 5)

    same = await steps.run(declarations.QUERY_USAGE, request)
    second = await steps.run(declarations.QUERY_USAGE, replace(request, revision=2))

    assert same == first
    assert second.digest != first.digest
    assert [frozen(life, revision) for revision in (1, 2)] == [first.digest, second.digest]


def frozen(life: Life, revision: int) -> str:
    """The digest of what the step left behind for a revision."""
    organization_id = life.shop.organization_id
    with life.shop.transactions.for_organization(organization_id) as session:
        bill = (organization_id, life.subscription_id, 0, revision)
        [runs] = stored_steps.list_runs(session, [bill])
    return runs["usage"].digest


async def test_parked_bill_keeps_its_first_reason(steps: Steps, life: Life) -> None:
    entry = life.state().agenda[0]
    park = ParkRequest(
        organization_id=str(life.shop.organization_id),
        subscription_id=str(life.subscription_id),
        due_at=entry.due_at,
        period_index=0,
        invoice_id=None,
        step="roll_period",
        reason="a broken rule",
    )

    first = await steps.run(declarations.PARK_BILL, park)
    rows = every_row(life.shop)
    again = await steps.run(declarations.PARK_BILL, replace(park, reason="another rule"), attempt=2)

    assert again == first
    assert every_row(life.shop) == rows
    assert life.period(0).parked_reason == "a broken rule"


async def test_progress_is_never_taken_back_nor_told_before_its_time(
    steps: Steps, life: Life
) -> None:
    reached = ProgressRequest(
        organization_id=str(life.shop.organization_id),
        subscription_id=str(life.subscription_id),
        through=FIFTEENTH,
    )

    await steps.run(declarations.RECORD_PROGRESS, reached)
    rows = every_row(life.shop)
    await steps.run(declarations.RECORD_PROGRESS, reached, attempt=2)
    await steps.run(declarations.RECORD_PROGRESS, replace(reached, through=START))
    # January is still to be closed.
    await steps.run(declarations.RECORD_PROGRESS, replace(reached, through=FEBRUARY))

    assert every_row(life.shop) == rows
    assert life.row().completed_through == FIFTEENTH


async def test_agenda_is_read_and_nothing_written(steps: Steps, life: Life) -> None:
    reference = SubscriptionReference(
        organization_id=str(life.shop.organization_id), subscription_id=str(life.subscription_id)
    )
    before = every_row(life.shop)

    state = await steps.run(declarations.READ_AGENDA, reference)

    assert [one.action for one in state.agenda] == [Action.CLOSE_PERIOD]
    assert every_row(life.shop) == before
