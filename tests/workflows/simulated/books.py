"""A small model of what PostgreSQL holds of one subscription, for the simulator.

Steps are idempotent as the real ones are, by the same keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from temporalio.exceptions import ApplicationError

from activities import declarations
from activities.declarations import ActionRequest, StepDone
from activities.errors import translated
from billing.subscriptions import (
    PeriodStatus,
    SubscriptionStatus,
    WorkflowState,
)
from tests.workflows.simulated.facts import EARLIER_STEPS, Bill, Facts

NEVER_PARKED = (
    PeriodStatus.PARKED,
    PeriodStatus.SKIPPED,
    PeriodStatus.UNBILLED,
    PeriodStatus.VOID,
)


@dataclass(slots=True, kw_only=True)
class Books(Facts):
    """The facts of one subscription, and what the steps of its workflow do to them."""

    def perform(self, step: str, request: Any, *, now: datetime) -> WorkflowState | StepDone:
        """One step: its effect, once, and what it answers."""
        if step in EARLIER_STEPS:
            return self._step_of_bill(step, request)
        if step == declarations.RECORD_PROGRESS.name:
            self._record_progress(request.through)
        elif step == declarations.PARK_BILL.name:
            self._park(request.period_index, request.step)
        elif step != declarations.READ_AGENDA.name:
            at = now if self.frozen_at is None else max(request.due_at, self.frozen_at)
            self.late.prepaid.present = at
            self._act(step, request, at=at)
            self.late.prepaid.top_up()
        return replace(self.state(), read_at=now)

    def _act(  # noqa: C901, PLR0912  (one branch a step)
        self, step: str, request: ActionRequest, *, at: datetime
    ) -> None:
        index = -1 if request.period_index is None else request.period_index
        if step == declarations.END_TRIAL.name:
            self.end_trial(request.due_at)
        elif step == declarations.RESUME_SUBSCRIPTION.name:
            if self.status is SubscriptionStatus.PAUSED and self.resumes_at == request.due_at:
                self.end_pause()
                self._note(step, None)
        elif step == declarations.ROLL_PERIOD.name:
            self.roll(self.period(index), due_at=request.due_at)
        elif step == declarations.ISSUE_INVOICE.name:
            with translated():
                self.issue(self.period(index), request.revision, at=at)
        elif step == declarations.FINALIZE_INVOICE.name:
            self._finalize(request)
        elif step == declarations.MARK_PAST_DUE.name:
            self._mark_past_due(request)
        elif step == declarations.SETTLE_LATE_USAGE.name:
            if (request.period_index, step) in self.poisoned:
                raise ApplicationError("a broken rule", type="invariant_broken", non_retryable=True)
            if self.late.settle(self.periods):
                self._note(step, None)
        elif step == declarations.RETURN_CREDIT.name:
            self._return_credit(at)
        elif step == declarations.GRANT_CREDIT.name:
            # Of two machines' clocks the one that woke the workflow may be ahead.
            if self.late.prepaid.grant_due(max(at, request.due_at)):
                self._note(step, None)
        else:
            raise AssertionError(f"the workflow asked for {step}")

    def _return_credit(self, at: datetime) -> None:
        returns_at = self._credit_returns_at()
        if returns_at is not None and returns_at <= at and self.late.return_credit():
            self._note(declarations.RETURN_CREDIT.name, None)

    def _step_of_bill(self, step: str, request: ActionRequest) -> StepDone:
        index = request.period_index
        assert index is not None
        place = EARLIER_STEPS.index(step)
        for earlier in EARLIER_STEPS[:place]:
            assert (index, request.revision, earlier) in self.runs, f"{step} before {earlier}"
        if (index, step) in self.poisoned:
            raise ApplicationError("a broken rule", type="invariant_broken", non_retryable=True)
        key = (index, request.revision, step)
        if key not in self.runs:
            self.runs.add(key)
            self._note(step, index)
        return StepDone(digest=f"{step}-{index}-{request.revision}", summary="1 window")

    def _record_progress(self, through: datetime) -> None:
        agenda = self.agenda()
        if agenda and agenda[0].due_at <= through:
            return
        if self.completed_through is None or self.completed_through < through:
            self.completed_through = through
        if self.target_at is not None and not self.is_behind:
            self.frozen_at, self.target_at = self.target_at, None

    def _park(self, index: int | None, step: str) -> None:
        assert index is not None
        stored = self.period(index)
        if stored.status not in NEVER_PARKED:
            stored.status, stored.parked_step = PeriodStatus.PARKED, step
            self._note(declarations.PARK_BILL.name, index)

    def _bill_of(self, request: ActionRequest) -> Bill | None:
        """The bill that the step is about, unless it was deleted or replaced meanwhile."""
        return next((one for one in self.bills.values() if one.id == request.invoice_id), None)

    def _finalize(self, request: ActionRequest) -> None:
        bill = self._bill_of(request)
        if bill is None or bill.status != "DRAFT" or bill.finalize_at > request.due_at:
            return
        self.finalize(bill)
        self._note(declarations.FINALIZE_INVOICE.name, bill.index)

    def _mark_past_due(self, request: ActionRequest) -> None:
        bill = self._bill_of(request)
        if bill is None or bill.status != "OPEN" or bill.due_at > request.due_at:
            return
        if bill.is_past_due:
            return
        bill.is_past_due = True
        if self.status is SubscriptionStatus.ACTIVE:
            self.status = SubscriptionStatus.PAST_DUE
        self._note(declarations.MARK_PAST_DUE.name, bill.index)
