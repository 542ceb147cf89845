"""What workflows of subscriptions must know besides their rows, in one statement of bounded cost.

A workflow asks after every action, so this is read more often than anything else of a close. It
reads the beginning of what `billing.subscriptions.agenda_of` defines as left to do, by indexes that
hold nothing else: the cost does not grow with invoices, open ones included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from billing.subscriptions import MOST_COUNTED, NEXT_ENTRIES, WaitingCounts
from models.subscriptions.states import UNFINISHED
from models.subscriptions.subscriptions import Subscription
from repositories.asynchronous.prefetched import prefetchable

SHOWN_PARKED, LONGEST_REASON = 5, 300
"""How many parked bills a workflow shows, and how much of each reason."""

PERIODS = """
    FROM subscription_period AS period
    WHERE period.organization_id = asked.organization_id
        AND period.subscription_id = asked.subscription_id AND period.status ="""
OPEN, CLOSED, PARKED = (f"{PERIODS} '{status}'" for status in UNFINISHED)

BILLS = """
    FROM invoice AS bill
    WHERE bill.organization_id = asked.organization_id
        AND bill.subscription_id = asked.subscription_id
        AND NOT EXISTS (
            -- A parked bill waits for people; what was invoiced before it does not.
            SELECT FROM subscription_period AS own
            WHERE own.organization_id = asked.organization_id
                AND own.subscription_id = asked.subscription_id
                AND own.index = bill.period_index AND own.status = 'parked'
                AND bill.kind = 'period'
        )
        AND bill.status ="""
IN_GRACE = f"{BILLS} 'DRAFT' AND bill.scheduled_finalize_at IS NOT NULL"
UNPAID = f"{BILLS} 'OPEN' AND bill.past_due_at IS NULL"


def _count(rows: str) -> str:
    # Made of the constants above, as the statement is.
    return f"(SELECT count(*) FROM (SELECT {rows} LIMIT {MOST_COUNTED}) AS counted)"  # noqa: S608  (put together out of constants)


# The orders are those of the agenda: by instant, then period and invoice.
FACTS: Final = f"""
    plan.lookup_id, organization.late_usage,
    -- The newest invoice, which Temporal's lists show.
    (SELECT invoice_number FROM invoice
     WHERE organization_id = asked.organization_id AND subscription_id = asked.subscription_id
        AND invoice_number IS NOT NULL
     ORDER BY period_index DESC LIMIT 1),
    -- Periods without a draft: the one that runs, the first that are due, some that are parked.
    (SELECT jsonb_agg(
        jsonb_build_array(
            index, ends_at, status, revision, parked_step, left(parked_reason, {LONGEST_REASON})
        ) ORDER BY index)
     FROM (
        (SELECT period.* {OPEN} ORDER BY period.index LIMIT 1)
        UNION ALL (SELECT period.* {CLOSED} ORDER BY period.index LIMIT {NEXT_ENTRIES})
        UNION ALL (SELECT period.* {PARKED} ORDER BY period.index LIMIT {SHOWN_PARKED})
     ) AS unfinished),
    -- Bills that wait: for the end of grace, or to be paid.
    (SELECT jsonb_agg(
        jsonb_build_array(id, period_index, status, scheduled_finalize_at, due_date, past_due_at)
        ORDER BY period_index)
     FROM (
        (SELECT bill.* {IN_GRACE}
         ORDER BY bill.scheduled_finalize_at, bill.period_index NULLS FIRST, bill.id
         LIMIT {NEXT_ENTRIES})
        UNION ALL
        (SELECT bill.* {UNPAID}
         ORDER BY bill.due_date, bill.period_index NULLS FIRST, bill.id
         LIMIT {{payments}})
     ) AS waiting),
    -- How many of each there are, counted no further than anybody looks.
    jsonb_build_array({_count(CLOSED)}, {_count(IN_GRACE)}, {_count(UNPAID)}, {_count(PARKED)}),
    -- When the customer is granted credit again.
    (SELECT to_jsonb(min(rule.next_at)) FROM credit_grant_rule AS rule
     WHERE rule.organization_id = asked.organization_id AND rule.customer_id = asked.customer_id
        AND rule.next_at IS NOT NULL)
"""  # noqa: S608  made of the constants above
"""What is known of a subscription that is ``asked`` for, of its ``organization`` and ``plan``."""

AGENDA_FACTS = text(f"""
SELECT asked.subscription_id, {FACTS.format(payments=":payments")}
FROM unnest(
    CAST(:organizations AS uuid[]), CAST(:subscriptions AS uuid[]), CAST(:plans AS uuid[]),
    CAST(:customers AS uuid[])
) AS asked (organization_id, subscription_id, plan_id, customer_id)
JOIN organization ON organization.id = asked.organization_id
JOIN plan ON plan.organization_id = asked.organization_id AND plan.id = asked.plan_id
""")  # noqa: S608  made of the constants above


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedPeriod:
    """A period that is open, or whose bill has no draft yet."""

    index: int
    ends_at: datetime
    status: str
    revision: int
    parked_step: str | None
    parked_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingBill:
    """A draft or an open invoice, which still waits for something to happen."""

    id: str
    period_index: int | None
    status: str
    scheduled_finalize_at: datetime | None
    due_date: datetime
    past_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaFacts:
    """The subscription's plan, its organization's policy, its newest invoice, and what waits.

    ``periods`` and ``bills`` are the first of each kind, ``counts`` says how many there are. At
    ``credit_recurs_at`` the customer is granted credit again.
    """

    plan_code: str
    late_usage: str
    last_invoice: str | None
    periods: tuple[UnfinishedPeriod, ...]
    bills: tuple[WaitingBill, ...]
    counts: WaitingCounts
    credit_recurs_at: datetime | None = None


@prefetchable
def list_agenda_facts(
    session: Session, subscriptions: Sequence[Subscription], *, payments: int = 1
) -> dict[UUID, AgendaFacts]:
    """What is known of each subscription now, this transaction's own changes included.

    Of the payments that are waited for, the first ``payments`` are read.
    """
    session.flush()
    rows = session.execute(
        AGENDA_FACTS,
        {
            "organizations": [one.organization_id for one in subscriptions],
            "subscriptions": [one.id for one in subscriptions],
            "plans": [one.plan_id for one in subscriptions],
            "customers": [one.customer_id for one in subscriptions],
            "payments": payments,
        },
    )
    return {row[0]: read_facts(row[1:]) for row in rows}


def read_facts(row: Sequence[Any]) -> AgendaFacts:
    """What the columns of ``FACTS`` say."""
    plan_code, late_usage, last_invoice, periods, bills, counts, credit_recurs_at = row
    undrafted, in_grace, unpaid, parked = map(int, counts)
    return AgendaFacts(
        plan_code=plan_code,
        late_usage=late_usage,
        last_invoice=last_invoice,
        periods=tuple(_read_period(one) for one in periods or ()),
        bills=tuple(_read_bill(one) for one in bills or ()),
        counts=WaitingCounts(undrafted=undrafted, in_grace=in_grace, unpaid=unpaid, parked=parked),
        credit_recurs_at=_instant(credit_recurs_at),
    )


def _read_period(row: Sequence[Any]) -> UnfinishedPeriod:
    index, ends_at, status, revision, parked_step, parked_reason = row
    return UnfinishedPeriod(
        index=index,
        ends_at=datetime.fromisoformat(ends_at),
        status=status,
        revision=revision,
        parked_step=parked_step,
        parked_reason=parked_reason,
    )


def _read_bill(row: Sequence[Any]) -> WaitingBill:
    identifier, period_index, status, scheduled_finalize_at, due_date, past_due_at = row
    return WaitingBill(
        id=identifier,
        period_index=period_index,
        status=status,
        scheduled_finalize_at=_instant(scheduled_finalize_at),
        due_date=datetime.fromisoformat(due_date),
        past_due_at=_instant(past_due_at),
    )


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
