"""What a payment workflow says of itself in Temporal's Web UI."""

from __future__ import annotations

import pytest

from billing.payments.dunning import CollectionState
from workflows.payment_visibility import describe


@pytest.mark.parametrize("count", [1, 4])
def test_failed_tries_are_counted_in_words_that_fit_every_number(count: int) -> None:
    state = CollectionState(status="OPEN", invoice_number="INV-2025-0001", failed_tries=count)

    assert describe(state) == f"Invoice **INV-2025-0001** is OPEN\n\nFailed tries: {count}"
