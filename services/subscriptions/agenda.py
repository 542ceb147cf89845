"""What the workflow of a subscription needs to know, and how it is woken when the facts change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import LateUsage
from billing.metering.hours import HOUR, floor_hour
from billing.notifications.events import WebhookEvent
from billing.subscriptions import (
    NEXT_ENTRIES,
    AgendaEntry,
    BillFacts,
    PeriodFacts,
    PeriodStatus,
    SubscriptionFacts,
    SubscriptionStatus,
    WorkflowState,
    agenda_of,
    change_period_status,
    has_ended,
)
from models.subscriptions.subscriptions import Subscription
from repositories import outbox as stored_outbox
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import late_usage as stored_late_usage
from repositories.outbox import NewMessage
from repositories.row_keys import SubscriptionKey
from repositories.subscriptions import clocks as stored_clocks
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.subscriptions.agenda_facts import AgendaFacts, WaitingBill, list_agenda_facts
from services import customer_accounts
from services.announcements import announce_subscription
from services.catalog import meter_claims
from services.required import require_subscription
from services.subscriptions import turns
from services.subscriptions.late_policy import settles_alone
from services.subscriptions.stored_changes import change_of


def get_state(session: Session, organization_id: UUID, subscription_id: UUID) -> WorkflowState:
    """The present state of a subscription for its workflow. Raises NotFound."""
    [state] = get_states(session, [(organization_id, subscription_id)])
    return state


def get_states(session: Session, keys: Sequence[SubscriptionKey]) -> list[WorkflowState]:
    """The present state of each subscription, in this order, until it is another's turn.

    Raises NotFound.
    """
    subscriptions = [
        require_subscription(
            stored_subscriptions.find_subscription(session, *key), may_be_deleted=True
        )
        for key in keys
    ]
    states = read_states(session, subscriptions)
    return [
        turns.in_turn(session, subscription, state)
        for subscription, state in zip(subscriptions, states, strict=True)
    ]


def report_states(
    session: Session, keys: Sequence[SubscriptionKey], *, now: datetime
) -> list[WorkflowState]:
    """As :func:`get_states`; whoever's turn it is instead of a workflow's is woken."""
    states = get_states(session, keys)
    for (organization_id, _), state in zip(keys, states, strict=True):
        if state.waits_for is not None:
            turns.wake_collections(session, [(organization_id, UUID(state.waits_for))], now=now)
    return states


def read_state(session: Session, subscription: Subscription, *, payments: int = 1) -> WorkflowState:
    """As :func:`read_states`, of one; of the payments that are waited for the first ones."""
    [state] = read_states(session, [subscription], payments=payments)
    return state


def read_states(
    session: Session, subscriptions: Sequence[Subscription], *, payments: int = 1
) -> list[WorkflowState]:
    """The agendas computed from the rows, with what workflows show of their subscriptions.

    They hold the next entries alone, and of the payments that are waited for the first ones.
    """
    facts = list_agenda_facts(session, subscriptions, payments=payments)
    return [_read_state(session, one, facts[one.id]) for one in subscriptions]


def _read_state(session: Session, subscription: Subscription, facts: AgendaFacts) -> WorkflowState:
    clock_at, is_behind = _clock_state(session, subscription)
    return WorkflowState(
        agenda=_agenda(
            subscription,
            facts,
            late_usage_due=_late_usage_due(session, subscription, facts),
            credit_returns_at=_credit_returns_at(session, subscription),
        )[:NEXT_ENTRIES],
        status=subscription.status,
        customer_id=str(subscription.customer_id),
        plan_code=facts.plan_code,
        clock_at=clock_at,
        is_behind=is_behind,
        period_index=subscription.current_period_index,
        period_ends_at=subscription.current_period_end,
        last_invoice=facts.last_invoice,
        attention=tuple(
            f"period {period.index} at {period.parked_step}: {period.parked_reason}"
            for period in facts.periods
            if period.status == PeriodStatus.PARKED
        ),
        is_over=has_ended(subscription.status),
        counts=facts.counts,
        cancels_at=_cancels_at(subscription),
    )


def _cancels_at(subscription: Subscription) -> datetime | None:
    """When a cancellation ends the subscription, if one is still to come."""
    change = change_of(subscription)
    if change is not None and change.ends_at_once:
        return change.at
    is_planned = subscription.cancel_at_period_end and not has_ended(subscription.status)
    return subscription.current_period_end if is_planned else None


def is_at_rest(session: Session, subscription: Subscription) -> bool:
    """Whether the subscription is over and nothing is left for a workflow to do."""
    state = read_state(session, subscription)
    return state.is_over and not state.agenda


def wake_workflow(session: Session, subscription: Subscription, *, now: datetime) -> None:
    """Queue the message that the facts changed, in the transaction that changes them.

    The message starts the workflow if none runs, so creating a subscription needs no other.
    """
    wake_workflows(session, subscription.organization_id, [subscription.id], now=now)


def wake_workflows(
    session: Session, organization_id: UUID, subscription_ids: Sequence[UUID], *, now: datetime
) -> None:
    """As :func:`wake_workflow`, for many, by one statement."""
    stored_outbox.insert_messages(
        session,
        stored_outbox.WAKE_MESSAGE,
        [
            NewMessage(organization_id=organization_id, payload={"subscription_id": str(one)})
            for one in subscription_ids
        ],
        now=now,
    )


def discard(session: Session, subscription: Subscription, *, at: datetime, now: datetime) -> None:
    """End a subscription without a bill: its clock is deleted, and nothing after that happens."""
    for period in stored_subscriptions.list_unfinished_periods(
        session, subscription.organization_id, subscription.id
    ):
        period.status = change_period_status(period.status, PeriodStatus.SKIPPED)
        period.parked_step = period.parked_reason = None
        session.add(period)
    for invoice in stored_invoices.list_waiting_invoices(
        session, subscription.organization_id, subscription.id
    ):
        invoice.scheduled_finalize_at = None
        invoice.past_due_at = invoice.past_due_at or at
        session.add(invoice)
    subscription.pending_change = None
    was_over = has_ended(subscription.status)
    subscription.status = SubscriptionStatus.CANCELED
    subscription.ended_at = subscription.ended_at or at
    subscription.deleted_at = now
    session.add(subscription)
    meter_claims.claim_onwards(session, subscription, since=subscription.ended_at)
    if not was_over:
        announce_subscription(
            session, subscription, WebhookEvent.SUBSCRIPTION_CANCELED, at=at, now=now
        )
    wake_workflow(session, subscription, now=now)


def _late_usage_due(
    session: Session, subscription: Subscription, facts: AgendaFacts
) -> tuple[datetime, int | None] | None:
    """When usage that came after its final invoice is settled by itself, if no invoice will do it.

    That is at once where it is noticed; on a test clock at the next full hour after the clock's
    stand, which is the same however small the steps of its advances are. A draft in its grace shows
    the difference itself. With it comes a period that is to be settled. Source: CONTRACT 48, 84.
    """
    if not settles_alone(
        subscription, facts.late_usage, has_unfinished_periods=bool(facts.periods)
    ):
        return None
    found = stored_late_usage.find_due_since(
        session,
        subscription,
        leaves_to_drafts=facts.late_usage != LateUsage.CREDIT_NOTE_OR_INVOICE,
        ignores_usage=facts.late_usage == LateUsage.IGNORE,
    )
    if found is None or subscription.test_clock_id is None:
        return found
    if _is_on_dead_clock(session, subscription):
        return None
    clock = stored_clocks.find_clock(
        session, subscription.organization_id, subscription.test_clock_id
    )
    assert clock is not None
    return floor_hour(clock.frozen_time) + HOUR, found[1]


def _credit_returns_at(session: Session, subscription: Subscription) -> datetime | None:
    """When the customer's credit goes back because no bill took it; None while one may."""
    if not has_ended(subscription.status) or _is_on_dead_clock(session, subscription):
        return None
    return customer_accounts.find_return_due(
        session, subscription.organization_id, subscription.customer_id
    )


def _is_on_dead_clock(session: Session, subscription: Subscription) -> bool:
    """Whether the subscription's clock was deleted, so that nothing happens on it any more."""
    if subscription.test_clock_id is None:
        return False
    clock = stored_clocks.find_clock(
        session, subscription.organization_id, subscription.test_clock_id
    )
    return clock is None or clock.deleted_at is not None


def _agenda(
    subscription: Subscription,
    facts: AgendaFacts,
    *,
    late_usage_due: tuple[datetime, int | None] | None,
    credit_returns_at: datetime | None,
) -> tuple[AgendaEntry, ...]:
    change = change_of(subscription)
    return agenda_of(
        SubscriptionFacts(
            status=SubscriptionStatus(subscription.status),
            trial_ends_at=subscription.trial_end_date,
            resumes_at=subscription.resume_at,
            change_due_at=None if change is None else change.at,
            late_usage_due_at=late_usage_due[0] if late_usage_due else None,
            late_usage_period_index=late_usage_due[1] if late_usage_due else None,
            credit_returns_at=credit_returns_at,
            credit_recurs_at=facts.credit_recurs_at,
            periods=tuple(
                PeriodFacts(
                    index=period.index,
                    ends_at=period.ends_at,
                    status=PeriodStatus(period.status),
                    revision=period.revision,
                )
                for period in facts.periods
            ),
            bills=tuple(map(_bill_facts, facts.bills)),
        )
    )


def _bill_facts(bill: WaitingBill) -> BillFacts:
    waits_for_payment = bill.status == InvoiceStatus.OPEN and bill.past_due_at is None
    return BillFacts(
        invoice_id=bill.id,
        period_index=bill.period_index,
        finalize_at=bill.scheduled_finalize_at if bill.status == InvoiceStatus.DRAFT else None,
        due_at=bill.due_date if waits_for_payment else None,
    )


def _clock_state(session: Session, subscription: Subscription) -> tuple[datetime | None, bool]:
    if subscription.test_clock_id is None:
        return None, False
    clock = stored_clocks.find_clock(
        session, subscription.organization_id, subscription.test_clock_id
    )
    if clock is None:
        return None, False
    reached = subscription.completed_through
    is_behind = clock.target_time is not None and (reached is None or reached < clock.target_time)
    return clock.target_time or clock.frozen_time, is_behind
