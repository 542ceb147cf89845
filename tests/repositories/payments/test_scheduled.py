"""When something happens next to an open invoice: the statement says what the rule says."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from billing.payments.dunning import CollectionFacts, Dunning, PendingAttempt, entries_of
from repositories.payments.scheduled import NEXT_AT
from repositories.transactions import Transactions

NEXT_OF_FACTS = text(
    f"""
    SELECT {NEXT_AT} FROM (
        SELECT CAST(:pending_at AS timestamptz) AS pending_at, CAST(:is_due AS boolean) AS is_due,
            CAST(:has_gateway AS boolean) AS has_gateway,
            CAST(:sends_mails AS boolean) AS auto_email,
            CAST(:opened_at AS timestamptz) AS opened_at, CAST(:due_at AS timestamptz) AS due_date,
            jsonb_build_object('retry_days', to_jsonb(CAST(:retry_days AS integer[]))) AS dunning,
            CAST(:reminder_days AS integer[]) AS reminder_days,
            CAST(:first_failed_at AS timestamptz) AS first_at,
            CAST(:page_failed_at AS timestamptz) AS page_failed_at,
            CAST(:charged_through AS timestamptz) AS charged_through,
            CAST(:reminded_through AS timestamptz) AS reminded_through,
            CAST(:exhausted_at AS timestamptz) AS exhausted_at
    ) AS facts
    """
)

# Days over the end of March, when clocks are changed in Europe.
instants = st.builds(
    lambda days, seconds: datetime(2026, 3, 20, tzinfo=UTC) + timedelta(days, seconds),
    st.integers(0, 20),
    st.sampled_from([0, 1, 3600]),
)
perhaps = st.none() | instants
days_of = st.lists(st.integers(1, 12), unique=True, max_size=4).map(
    lambda days: tuple(sorted(days))
)
collections = st.builds(
    CollectionFacts,
    is_due=st.booleans(),
    opened_at=instants,
    due_at=instants,
    has_gateway=st.booleans(),
    sends_mails=st.booleans(),
    dunning=st.builds(Dunning, retry_days=days_of),
    reminder_days=days_of.map(lambda days: tuple(day - 6 for day in days)),
    pending=st.none() | st.builds(PendingAttempt, payment_id=st.just("1"), at=instants),
    first_failed_at=perhaps,
    page_failed_at=perhaps,
    charged_through=perhaps,
    reminded_through=perhaps,
    exhausted_at=perhaps,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=collections)
def test_next_instant_of_the_statement_is_that_of_the_schedule(
    transactions: Transactions, facts: CollectionFacts
) -> None:
    pending = facts.pending
    keys = asdict(facts) | {
        "pending_at": None if pending is None else pending.at,
        "retry_days": list(facts.dunning.retry_days),
        "reminder_days": list(facts.reminder_days),
    }
    del keys["pending"], keys["dunning"]

    with transactions.for_organizations([]) as session:
        session.execute(text("SET LOCAL TIME ZONE 'Europe/Berlin'"))
        found = session.execute(NEXT_OF_FACTS, keys).scalar_one()

    assert found == next((entry.due_at for entry in entries_of(facts)), None)
