"""What workflows say of themselves in Temporal's Web UI, which shows it as Markdown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from billing.payments.dunning import CollectionState
from billing.subscriptions import Action, AgendaEntry, WorkflowState
from workflows import visibility
from workflows.payment_visibility import describe


@pytest.mark.parametrize("count", [1, 4])
def test_failed_tries_are_counted_in_words_that_fit_every_number(count: int) -> None:
    state = CollectionState(status="OPEN", invoice_number="INV-2025-0001", failed_tries=count)

    assert describe(state) == f"Invoice **INV-2025-0001** is OPEN\n\n- Failed tries: {count}"


def test_subscription_tells_its_end_and_lists_what_comes() -> None:
    ends = datetime(2026, 3, 1, tzinfo=UTC)
    close = AgendaEntry(due_at=ends, action=Action.CLOSE_PERIOD, period_index=1)
    state = WorkflowState(
        agenda=(close,),
        status="ACTIVE",
        customer_id="c",
        plan_code="payg",
        period_index=1,
        period_ends_at=ends,
        cancels_at=ends,
    )

    assert visibility.describe(state).split("\n") == [
        "**ACTIVE** on plan `payg`",
        "",
        "- **Canceled**, ends 2026-03-01 00:00:00Z",
        "- Period 1 ends 2026-03-01 00:00:00Z",
        "",
        "**Next**",
        "",
        "- 2026-03-01 00:00:00Z: `close_period` (period 1)",
    ]
