"""What people see of a workflow: its search attributes, and its story in the Temporal Web UI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from activities.declarations import SubscriptionReference
    from billing.subscriptions import MOST_COUNTED, Action, WorkflowState
    from workflows import names


class Phase(StrEnum):
    """One word for where the billing of a subscription stands, as searches name it."""

    TRIAL = "trial"
    METERING = "metering"
    GRACE = "grace"
    AWAITING_PAYMENT = "awaiting_payment"
    NEEDS_ATTENTION = "needs_attention"
    ENDED = "ended"


def search_updates(
    reference: SubscriptionReference, state: WorkflowState
) -> list[SearchAttributeUpdate[Any]]:
    """The values that answer "what closes tonight" and "what is stuck"."""
    updates: list[SearchAttributeUpdate[Any]] = [
        names.BILLING_ORGANIZATION.value_set(reference.organization_id),
        names.BILLING_CUSTOMER.value_set(state.customer_id),
        names.SUBSCRIPTION_STATUS.value_set(state.status),
        names.PLAN_CODE.value_set(state.plan_code),
        names.NEEDS_ATTENTION.value_set(bool(state.attention)),
        names.BILLING_PHASE.value_set(phase_of(state).value),
    ]
    if state.last_invoice is not None:
        updates.append(names.LAST_INVOICE.value_set(state.last_invoice))
    if state.period_index is not None:
        updates.append(names.PERIOD_INDEX.value_set(state.period_index))
    if state.period_ends_at is not None:
        updates.append(names.PERIOD_END.value_set(state.period_ends_at))
    if state.agenda:
        updates.append(names.NEXT_ACTION_AT.value_set(state.agenda[0].due_at))
    else:
        updates.append(names.NEXT_ACTION_AT.value_unset())
    return updates


def phase_of(state: WorkflowState) -> Phase:
    """Where the subscription's billing stands."""
    if state.attention:
        return Phase.NEEDS_ATTENTION
    if state.is_over and not state.agenda:
        return Phase.ENDED
    waiting = {entry.action for entry in state.agenda}
    if Action.END_TRIAL in waiting:
        return Phase.TRIAL
    if Action.FINALIZE_INVOICE in waiting:
        return Phase.GRACE
    if Action.PAYMENT_DUE in waiting:
        return Phase.AWAITING_PAYMENT
    return Phase.METERING


def describe(state: WorkflowState) -> str:
    """The subscription's story in a few lines, for the Temporal Web UI."""
    head = f"**{state.status}** on plan `{state.plan_code}`"
    facts = [f"Needs attention: {reason}" for reason in state.attention]
    if state.cancels_at is not None:
        facts.append(f"**Canceled**, ends {_moment(state.cancels_at)}")
    if state.period_index is not None and state.period_ends_at is not None:
        facts.append(f"Period {state.period_index} ends {_moment(state.period_ends_at)}")
    if state.last_invoice is not None:
        facts.append(f"Last invoice: {state.last_invoice}")
    if state.clock_at is not None:
        facts.append(f"Lives on a test clock that shows {_moment(state.clock_at)}")
    facts.extend(_counted(state))
    parts = [head, listed(facts)]
    if state.agenda:
        parts += ["**Next**", listed(_next_steps(state))]
    return "\n\n".join(part for part in parts if part)


def listed(lines: Iterable[str]) -> str:
    """The lines as a list of Markdown, which the Web UI shows."""
    return "\n".join(f"- {line}" for line in lines)


def _next_steps(state: WorkflowState) -> Iterator[str]:
    for entry in state.agenda[:5]:
        bill = "" if entry.period_index is None else f" (period {entry.period_index})"
        yield f"{_moment(entry.due_at)}: `{entry.action}`{bill}"


def _counted(state: WorkflowState) -> list[str]:
    """How much waits in all, where the agenda shows only the beginning."""
    if state.counts is None:
        return []
    counts = {
        "without a draft": state.counts.undrafted,
        "in grace": state.counts.in_grace,
        "unpaid": state.counts.unpaid,
        "in need of attention": state.counts.parked,
    }
    shown = [
        f"{count}{'+' if count == MOST_COUNTED else ''} {what}" for what, count in counts.items()
    ]
    return [f"Bills: {', '.join(shown)}"] if any(counts.values()) else []


def _moment(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
