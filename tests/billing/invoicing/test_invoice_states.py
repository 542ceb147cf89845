"""The states of an invoice, and every way from one to another."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from billing.errors import InvalidTransition
from billing.invoicing.invoices import (
    InvoiceStatus,
    require_editable,
    require_transition,
    status_after_finalizing,
    status_after_payment,
)
from tests.billing.builders import d
from tests.billing.profiles import thorough

DRAFT, OPEN, PAID, VOID, UNCOLLECTIBLE = InvoiceStatus
ARROWS = {
    (DRAFT, OPEN), (OPEN, PAID), (OPEN, VOID), (OPEN, UNCOLLECTIBLE), (UNCOLLECTIBLE, PAID),
    (UNCOLLECTIBLE, VOID),
}  # fmt: skip


@pytest.mark.parametrize("wanted", InvoiceStatus)
@pytest.mark.parametrize("present", InvoiceStatus)
def test_every_pair_of_states(present: InvoiceStatus, wanted: InvoiceStatus) -> None:
    if (present, wanted) in ARROWS:
        require_transition(present, wanted)
        return
    with pytest.raises(InvalidTransition, match=f"from {present.value} to {wanted.value}"):
        require_transition(present, wanted)


def test_finalizing() -> None:
    assert status_after_finalizing(DRAFT, d(1)) is OPEN
    assert status_after_finalizing(DRAFT, d("0.00")) is PAID
    assert status_after_finalizing(OPEN, d(1)) is OPEN
    assert status_after_finalizing(PAID, d(0)) is PAID
    for present, total in [(PAID, 1), (VOID, 0), (VOID, 1), (UNCOLLECTIBLE, 1)]:
        with pytest.raises(InvalidTransition):
            status_after_finalizing(present, d(total))


def test_paying() -> None:
    for present in (OPEN, UNCOLLECTIBLE, PAID):
        assert status_after_payment(present) is PAID
    for present in (DRAFT, VOID):
        with pytest.raises(InvalidTransition):
            status_after_payment(present)


def test_only_drafts_are_edited() -> None:
    require_editable(DRAFT)
    for present in (OPEN, PAID, VOID, UNCOLLECTIBLE):
        with pytest.raises(InvalidTransition, match=present.value):
            require_editable(present)


class InvoiceLife(RuleBasedStateMachine):
    """Any sequence of actions leaves an invoice only where CONTRACT 4.8 draws an arrow."""

    def __init__(self) -> None:
        super().__init__()
        self.path = [DRAFT]

    def _move(self, wanted: InvoiceStatus) -> None:
        if wanted is not self.path[-1]:
            self.path.append(wanted)

    @rule(total=st.sampled_from([d(0), d(10)]))
    def finalize(self, total: Decimal) -> None:
        try:
            self._move(status_after_finalizing(self.path[-1], total))
        except InvalidTransition:
            assert self.path[-1] in (PAID, VOID, UNCOLLECTIBLE)

    @rule()
    def pay(self) -> None:
        try:
            self._move(status_after_payment(self.path[-1]))
        except InvalidTransition:
            assert self.path[-1] in (DRAFT, VOID)

    @rule(wanted=st.sampled_from(InvoiceStatus))
    def set_status(self, wanted: InvoiceStatus) -> None:
        try:
            require_transition(self.path[-1], wanted)
        except InvalidTransition:
            assert (self.path[-1], wanted) not in ARROWS
        else:
            self._move(wanted)

    @invariant()
    def every_step_is_an_arrow(self) -> None:
        # Finalizing a zero invoice passes through OPEN within one action.
        arrows = ARROWS | {(DRAFT, PAID)}
        assert all(step in arrows for step in zip(self.path, self.path[1:], strict=False))
        assert all(one not in (PAID, VOID) for one in self.path[:-1])


InvoiceLife.TestCase.settings = settings(thorough, stateful_step_count=8)
TestInvoiceLife = InvoiceLife.TestCase
