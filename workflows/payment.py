"""The workflow of one open invoice: tries, reminds and ends, until nothing is due by itself.

The schedule comes from PostgreSQL with the result of every step. A gateway is asked by an ordinary
activity about a payment that is a row already; what became of it is looked up before it is asked
for again, so no crash and no lost answer charges twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import declarations
    from activities.declarations import (
        AttemptRequest,
        CollectionReference,
        CollectionRequest,
        Step,
    )
    from billing.payments.dunning import CollectionAction, CollectionEntry, CollectionState
    from workflows import names
    from workflows.options import GATEWAY_STEP
    from workflows.payment_visibility import describe, search_updates
    from workflows.steps import take_step, wait_for

STEPS_PER_RUN = 12
"""A run continues as new where it rests after so many, or twice as many without a rest."""

SINGLE_STEPS: dict[CollectionAction, Step[CollectionRequest, CollectionState]] = {
    CollectionAction.CHARGE: declarations.BEGIN_ATTEMPT,
    CollectionAction.REMIND: declarations.SEND_REMINDER,
    CollectionAction.END: declarations.END_COLLECTION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentInput:
    """Which invoice to collect, and what a former run of the workflow already knew."""

    organization_id: str
    invoice_id: str
    state: CollectionState | None = None
    schema_version: int = 1


@workflow.defn(name=names.PAYMENT_WORKFLOW)
class PaymentWorkflow:
    """One per invoice, ``payment/{invoice_id}``, while something is due of it by itself."""

    @workflow.init
    def __init__(self, request: PaymentInput) -> None:
        self._reference = CollectionReference(
            organization_id=request.organization_id, invoice_id=request.invoice_id
        )
        self._state = request.state
        self._facts_changed = request.state is None
        self._steps_done = 0
        self._shown: CollectionState | None = None

    @workflow.signal
    def facts_changed(self) -> None:
        """Something about the invoice changed in the database: read it before acting on."""
        self._facts_changed = True

    @workflow.query
    def schedule(self) -> list[CollectionEntry]:
        """What this workflow will do next, in order."""
        return list(self._state.entries) if self._state else []

    @workflow.run
    async def run(self, request: PaymentInput) -> None:
        """Perform the schedule until nothing is due any more."""
        while True:
            state = await self._present_state()
            if self._is_due(state):
                await self._perform(state.entries[0], state)
            elif state.is_behind:
                await self._report_progress(state)
            elif not state.entries:
                self._show(state)
                return
            else:
                if self._steps_done >= STEPS_PER_RUN:
                    await self._continue_as_new(request)
                self._show(state)
                await self._wait_for_next(state)
            if self._should_continue_as_new():
                await self._continue_as_new(request)

    async def _present_state(self) -> CollectionState:
        if self._facts_changed or self._state is None:
            self._facts_changed = False
            self._state = await take_step(
                declarations.READ_COLLECTION, self._reference, "What is due next"
            )
        return self._state

    def _is_due(self, state: CollectionState) -> bool:
        if not state.entries or state.waits_for is not None:
            return False
        return state.entries[0].due_at <= (state.clock_at or workflow.now())

    async def _perform(self, entry: CollectionEntry, state: CollectionState) -> None:
        self._steps_done += 1
        if entry.action is CollectionAction.SETTLE:
            assert entry.payment_id is not None
            self._show(state)
            await self._settle(entry.payment_id)
            return
        summary = f"Due {entry.due_at:%Y-%m-%d %H:%M:%S}"
        step = SINGLE_STEPS[entry.action]
        self._state = await take_step(step, self._request(entry), summary)

    async def _settle(self, payment_id: str) -> None:
        """Ask the gateway until the end of a try is known, here or by a webhook that came first."""
        asked = workflow.start_activity(
            declarations.SETTLE_ATTEMPT.name,
            AttemptRequest(
                organization_id=self._reference.organization_id,
                invoice_id=self._reference.invoice_id,
                payment_id=payment_id,
            ),
            result_type=CollectionState,
            summary="Charge the saved method",
            **GATEWAY_STEP,
        )
        while not asked.done():
            await workflow.wait_condition(lambda: asked.done() or self._facts_changed)
            state = await self._present_state()
            if not asked.done() and not (state.entries and state.entries[0].payment_id):
                asked.cancel()
                return
        self._state = asked.result()

    async def _report_progress(self, state: CollectionState) -> None:
        assert state.clock_at is not None
        request = CollectionRequest(
            organization_id=self._reference.organization_id,
            invoice_id=self._reference.invoice_id,
            due_at=state.clock_at,
        )
        summary = f"All done up to {state.clock_at:%Y-%m-%d %H:%M:%S}"
        self._state = await take_step(declarations.RECORD_COLLECTION_PROGRESS, request, summary)

    def _request(self, entry: CollectionEntry) -> CollectionRequest:
        return CollectionRequest(
            organization_id=self._reference.organization_id,
            invoice_id=self._reference.invoice_id,
            due_at=entry.due_at,
        )

    async def _wait_for_next(self, state: CollectionState) -> None:
        entry = state.entries[0] if state.clock_at is None else None
        await wait_for(entry, lambda: self._facts_changed)

    def _should_continue_as_new(self) -> bool:
        is_long = self._steps_done >= 2 * STEPS_PER_RUN
        return is_long or workflow.info().is_continue_as_new_suggested()

    async def _continue_as_new(self, request: PaymentInput) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            PaymentInput(
                organization_id=request.organization_id,
                invoice_id=request.invoice_id,
                state=None if self._facts_changed else self._state,
            )
        )

    def _show(self, state: CollectionState) -> None:
        """Bring search attributes and current details up to date, once per stretch of work."""
        workflow.set_current_details(describe(state))
        if state == self._shown:
            return
        self._shown = state
        workflow.upsert_search_attributes(search_updates(self._reference, state))
