"""What can be asked of a subscription: cancel, pause, change of plan, bills now, its timeline."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Request, Response
from sqlmodel import Session

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.admission.requests import BILL_ADMITTED
from api.catching_up import ChangeSession, LastTransaction, open_after_overdue, open_by_name
from api.context import ContextDep, state_of
from api.reads.fast_reads import admit_in_front
from api.routers.invoicing.invoices import view_invoices
from api.routers.subscriptions.previews import write_in_front
from api.routers.subscriptions.subscriptions import PeriodIndex, view_one
from api.schemas.invoicing.invoices import InvoicePreviewView, InvoiceView, view_preview
from api.schemas.pages import ListOf
from api.schemas.subscriptions.actions import (
    CancelRequest,
    ChangePlanRequest,
    CycleAnchor,
    GenerateRequest,
    PauseRequest,
    PendingBillsView,
    PlanChangePreview,
    PreviewRequest,
    SkipRequest,
    TimelineView,
    When,
    view_preview_of_change,
    view_timeline,
)
from api.schemas.subscriptions.subscriptions import SubscriptionView
from api.transport.exact_json import respond
from api.transport.fast_path import LeftToFramework
from api.transport.route import Router
from api.transport.urls.natural_keys import read_id
from billing.errors import BillingError
from models.subscriptions.subscriptions import Subscription
from repositories.asynchronous.prefetched import NotPrefetched
from repositories.subscriptions.timelines import TIMELINES, StoredTimeline, prefetch
from services.invoicing import parking, previews
from services.lifecycle import bill_now, changes, plan_changes, reissue
from services.subscriptions import timeline
from services.subscriptions.start import get_subscription

PENDING: Final[dict[int | str, dict[str, Any]]] = {202: {"model": SubscriptionView}}
"""What a change answers that waits for missed periods, or for the workflow engine."""

router = Router(
    prefix="/subscriptions/{subscription_id}", tags=["Subscriptions"], admission=BILL_ADMITTED
)


@router.post("/cancel", response_model=SubscriptionView, responses=PENDING)
def cancel_subscription(
    subscription_id: UUID,
    session: ChangeSession,
    principal: Writer,
    context: ContextDep,
    body: CancelRequest | None = None,
) -> Response:
    """End a subscription, at its period's end or at once."""
    asked = body or CancelRequest()
    subscription = changes.cancel_subscription(
        session,
        principal.organization_id,
        subscription_id,
        at_period_end=asked.cancel_at_period_end,
        reason=asked.reason,
        now=context.now(),
    )
    return show_changed(session, subscription)


@router.post("/reactivate", response_model=SubscriptionView, responses=PENDING)
def reactivate_subscription(
    subscription_id: UUID, session: ChangeSession, principal: Writer, context: ContextDep
) -> Response:
    """Take back a cancellation that has not taken effect."""
    subscription = changes.reactivate_subscription(
        session, principal.organization_id, subscription_id, now=context.now()
    )
    return show_changed(session, subscription)


@router.post("/pause", response_model=SubscriptionView, responses=PENDING)
def pause_subscription(
    subscription_id: UUID,
    session: ChangeSession,
    principal: Writer,
    context: ContextDep,
    body: PauseRequest | None = None,
) -> Response:
    """Let billing rest."""
    subscription = changes.pause_subscription(
        session,
        principal.organization_id,
        subscription_id,
        resume_at=body.resume_at if body else None,
        now=context.now(),
    )
    return show_changed(session, subscription)


@router.post("/resume", response_model=SubscriptionView, responses=PENDING)
def resume_subscription(
    subscription_id: UUID, session: ChangeSession, principal: Writer, context: ContextDep
) -> Response:
    """Let billing go on."""
    subscription = changes.resume_subscription(
        session, principal.organization_id, subscription_id, now=context.now()
    )
    return show_changed(session, subscription)


@router.post("/change-plan", response_model=SubscriptionView | PlanChangePreview, responses=PENDING)
def change_subscription_plan(
    subscription_id: UUID,
    body: ChangePlanRequest,
    session: ChangeSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Put a subscription on another plan, or show what that would bill."""
    at_period_end = body.when is When.PERIOD_END
    restarts_cycle = body.anchor is CycleAnchor.NOW
    if body.preview:
        shown = plan_changes.preview_change(
            session,
            principal.organization_id,
            subscription_id,
            body.plan_id,
            at_period_end=at_period_end,
            restarts_cycle=restarts_cycle,
            now=context.now(),
        )
        return respond(view_preview_of_change(shown))
    subscription = plan_changes.change_plan(
        session,
        principal.organization_id,
        subscription_id,
        body.plan_id,
        at_period_end=at_period_end,
        restarts_cycle=restarts_cycle,
        now=context.now(),
    )
    return show_changed(session, subscription)


@router.post("/preview-invoice", response_model=InvoicePreviewView)
def preview_invoice(
    subscription_id: UUID,
    session: ReadSession,
    principal: Reader,
    body: PreviewRequest | None = None,
) -> Response:
    """Show the invoice as it would look; nothing is stored."""
    preview = previews.preview_invoice(
        session, principal.organization_id, subscription_id, at=body.at if body else None
    )
    return respond(view_preview(preview))


@router.in_front("/preview-invoice", preview_invoice)
async def show_preview(request: Request, subscription_id: str) -> Response:
    """Show the invoice of the whole period by two statements, where nothing is unusual of it."""
    body = await write_in_front(request, subscription_id)
    return Response(body, media_type="application/json")


@router.post(
    "/generate-invoice",
    status_code=201,
    response_model=ListOf[InvoiceView],
    responses={202: {"model": PendingBillsView}},
    dependencies=[Depends(open_by_name)],
)
def generate_invoice(
    subscription_id: UUID,
    last: Annotated[LastTransaction, Depends(open_after_overdue, scope="function")],
    principal: Writer,
    body: GenerateRequest | None = None,
) -> Response:
    """Bill overdue periods now, or else the part of the current one that has passed.

    With ``period_index`` bill one period that has no bill: its draft was deleted, or it is overdue.
    """
    session, organization_id, now = last.session, principal.organization_id, last.asked_at
    index = body.period_index if body is not None else None
    if index is None:
        made = bill_now.generate_invoices(
            session, organization_id, subscription_id, overdue=last.overdue, now=now
        )
    else:
        was_overdue = last.overdue is not None
        again = reissue.bill_unbilled_period(
            session, organization_id, subscription_id, index, was_overdue=was_overdue, now=now
        )
        made = [again]
    if made is None:
        waiting = view_one(session, get_subscription(session, organization_id, subscription_id))
        return respond(PendingBillsView(data=[], pending_change=waiting.pending_change), 202)
    return respond({"data": view_invoices(session, organization_id, made)}, 201)


@router.get("/timeline", response_model=TimelineView)
def get_subscription_timeline(
    subscription_id: UUID, session: ReadSession, principal: Reader
) -> Response:
    """Show what happened to a subscription and what will."""
    shown = timeline.read_timeline(session, principal.organization_id, subscription_id)
    return respond(view_timeline(shown))


@router.in_front("/timeline", get_subscription_timeline)
async def show_timeline(request: Request, subscription_id: str) -> Response:
    """Show the timeline by one statement, where nothing is unusual of it."""
    identifier = read_id(subscription_id)
    if identifier is None:
        raise LeftToFramework
    organization_id, state = await admit_in_front(request), state_of(request.app)
    found = await state.batched_documents.find(TIMELINES, organization_id, identifier)
    if found is None:
        raise LeftToFramework
    try:
        body = state.written_views.write(TIMELINES, _view_stored, found)
    except (NotPrefetched, BillingError) as error:
        raise LeftToFramework from error
    return Response(body, media_type="application/json")


@router.post("/periods/{period_index}/retry", response_model=SubscriptionView)
def retry_bill(
    subscription_id: UUID,
    period_index: PeriodIndex,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Start a parked bill again, after what broke it was mended."""
    parking.retry_bill(
        session, principal.organization_id, subscription_id, period_index, now=context.now()
    )
    return _show(session, principal.organization_id, subscription_id)


@router.post("/periods/{period_index}/skip", response_model=SubscriptionView)
def skip_bill(
    subscription_id: UUID,
    period_index: PeriodIndex,
    body: SkipRequest,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Give a parked bill up for a stated reason, which the audit log keeps."""
    organization_id, reason = principal.organization_id, body.reason
    parking.skip_bill(
        session, organization_id, subscription_id, period_index, reason=reason, now=context.now()
    )
    return _show(session, organization_id, subscription_id)


@router.delete("", status_code=204, responses=PENDING)
def delete_subscription(
    subscription_id: UUID, session: ChangeSession, principal: Writer, context: ContextDep
) -> Response:
    """Cancel a subscription at once, with its final bill, and hide it.

    202 with the pending change where more periods are missed than one request bills.
    """
    subscription = changes.delete_subscription(
        session, principal.organization_id, subscription_id, now=context.now()
    )
    if subscription.pending_change is not None:
        return show_changed(session, subscription)
    return Response(status_code=204)


def show_changed(session: Session, subscription: Subscription) -> Response:
    """The subscription: 200 once the change is done, 202 while it is pending (CONTRACT 75, 89)."""
    is_pending = subscription.pending_change is not None
    return respond(view_one(session, subscription), 202 if is_pending else 200)


def _view_stored(found: StoredTimeline) -> TimelineView:
    subscription = found.subscription
    its = (subscription.organization_id, subscription.id)
    return view_timeline(timeline.read_timeline(prefetch(found), *its))


def _show(session: Session, organization_id: UUID, subscription_id: UUID) -> Response:
    subscription = get_subscription(session, organization_id, subscription_id)
    return respond(view_one(session, subscription))
