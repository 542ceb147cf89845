"""P19: a close of a customer with many grants, against one of a customer without any.

    python -m benchmarks credit_closes

Groups of bills go through all steps of a close as a worker does them, without Temporal, so that
nothing hides the difference. Rounds alternate after a warm-up, median of three. A bill of about
fifteen dollars in three lines is paid by the first two of fifty grants. What is compared is the
time of processors, of this process and of PostgreSQL, which other work on the machine does not add
to.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from time import process_time
from typing import Final

import psycopg

from activities import declarations
from activities.declarations import ActionRequest, Result, Step
from activities.group_commit import MOST_TOGETHER
from activities.subscriptions import SubscriptionActivities
from benchmarks.figures import Result as Figure
from benchmarks.figures import figure
from benchmarks.servers import make_database, running_postgres
from benchmarks.wave_subscriptions import make_subscriptions
from benchmarks.waves import cpu_of
from billing.periods import Anchor, Cadence, Interval, period
from billing.subscriptions import Action, AgendaEntry, WorkflowState
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.embedded.engines import EmbeddedPostgres
from services.operations.outbox import WakeMessage

BILLS: Final = int(os.environ.get("BENCHMARK_CREDIT_CLOSES", "200"))
ROUNDS: Final = 3
GRANTS: Final = 50
GOAL_RATIO: Final = 1.3

GIVE: Final = """
    INSERT INTO credit_unit (organization_id, code, name, scale, tax, created_at)
    SELECT id, 'USD', 'USD', 2, 'at_use', now() FROM organization WHERE id = %(organization)s;
    INSERT INTO wallet (organization_id, customer_id, unit)
    SELECT organization_id, id, 'USD' FROM customer WHERE organization_id = %(organization)s;
    INSERT INTO credit_grant (
        organization_id, id, customer_id, unit, sequence, amount, kind, priority, effective_at,
        cost_amount, spendable, created_at
    )
    SELECT organization_id, gen_random_uuid(), id, 'USD', number, 10, 'free', 50, %(at)s, 0,
        'at_once', now()
    FROM customer CROSS JOIN generate_series(1, %(grants)s) AS number
    WHERE organization_id = %(organization)s;
    INSERT INTO credit_posting (
        organization_id, grant_id, sequence, id, customer_id, unit, position, key, kind,
        grant_amount, amount, rest_before, rest_after, balance_after, at, booked_at
    )
    SELECT organization_id, id, 1, gen_random_uuid(), customer_id, unit, sequence, 'grant/' || id,
        'granted', amount, amount, 0, amount, amount * sequence, effective_at, now()
    FROM credit_grant WHERE organization_id = %(organization)s;
    ANALYZE credit_unit, wallet, credit_grant, credit_posting;
"""


def measure() -> list[Figure]:
    """How much more a close costs where there are grants."""
    with running_postgres() as server:
        database_url = make_database(server)
        close = partial(close_all, server, database_url)
        close(grants=0)
        close(grants=GRANTS)
        rounds = [(close(grants=0), close(grants=GRANTS)) for _ in range(ROUNDS)]
    without = median(one for one, _ in rounds)
    ratio = median(one / other for other, one in rounds)
    return [
        figure(
            "P19",
            f"CPU of a close of a customer with {GRANTS} grants, of which two pay, all steps"
            " without Temporal",
            value=1000 * median(one for _, one in rounds) / BILLS,
            unit="ms",
            limit=1000 * without / BILLS,
            ratio=ratio,
            goal=f"<= {GOAL_RATIO} of one without",
            met=ratio <= GOAL_RATIO,
        )
    ]


def close_all(server: EmbeddedPostgres, database_url: str, *, grants: int) -> float:
    """The seconds of processors that all bills of a new organization take."""
    begins_at = (datetime.now(UTC) - timedelta(days=40)).replace(microsecond=0)
    messages = make_subscriptions(database_url, begins_at, BILLS)
    if grants:
        give(database_url, messages[0], begins_at - timedelta(days=1), grants)
    engine = create_application_engine(database_url)
    activities = SubscriptionActivities(Transactions(engine), lambda: datetime.now(UTC))
    due_at = period(Anchor(starts_at=begins_at), Cadence(interval=Interval.MONTH), 0).ends_at
    began = process_time() + cpu_of(server.pids)
    for place in range(0, BILLS, MOST_TOGETHER):
        close_group(activities, messages[place : place + MOST_TOGETHER], due_at)
    seconds = process_time() + cpu_of(server.pids) - began
    engine.dispose()
    require_drawn(database_url, messages[0], grants)
    return seconds


def give(database_url: str, message: WakeMessage, at: datetime, grants: int) -> None:
    """Every customer has so many grants of ten dollars."""
    values = {"organization": message.organization_id, "at": at, "grants": grants}
    with (
        psycopg.connect(database_url, autocommit=True) as connection,
        psycopg.ClientCursor(connection) as cursor,
    ):
        cursor.execute(GIVE, values)


def close_group(
    activities: SubscriptionActivities, messages: Sequence[WakeMessage], due_at: datetime
) -> None:
    """A group of periods ends, is billed, and its bills become final."""
    requests = [
        request_of(one, AgendaEntry(due_at=due_at, action=Action.BILL_PERIOD, period_index=0))
        for one in messages
    ]
    perform(activities, declarations.ROLL_PERIOD, requests)
    for step in declarations.BILL_STEPS:
        perform(activities, step, requests)
    states = perform(activities, declarations.ISSUE_INVOICE, requests)
    requests = [
        request_of(one, finalizing(state)) for one, state in zip(messages, states, strict=True)
    ]
    perform(activities, declarations.FINALIZE_INVOICE, requests)


def perform(
    activities: SubscriptionActivities,
    step: Step[ActionRequest, Result],
    requests: Sequence[ActionRequest],
) -> list[Result]:
    """What a step answers; a figure counts only if nothing goes wrong."""
    answers = activities.closing.perform(step, requests)
    wrong = [one for one in answers if isinstance(one, Exception)]
    if wrong:
        raise SystemExit(f"{step.name}: {wrong[0]!r}")
    return [one for one in answers if not isinstance(one, Exception)]


def request_of(message: WakeMessage, entry: AgendaEntry) -> ActionRequest:
    """What a workflow asks for an entry of its agenda."""
    return ActionRequest(
        organization_id=str(message.organization_id),
        subscription_id=str(message.subscription_id),
        due_at=entry.due_at,
        period_index=entry.period_index,
        invoice_id=entry.invoice_id,
    )


def finalizing(state: WorkflowState) -> AgendaEntry:
    """The entry by which the drafted bill becomes final."""
    [entry] = [one for one in state.agenda if one.action is Action.FINALIZE_INVOICE]
    return entry


def require_drawn(database_url: str, message: WakeMessage, grants: int) -> None:
    """Every bill is final, and was paid by credit if there was some."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            """
            SELECT count(*), count(*) FILTER (WHERE EXISTS (
                SELECT FROM invoice_draw AS draw
                WHERE draw.organization_id = invoice.organization_id
                    AND draw.invoice_id = invoice.id
            ))
            FROM invoice WHERE organization_id = %s AND status IN ('OPEN', 'PAID')
            """,
            [message.organization_id],
        ).fetchone()
    assert found == (BILLS, BILLS if grants else 0), found


if __name__ == "__main__":
    for one in measure():
        print(one)
