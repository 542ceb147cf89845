"""The steps of a workflow. Each is one transaction around one service call, keyed by what it does.

Repeating any of them changes nothing: the key is the subscription, the period, the step and the
revision, or the invoice; never a run, an attempt or a time.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeVar, TypeVarTuple

from sqlmodel import Session
from temporalio import activity

from activities import declarations
from activities.closing import ClosingActivities, CountClose
from activities.declarations import (
    ActionRequest,
    ParkRequest,
    ProgressRequest,
    Request,
    Result,
    Step,
    SubscriptionReference,
)
from activities.errors import translated
from activities.subjects import AnyRequest, ids_of, invoice_of
from billing.subscriptions import WorkflowState
from repositories.transactions import Transactions
from services.corrections import credit_returns
from services.invoicing import finalize, late_settlement, parking
from services.lifecycle import pending_changes
from services.purchases import recurring
from services.subscriptions import agenda, clocks, periods

Activities = TypeVar("Activities")
Subject = TypeVarTuple("Subject")
Work = Callable[[Session], object]


class Service(Protocol[*Subject]):
    """What does one entry of an agenda, told what it is about and when it was due."""

    def __call__(
        self, session: Session, /, *subject: *Subject, due_at: datetime, now: datetime
    ) -> object:
        """Do it."""


def performs(
    step: Step[Request, Result],
) -> Callable[[Callable[[Activities, Request], Result]], Callable[[Activities, Request], Result]]:
    """The method is the activity of a step: asked with its request, it gives its result."""
    define: Callable[
        [Callable[[Activities, Request], Result]], Callable[[Activities, Request], Result]
    ] = activity.defn(name=step.name)
    return define


class SubscriptionActivities:
    """What the workflow of a subscription may ask for; built where the worker is composed.

    What it asks for at the end of a period is in ``closing``.
    """

    def __init__(
        self,
        transactions: Transactions,
        now: Callable[[], datetime],
        executor: Executor | None = None,
        closed: CountClose | None = None,
    ) -> None:
        self._transactions = transactions
        self._now = now
        self.closing = ClosingActivities(transactions, now, executor, closed)

    @performs(declarations.READ_AGENDA)
    def read_agenda(self, reference: SubscriptionReference) -> WorkflowState:
        """What is due next, computed from the rows."""
        return self._perform(reference, lambda _session: None)

    @performs(declarations.END_TRIAL)
    def end_trial(self, request: ActionRequest) -> WorkflowState:
        """The trial is over and the first period open."""
        return self._act(request, periods.end_trial, ids_of)

    @performs(declarations.RESUME_SUBSCRIPTION)
    def resume_subscription(self, request: ActionRequest) -> WorkflowState:
        """The planned end of a pause has come."""
        return self._act(request, periods.resume_due, ids_of)

    @performs(declarations.APPLY_CHANGE)
    def apply_change(self, request: ActionRequest) -> WorkflowState:
        """What waited for the missed periods is done."""
        return self._act(request, pending_changes.apply_change, ids_of)

    @performs(declarations.MARK_PAST_DUE)
    def mark_past_due(self, request: ActionRequest) -> WorkflowState:
        """An unpaid invoice has passed its due date."""
        return self._act(request, finalize.mark_past_due, invoice_of)

    @performs(declarations.SETTLE_LATE_USAGE)
    def settle_late_usage(self, request: ActionRequest) -> WorkflowState:
        """Usage that came after its final invoice has an invoice or a credit note of its own."""
        return self._act(request, late_settlement.settle_late_usage, ids_of)

    @performs(declarations.RETURN_CREDIT)
    def return_credit(self, request: ActionRequest) -> WorkflowState:
        """Credit that no bill took any more has become credit notes."""
        return self._act(request, credit_returns.return_credit, ids_of)

    @performs(declarations.GRANT_CREDIT)
    def grant_credit(self, request: ActionRequest) -> WorkflowState:
        """Credit that recurs is granted again."""
        return self._act(request, recurring.grant_due, ids_of)

    @performs(declarations.PARK_BILL)
    def park_bill(self, request: ParkRequest) -> WorkflowState:
        """A bill that cannot go on is set aside until people have looked at it."""
        organization_id, subscription_id = ids_of(request)
        return self._perform(
            request,
            lambda session: parking.park_bill(
                session,
                organization_id,
                subscription_id,
                period_index=request.period_index,
                step=request.step,
                reason=request.reason,
                at=request.due_at,
                now=self._now(),
            ),
        )

    @performs(declarations.RECORD_PROGRESS)
    def record_progress(self, request: ProgressRequest) -> WorkflowState:
        """The test clock knows that this workflow has come along."""
        organization_id, subscription_id = ids_of(request)
        return self._perform(
            request,
            lambda session: clocks.record_progress(
                session, organization_id, subscription_id, request.through
            ),
        )

    def _perform(self, request: AnyRequest, work: Work) -> WorkflowState:
        organization_id, subscription_id = ids_of(request)
        with translated(), self._transactions.for_organization(organization_id) as session:
            work(session)
            session.flush()
            [state] = agenda.report_states(
                session, [(organization_id, subscription_id)], now=self._now()
            )
        return replace(state, read_at=self._now())

    def _act(
        self,
        request: ActionRequest,
        service: Service[*Subject],
        subject: Callable[[ActionRequest], tuple[*Subject]],
    ) -> WorkflowState:
        """The service has done to its subject what was due."""
        return self._perform(
            request,
            lambda session: service(
                session, *subject(request), due_at=request.due_at, now=self._now()
            ),
        )
