"""What a timeline is told from, by one statement, for code that asks a session for each part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from billing.subscriptions import NEXT_ENTRIES
from models.subscriptions.clocks import TestClock
from models.subscriptions.subscriptions import Subscription, SubscriptionAction
from repositories.asynchronous.document_reads import DocumentRead
from repositories.asynchronous.prefetched import Prefetched, Row
from repositories.statement_text import compact
from repositories.subscriptions import actions, agenda_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenInvoice:
    """What an invoice broke of the rules of e-invoices when it became final."""

    id: UUID
    problems: list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTimeline:
    """A subscription with what happened to it, and the facts of what will."""

    subscription: Subscription
    clock: TestClock | None
    actions: list[SubscriptionAction]
    broken: list[BrokenInvoice]
    facts: list[Any]


# Each part is what the function of its name reads that is answered by it below; a timeline that
# asks for more is told by a session. tests/api/reads/test_timelines_in_front.py compares them.
TIMELINES: Final = DocumentRead(
    compact(f"""
    SELECT asked.place, json_build_object(
        'subscription', subscription,
        -- What tells its present, if that is not the wall.
        'clock', (
            SELECT test_clock FROM test_clock
            WHERE test_clock.organization_id = tenant.id
                AND test_clock.id = subscription.test_clock_id
        ),
        -- The past, in the order of its instants.
        'actions', (
            SELECT coalesce(json_agg(happened ORDER BY happened.at, happened.id), '[]')
            FROM subscription_action AS happened
            WHERE happened.organization_id = tenant.id
                AND happened.subscription_id = subscription.id
        ),
        -- What e-invoices broke of their rules as they became final.
        'broken', (
            SELECT coalesce(json_agg(json_build_object(
                'id', invoice.id, 'problems', invoice.einvoice -> 'problems'
            )), '[]')
            FROM invoice
            WHERE invoice.organization_id = tenant.id
                AND invoice.subscription_id = subscription.id
                AND invoice.einvoice ->> 'valid' = 'false'
        ),
        -- What the agenda is computed from, which is the future.
        'facts', (
            SELECT jsonb_build_array({agenda_facts.FACTS.format(payments=NEXT_ENTRIES)})
            FROM (SELECT tenant.id, subscription.id, subscription.plan_id, subscription.customer_id)
                AS asked (organization_id, subscription_id, plan_id, customer_id)
            JOIN organization ON organization.id = asked.organization_id
            JOIN plan ON plan.organization_id = asked.organization_id AND plan.id = asked.plan_id
        )
    ) AS document
    FROM asked JOIN subscription ON subscription.organization_id = tenant.id
        AND subscription.id = asked.id AND subscription.deleted_at IS NULL"""),  # noqa: S608  (put together out of constants)
    StoredTimeline,
)


def prefetch(found: StoredTimeline) -> Prefetched:
    """A session that knows of the subscription what was found, as the functions give it."""
    subscription = found.subscription
    key = (subscription.organization_id, subscription.id)
    rows: dict[Row, object] = {(Subscription, key): subscription}
    if (clock := found.clock) is not None:
        rows[TestClock, (clock.organization_id, clock.id)] = clock
    session = Prefetched(rows)
    session.know_one(actions.list_actions, key, found.actions)
    broken = {one.id: [*one.problems] for one in found.broken}
    session.know_one(actions.list_broken_einvoices, key, broken)
    session.know_one(
        agenda_facts.list_agenda_facts,
        ([subscription], NEXT_ENTRIES),
        {subscription.id: agenda_facts.read_facts(found.facts)},
    )
    return session
