"""The workflow of one subscription: performs what is due, in order, for as long as it lives.

The agenda comes from PostgreSQL with the result of every action. The workflow adds time and order:
it sleeps until the earliest entry or a message, performs what is due strictly by instant, and
knows nothing of money.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import declarations
    from activities.declarations import (
        BILL_STEPS,
        ActionRequest,
        Step,
        SubscriptionReference,
    )
    from billing.subscriptions import Action, AgendaEntry, WorkflowState
    from workflows import names
    from workflows.steps import StepRefused, take_step, wait_for
    from workflows.visibility import describe, search_updates

ACTIONS_PER_RUN = 12
"""A run that rests after about four periods (close, bill and finalize of each) continues as new.

Its history is short where it has to be read again, and a worker that keeps the run in memory holds
every step of it. To continue costs about half of what Temporal costs for a bill.
"""

LONGEST_RUN = 40
"""So many actions it performs without a rest, where it catches up."""

LONGEST_REASON = 1000
"""How much a history keeps of why a bill was set aside."""

LONGEST_LEAD = timedelta(seconds=10)
"""A worker's clock that is wrong brings nothing forward by more than a workflow task may take."""

ENDS_BY_SERVER_CLOCK = frozenset({Action.END_TRIAL, Action.RESUME, Action.CLOSE_PERIOD})
"""What a worker's clock brings forward not at all: usage may arrive until the very end."""

SINGLE_STEPS: dict[Action, Step[ActionRequest, WorkflowState]] = {
    Action.END_TRIAL: declarations.END_TRIAL,
    Action.RESUME: declarations.RESUME_SUBSCRIPTION,
    Action.CLOSE_PERIOD: declarations.ROLL_PERIOD,
    Action.APPLY_CHANGE: declarations.APPLY_CHANGE,
    Action.FINALIZE_INVOICE: declarations.FINALIZE_INVOICE,
    Action.PAYMENT_DUE: declarations.MARK_PAST_DUE,
    Action.SETTLE_LATE_USAGE: declarations.SETTLE_LATE_USAGE,
    Action.RETURN_CREDIT: declarations.RETURN_CREDIT,
    Action.GRANT_CREDIT: declarations.GRANT_CREDIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionInput:
    """Which subscription to own, and what a former run of the workflow already knew.

    A run rests for good when its beginning says, whatever the code says by then; those that began
    before it was said go on to the longest.
    """

    organization_id: str
    subscription_id: str
    state: WorkflowState | None = None
    schema_version: int = 1
    most_actions: int = LONGEST_RUN


@workflow.defn(name=names.SUBSCRIPTION_WORKFLOW)
class SubscriptionWorkflow:
    """One per subscription, ``subscription/{id}``, from its creation to its last due date."""

    @workflow.init
    def __init__(self, request: SubscriptionInput) -> None:
        self._reference = SubscriptionReference(
            organization_id=request.organization_id, subscription_id=request.subscription_id
        )
        self._state = request.state
        self._facts_changed = request.state is None
        self._actions_done = 0
        self._most_actions = request.most_actions
        self._shown: WorkflowState | None = None

    @workflow.signal
    def facts_changed(self) -> None:
        """Something about the subscription changed in the database: read it before acting on."""
        self._facts_changed = True

    @workflow.query
    def agenda(self) -> list[AgendaEntry]:
        """What this workflow will do next, in order."""
        return list(self._state.agenda) if self._state else []

    @workflow.run
    async def run(self, request: SubscriptionInput) -> None:
        """Perform the agenda until it is empty for good."""
        while True:
            state = await self._present_state()
            entry = self._due_entry(state)
            if entry is not None:
                await self._perform(entry)
            elif state.is_behind and state.clock_at is not None:
                await self._report_progress(state.clock_at)
            elif state.is_over and not state.agenda:
                self._show(state)
                return
            else:
                if self._actions_done >= self._most_actions:
                    await self._continue_as_new(request)
                self._show(state)
                await self._wait_for_next(state)
            if self._should_continue_as_new():
                await self._continue_as_new(request)

    async def _present_state(self) -> WorkflowState:
        if self._facts_changed or self._state is None:
            self._facts_changed = False
            self._state = await take_step(
                declarations.READ_AGENDA, self._reference, "What is due next"
            )
        return self._state

    def _due_entry(self, state: WorkflowState) -> AgendaEntry | None:
        entry = state.agenda[0] if state.agenda else None
        if entry is not None and entry.due_at <= self._present_of(entry, state):
            return entry
        return None

    def _present_of(self, entry: AgendaEntry, state: WorkflowState) -> datetime:
        """The instant at which the steps left off, so that what they add for it is due at once.

        The workflow's own time stands still while they run. Results that were recorded without
        ``read_at`` are followed as they were, which needs no patch.
        """
        if state.clock_at is not None:
            return state.clock_at
        now = workflow.now()
        if state.read_at is None or entry.action in ENDS_BY_SERVER_CLOCK:
            return now
        return max(now, min(state.read_at, now + LONGEST_LEAD))

    async def _perform(self, entry: AgendaEntry) -> None:
        request = ActionRequest(
            organization_id=self._reference.organization_id,
            subscription_id=self._reference.subscription_id,
            due_at=entry.due_at,
            period_index=entry.period_index,
            invoice_id=entry.invoice_id,
            revision=entry.revision,
        )
        workflow.logger.info("%s", entry.action, extra={"period_index": entry.period_index})
        if entry.action is Action.BILL_PERIOD:
            self._state = await self._bill(request)
        else:
            step = SINGLE_STEPS[entry.action]
            self._state = await self._step_or_park(step, request)
        self._actions_done += 1

    async def _bill(self, request: ActionRequest) -> WorkflowState:
        period = f"period {request.period_index}, revision {request.revision}"
        for step in BILL_STEPS:
            try:
                await take_step(step, request, f"Bill of {period}")
            except StepRefused as refusal:
                return await self._park(step.name, request, refusal)
        return await self._step_or_park(declarations.ISSUE_INVOICE, request)

    async def _step_or_park(
        self, step: Step[ActionRequest, WorkflowState], request: ActionRequest
    ) -> WorkflowState:
        summary = f"Due {request.due_at:%Y-%m-%d %H:%M:%S}"
        if request.period_index is not None:
            summary = f"Period {request.period_index}, due {request.due_at:%Y-%m-%d %H:%M:%S}"
        try:
            return await take_step(step, request, summary)
        except StepRefused as refusal:
            return await self._park(step.name, request, refusal)

    async def _park(self, step: str, request: ActionRequest, refusal: StepRefused) -> WorkflowState:
        """Set a bill aside that a broken rule stopped; the rest of the agenda goes on."""
        if request.period_index is None:
            raise refusal
        park = declarations.ParkRequest(
            organization_id=request.organization_id,
            subscription_id=request.subscription_id,
            due_at=request.due_at,
            period_index=request.period_index,
            invoice_id=request.invoice_id,
            step=step,
            reason=str(refusal)[:LONGEST_REASON],
        )
        summary = f"Period {request.period_index} needs attention: {refusal}"
        return await take_step(declarations.PARK_BILL, park, summary)

    async def _report_progress(self, through: datetime) -> None:
        request = declarations.ProgressRequest(
            organization_id=self._reference.organization_id,
            subscription_id=self._reference.subscription_id,
            through=through,
        )
        summary = f"All done up to {through:%Y-%m-%d %H:%M:%S}"
        self._state = await take_step(declarations.RECORD_PROGRESS, request, summary)

    async def _wait_for_next(self, state: WorkflowState) -> None:
        entry = state.agenda[0] if state.agenda and state.clock_at is None else None
        await wait_for(entry, lambda: self._facts_changed)

    def _should_continue_as_new(self) -> bool:
        return self._actions_done >= LONGEST_RUN or workflow.info().is_continue_as_new_suggested()

    async def _continue_as_new(self, request: SubscriptionInput) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        state = None if self._facts_changed else self._state
        workflow.continue_as_new(
            SubscriptionInput(
                organization_id=request.organization_id,
                subscription_id=request.subscription_id,
                state=state,
                most_actions=ACTIONS_PER_RUN,
            )
        )

    def _show(self, state: WorkflowState) -> None:
        """Bring search attributes and current details up to date, once per stretch of work."""
        workflow.set_current_details(describe(state))
        if state == self._shown:
            return
        self._shown = state
        workflow.upsert_search_attributes(search_updates(self._reference, state))
