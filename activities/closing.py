"""The steps of a close, done for many subscriptions at once.

Whoever waits for a step at the same moment shares one transaction, which names all their
organizations and calls a service with a list. A list of one is the same code. Where a group fails,
each of it is done alone, so that one that is broken parks itself and no other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol
from uuid import UUID

import structlog
from sqlmodel import Session
from temporalio import activity

from activities import declarations
from activities.declarations import ActionRequest, Result, Step, StepDone
from activities.errors import translated
from activities.group_commit import Gatherer
from activities.subjects import bill_of, due_invoice_of, due_period_of, ids_of
from activities.turns import Turns
from billing.subscriptions import Action, WorkflowState
from repositories.transactions import Transactions, is_unreachable
from services.invoicing import drafts, finalize
from services.invoicing.drafts import DueBill
from services.rating import steps
from services.rating.recent_runs import RECENT, RecentRuns
from services.rating.records import forget_recent_runs, remember_runs
from services.rating.steps import StepResult
from services.subscriptions import agenda, rolling

log = structlog.get_logger(__name__)

Work = Callable[[Session, Sequence[ActionRequest], datetime], Sequence[Any]]
"""What a step does in one transaction: an answer for each of its requests."""


BILL: Final[tuple[Step[ActionRequest, Any], ...]] = (
    *declarations.BILL_STEPS,
    declarations.ISSUE_INVOICE,
)
"""The steps of a bill, each asked for at once after the one before it."""

BEGINNING: Final[dict[Action, Step[ActionRequest, Any]]] = {
    Action.CLOSE_PERIOD: declarations.ROLL_PERIOD,
    Action.BILL_PERIOD: declarations.QUERY_USAGE,
    Action.FINALIZE_INVOICE: declarations.FINALIZE_INVOICE,
}
"""The first step of what is done in groups, by what is due."""


class CountClose(Protocol):
    """Is told of a period that has its draft, which was due at its end; a repeat is told again."""

    def __call__(self, subscription_id: UUID, /, *, due_at: datetime, now: datetime) -> None:
        """Count it."""


BillStep = Callable[..., Sequence[StepResult]]


class ClosingActivities:
    """What the workflow of a subscription asks for at the end of a period.

    ``executor`` has the threads that write, by default those of the event loop. ``closed`` is told
    of periods of the wall clock that have their draft.
    """

    def __init__(
        self,
        transactions: Transactions,
        now: Callable[[], datetime],
        executor: Executor | None = None,
        closed: CountClose | None = None,
    ) -> None:
        self._transactions, self._now, self._closed = transactions, now, closed
        self._recent = RecentRuns()
        turns = Turns()
        self._gatherers = {
            step.name: Gatherer(
                partial(self.perform, step),
                ids_of,
                executor,
                turns,
                answered=partial(self._expect_next, step),
                others_go_on=self._is_any_going_on,
            )
            for step in WORK
        }

    @activity.defn(name=declarations.ROLL_PERIOD.name)
    async def roll_period(self, request: ActionRequest) -> WorkflowState:
        """The period is closed and the next one open."""
        return await self._submit(declarations.ROLL_PERIOD, request)

    @activity.defn(name=declarations.QUERY_USAGE.name)
    async def query_usage(self, request: ActionRequest) -> StepDone:
        """The usage of the period is frozen up to a watermark."""
        return await self._submit(declarations.QUERY_USAGE, request)

    @activity.defn(name=declarations.AGGREGATE_USAGE.name)
    async def aggregate_usage(self, request: ActionRequest) -> StepDone:
        """What was measured, included and over a limit is known per charge."""
        return await self._submit(declarations.AGGREGATE_USAGE, request)

    @activity.defn(name=declarations.PRICE_USAGE.name)
    async def price_usage(self, request: ActionRequest) -> StepDone:
        """Every charge has a priced line."""
        return await self._submit(declarations.PRICE_USAGE, request)

    @activity.defn(name=declarations.ENFORCE_LIMITS.name)
    async def enforce_limits(self, request: ActionRequest) -> StepDone:
        """Lines over a hard limit are marked or waived."""
        return await self._submit(declarations.ENFORCE_LIMITS, request)

    @activity.defn(name=declarations.ISSUE_INVOICE.name)
    async def issue_invoice(self, request: ActionRequest) -> WorkflowState:
        """The period has its draft invoice."""
        return await self._submit(declarations.ISSUE_INVOICE, request)

    @activity.defn(name=declarations.FINALIZE_INVOICE.name)
    async def finalize_invoice(self, request: ActionRequest) -> WorkflowState:
        """The draft's grace is over: it is OPEN, or PAID where nothing is owed."""
        return await self._submit(declarations.FINALIZE_INVOICE, request)

    async def _submit(self, step: Step[ActionRequest, Result], request: ActionRequest) -> Result:
        result: Result = await self._gatherers[step.name].submit(request)
        return result

    def _is_any_going_on(self) -> bool:
        return any(one.goes_on for one in self._gatherers.values())

    def _expect_next(
        self,
        step: Step[ActionRequest, Any],
        requests: Sequence[ActionRequest],
        results: Sequence[Any],
    ) -> None:
        """Whoever was served together is waited for at the step that comes next."""
        coming: defaultdict[str, list[tuple[UUID, UUID]]] = defaultdict(list)
        for request, result in zip(requests, results, strict=True):
            following = _step_after(step, result)
            if following is not None:
                coming[following.name].append(ids_of(request))
        for name, subjects in coming.items():
            self._gatherers[name].expect(subjects)

    def perform(
        self, step: Step[ActionRequest, Result], requests: Sequence[ActionRequest]
    ) -> list[Result | Exception]:
        """What became of each request, all of them in one transaction if that succeeds."""
        if len(requests) > 1:
            try:
                return [*self._transact(step, requests)]
            except Exception as error:  # noqa: BLE001  (each of them meets its own alone)
                log.warning("group_failed", step=step.name, error=type(error).__name__)
                if is_unreachable(error):
                    return [error for _ in requests]
        answers: list[Result | Exception] = []
        for request in requests:
            answer = self._perform_alone(step, request)
            answers.append(answer)
        return answers

    def _perform_alone(
        self, step: Step[ActionRequest, Result], request: ActionRequest
    ) -> Result | Exception:
        try:
            with translated():
                [result] = self._transact(step, [request])
        except Exception as error:  # noqa: BLE001  (handed to the caller, who raises it)
            return error
        return result

    def _transact(
        self, step: Step[ActionRequest, Result], requests: Sequence[ActionRequest]
    ) -> Sequence[Result]:
        organizations = sorted({ids_of(request)[0] for request in requests})
        with self._transactions.for_organizations(organizations) as session:
            session.info[RECENT] = self._recent
            results = WORK[step](session, requests, self._now())
        # Of what is not committed nothing is remembered.
        keep = forget_recent_runs if step == declarations.FINALIZE_INVOICE else remember_runs
        keep(session)
        read_at = self._now()
        if step == declarations.ISSUE_INVOICE and self._closed is not None:
            for request, state in zip(requests, results, strict=True):
                if state.clock_at is None:
                    self._closed(ids_of(request)[1], due_at=request.due_at, now=read_at)
        answers: list[Any] = [
            replace(one, read_at=read_at) if isinstance(one, WorkflowState) else one
            for one in results
        ]
        return answers


def _step_after(step: Step[ActionRequest, Any], result: object) -> Step[ActionRequest, Any] | None:
    """What a workflow asks for at once when it has this answer, if that is done in groups."""
    if isinstance(result, StepDone):
        return BILL[BILL.index(step) + 1]
    if not isinstance(result, WorkflowState) or not result.agenda:
        return None
    entry, present = result.agenda[0], result.clock_at or result.read_at
    is_due = present is not None and entry.due_at <= present
    return BEGINNING.get(entry.action) if is_due else None


def _roll(
    session: Session, requests: Sequence[ActionRequest], now: datetime
) -> list[WorkflowState]:
    rolling.roll_periods(session, [due_period_of(one) for one in _in_order(requests)], now=now)
    return _states(session, requests, now)


def _issue(
    session: Session, requests: Sequence[ActionRequest], now: datetime
) -> list[WorkflowState]:
    due = [DueBill(bill=bill_of(one), due_at=one.due_at) for one in _in_order(requests)]
    drafts.issue_invoices(session, due, now=now)
    return _states(session, requests, now)


def _finalize(
    session: Session, requests: Sequence[ActionRequest], now: datetime
) -> list[WorkflowState]:
    finalize.finalize_due_invoices(
        session, [due_invoice_of(one) for one in _in_order(requests)], now=now
    )
    return _states(session, requests, now)


def _states(
    session: Session, requests: Sequence[ActionRequest], now: datetime
) -> list[WorkflowState]:
    """What is due next for each, after what was done."""
    session.flush()
    return agenda.report_states(session, [ids_of(request) for request in requests], now=now)


def _bill_step(step: BillStep, noun: str) -> Work:
    """The step of a bill leaves a row."""

    def work(session: Session, requests: Sequence[ActionRequest], now: datetime) -> list[StepDone]:
        results = step(session, [bill_of(request) for request in requests], now=now)
        return [StepDone(digest=one.digest, summary=f"{one.count} {noun}") for one in results]

    return work


def _in_order(requests: Sequence[ActionRequest]) -> list[ActionRequest]:
    """By subscription, so that two groups queue for their locks."""
    return sorted(requests, key=ids_of)


WORK: dict[Step[ActionRequest, Any], Work] = {
    declarations.ROLL_PERIOD: _roll,
    declarations.QUERY_USAGE: _bill_step(steps.query_usage, "windows of usage"),
    declarations.AGGREGATE_USAGE: _bill_step(steps.aggregate_usage, "measured charges"),
    declarations.PRICE_USAGE: _bill_step(steps.price_usage, "priced lines"),
    declarations.ENFORCE_LIMITS: _bill_step(steps.enforce_limits, "lines within limits"),
    declarations.ISSUE_INVOICE: _issue,
    declarations.FINALIZE_INVOICE: _finalize,
}
"""The steps that are done in groups."""
