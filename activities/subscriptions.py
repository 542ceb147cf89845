"""The steps of a workflow. Each is one transaction around one service call, keyed by what it does.

Repeating any of them changes nothing: the key is the subscription, the period, the step and the
revision, or the invoice; never a run, an attempt or a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeVar, TypeVarTuple
from uuid import UUID

from sqlmodel import Session
from temporalio import activity

from activities import messages
from activities.errors import translated
from activities.messages import (
    ActionRequest,
    ParkRequest,
    ProgressRequest,
    Request,
    Result,
    Step,
    StepDone,
    SubscriptionReference,
)
from billing.errors import InvariantBroken
from billing.subscriptions import WorkflowState
from repositories.transactions import Transactions
from services.corrections import credit_returns
from services.invoicing import drafts, finalize, late_settlement, parking
from services.lifecycle import pending_changes
from services.rating import steps
from services.rating.steps import BillKey, StepResult
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
    """What the workflow of a subscription may ask for; built where the worker is composed."""

    def __init__(self, transactions: Transactions, now: Callable[[], datetime]) -> None:
        self._transactions = transactions
        self._now = now

    @performs(messages.READ_AGENDA)
    def read_agenda(self, reference: SubscriptionReference) -> WorkflowState:
        """What is due next, computed from the rows."""
        return self._perform(reference, lambda _session: None)

    @performs(messages.END_TRIAL)
    def end_trial(self, request: ActionRequest) -> WorkflowState:
        """The trial is over and the first period open."""
        return self._act(request, periods.end_trial, ids_of)

    @performs(messages.RESUME_SUBSCRIPTION)
    def resume_subscription(self, request: ActionRequest) -> WorkflowState:
        """The planned end of a pause has come."""
        return self._act(request, periods.resume_due, ids_of)

    @performs(messages.ROLL_PERIOD)
    def roll_period(self, request: ActionRequest) -> WorkflowState:
        """The period is closed and the next one open."""
        return self._act(request, periods.roll_period, _period_of)

    @performs(messages.QUERY_USAGE)
    def query_usage(self, request: ActionRequest) -> StepDone:
        """The usage of the period is frozen up to a watermark."""
        return self._bill_step(request, steps.query_usage, "windows of usage")

    @performs(messages.AGGREGATE_USAGE)
    def aggregate_usage(self, request: ActionRequest) -> StepDone:
        """What was measured, included and over a limit is known per charge."""
        return self._bill_step(request, steps.aggregate_usage, "measured charges")

    @performs(messages.PRICE_USAGE)
    def price_usage(self, request: ActionRequest) -> StepDone:
        """Every charge has a priced line."""
        return self._bill_step(request, steps.price_usage, "priced lines")

    @performs(messages.ENFORCE_LIMITS)
    def enforce_limits(self, request: ActionRequest) -> StepDone:
        """Lines over a hard limit are marked or waived."""
        return self._bill_step(request, steps.enforce_limits, "lines within limits")

    @performs(messages.ISSUE_INVOICE)
    def issue_invoice(self, request: ActionRequest) -> WorkflowState:
        """The period has its draft invoice."""
        return self._act(request, drafts.issue_invoice, lambda request: (bill_of(request),))

    @performs(messages.APPLY_CHANGE)
    def apply_change(self, request: ActionRequest) -> WorkflowState:
        """What waited for the missed periods is done."""
        return self._act(request, pending_changes.apply_change, ids_of)

    @performs(messages.FINALIZE_INVOICE)
    def finalize_invoice(self, request: ActionRequest) -> WorkflowState:
        """The draft's grace is over: it is OPEN, or PAID where nothing is owed."""
        return self._act(request, finalize.finalize_due_invoice, _invoice_of)

    @performs(messages.MARK_PAST_DUE)
    def mark_past_due(self, request: ActionRequest) -> WorkflowState:
        """An unpaid invoice has passed its due date."""
        return self._act(request, finalize.mark_past_due, _invoice_of)

    @performs(messages.SETTLE_LATE_USAGE)
    def settle_late_usage(self, request: ActionRequest) -> WorkflowState:
        """Usage that came after its final invoice has an invoice or a credit note of its own."""
        return self._act(request, late_settlement.settle_late_usage, ids_of)

    @performs(messages.RETURN_CREDIT)
    def return_credit(self, request: ActionRequest) -> WorkflowState:
        """Credit that no bill took any more has become credit notes."""
        return self._act(request, credit_returns.return_credit, ids_of)

    @performs(messages.PARK_BILL)
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

    @performs(messages.RECORD_PROGRESS)
    def record_progress(self, request: ProgressRequest) -> WorkflowState:
        """The test clock knows that this workflow has come along."""
        organization_id, subscription_id = ids_of(request)
        return self._perform(
            request,
            lambda session: clocks.record_progress(
                session, organization_id, subscription_id, request.through
            ),
        )

    def _perform(
        self,
        request: SubscriptionReference | ActionRequest | ParkRequest | ProgressRequest,
        work: Work,
    ) -> WorkflowState:
        organization_id, subscription_id = ids_of(request)
        with translated(), self._transactions.for_organization(organization_id) as session:
            work(session)
            session.flush()
            state = agenda.get_state(session, organization_id, subscription_id)
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

    def _bill_step(
        self, request: ActionRequest, step: Callable[..., StepResult], noun: str
    ) -> StepDone:
        organization_id, _ = ids_of(request)
        with translated(), self._transactions.for_organization(organization_id) as session:
            result = step(session, bill_of(request), now=self._now())
        return StepDone(digest=result.digest, summary=f"{result.count} {noun}")


def ids_of(
    request: SubscriptionReference | ActionRequest | ParkRequest | ProgressRequest,
) -> tuple[UUID, UUID]:
    """Organization and subscription of a request, as the database knows them."""
    return UUID(request.organization_id), UUID(request.subscription_id)


def bill_of(request: ActionRequest) -> BillKey:
    """The bill that a request is about."""
    organization_id, subscription_id, period_index = _period_of(request)
    return BillKey(
        organization_id=organization_id,
        subscription_id=subscription_id,
        period_index=period_index,
        revision=request.revision,
    )


def _period_of(request: ActionRequest) -> tuple[UUID, UUID, int]:
    if request.period_index is None:
        raise InvariantBroken("The action names no period.")
    return (*ids_of(request), request.period_index)


def _invoice_of(request: ActionRequest) -> tuple[UUID, UUID]:
    if request.invoice_id is None:
        raise InvariantBroken("The action names no invoice.")
    return UUID(request.organization_id), UUID(request.invoice_id)
