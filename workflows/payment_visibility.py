"""What people see of a payment workflow: its search attributes, and its story in the Web UI."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from activities.declarations import CollectionReference
    from billing.payments.dunning import CollectionAction, CollectionState
    from workflows import names
    from workflows.visibility import listed


class Phase(StrEnum):
    """One word for where the collection of an invoice stands, as searches name it."""

    CHARGING = "charging"
    AWAITING_PAYMENT = "awaiting_payment"
    DUNNING = "dunning"
    EXHAUSTED = "exhausted"
    ENDED = "ended"


WORDS = {
    CollectionAction.SETTLE: "the gateway is asked what became of a charge",
    CollectionAction.CHARGE: "the saved method is charged, if there is one",
    CollectionAction.REMIND: "the customer is reminded",
    CollectionAction.END: "the last try has failed",
}


def search_updates(
    reference: CollectionReference, state: CollectionState
) -> list[SearchAttributeUpdate[Any]]:
    """The values that answer "what is charged tonight" and "what nobody pays"."""
    updates: list[SearchAttributeUpdate[Any]] = [
        names.BILLING_ORGANIZATION.value_set(reference.organization_id),
        names.BILLING_PHASE.value_set(phase_of(state).value),
    ]
    if state.customer_id is not None:
        updates.append(names.BILLING_CUSTOMER.value_set(state.customer_id))
    if state.invoice_number is not None:
        updates.append(names.LAST_INVOICE.value_set(state.invoice_number))
    if state.entries:
        updates.append(names.NEXT_ACTION_AT.value_set(state.entries[0].due_at))
    else:
        updates.append(names.NEXT_ACTION_AT.value_unset())
    return updates


def phase_of(state: CollectionState) -> Phase:
    """Where the collection of the invoice stands."""
    if not state.entries:
        return Phase.ENDED
    if state.entries[0].action is CollectionAction.SETTLE:
        return Phase.CHARGING
    if state.end_action is not None:
        return Phase.EXHAUSTED
    return Phase.DUNNING if state.failed_tries else Phase.AWAITING_PAYMENT


def describe(state: CollectionState) -> str:
    """The invoice's story in a few lines, for the Temporal Web UI."""
    head = f"Invoice **{state.invoice_number}** is {state.status}"
    facts = []
    if state.failed_tries:
        facts.append(f"Failed tries: {state.failed_tries}")
    if state.end_action is not None:
        facts.append(f"No more tries; after the last one: {state.end_action}")
    if state.clock_at is not None:
        facts.append(f"Lives on a test clock that shows {_moment(state.clock_at)}")
    if state.waits_for is not None:
        facts.append(f"Comes after what `{state.waits_for}` does first on that clock")
    steps = [f"{_moment(entry.due_at)}: {WORDS[entry.action]}" for entry in state.entries]
    parts = [head, listed(facts), "**Next**" if steps else "", listed(steps)]
    return "\n\n".join(part for part in parts if part)


def _moment(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
