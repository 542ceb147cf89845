"""Subscriptions: create, read, list, and whether they are billed as they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import Path, Query, Request, Response
from sqlmodel import Session

from api.access.sessions import READS_BILLING, Writer, WriteSession
from api.context import ContextDep
from api.reads.fast_reads import show_one, show_page
from api.schemas.common import Instant, any_case
from api.schemas.pages import PageOf
from api.schemas.subscriptions.subscriptions import (
    SubscriptionCreate,
    SubscriptionPatch,
    SubscriptionView,
    SubscriptionWithPlanView,
    view_subscription,
    view_with_plan,
)
from api.transport.exact_json import respond
from api.transport.pagination import PageDep
from api.transport.route import Router
from billing.subscriptions import SubscriptionStatus
from models.subscriptions.subscriptions import Subscription
from repositories import customers
from repositories.catalog import plans
from repositories.catalog.shown import (
    SUBSCRIPTION_PAGES,
    SUBSCRIPTIONS,
    ListedSubscription,
    SubscriptionContents,
)
from services.catalog.versions import parse_terms
from services.invoicing.threshold import amounts
from services.subscriptions import period_versions, start

MOST_PERIODS: Final = 2**31 - 1
PeriodIndex = Annotated[int, Path(ge=0, le=MOST_PERIODS, description="Counted from 0.")]
"""Of a period; no more fit into the column."""

router = Router(prefix="/subscriptions", tags=["Subscriptions"])


@router.post("", status_code=201, response_model=SubscriptionView)
def create_subscription(
    body: SubscriptionCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Subscribe a customer to a plan; its workflow starts with it."""
    subscription = start.create_subscription(
        session,
        principal.organization_id,
        body.command(),
        backdating=context.backdating,
        now=context.now(),
    )
    return respond(view_one(session, subscription), 201)


@router.fast_get("", response_model=PageOf[SubscriptionView], dependencies=[READS_BILLING])
async def list_subscriptions(
    request: Request,
    page: PageDep,
    customer_id: UUID | None = None,
    status: Annotated[SubscriptionStatus | None, any_case(SubscriptionStatus), Query()] = None,
    period_ends_before: Annotated[Instant | None, Query()] = None,
    test_clock_id: UUID | None = None,
    on_test_clock: bool | None = None,
    needs_attention: bool | None = None,
) -> Response:
    """List subscriptions, oldest first."""
    return await show_page(
        request,
        SUBSCRIPTION_PAGES,
        _view,
        page,
        customer_id=customer_id,
        status=status,
        period_ends_before=period_ends_before,
        test_clock_id=test_clock_id,
        on_test_clock=on_test_clock,
        needs_attention=needs_attention or None,
        needs_no_attention=True if needs_attention is False else None,
    )


@router.fast_get(
    "/{subscription_id}", response_model=SubscriptionWithPlanView, dependencies=[READS_BILLING]
)
async def get_subscription(request: Request, subscription_id: str) -> Response:
    """Show a subscription with its plan's entitlements."""
    return await show_one(request, SUBSCRIPTIONS, _view_whole, "subscription_id", subscription_id)


@router.patch("/{subscription_id}", response_model=SubscriptionView)
def update_subscription(
    subscription_id: UUID,
    body: SubscriptionPatch,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Bill a subscription as it runs, whenever so much is unbilled, or only as its periods end."""
    subscription = amounts.set_threshold(
        session,
        principal.organization_id,
        subscription_id,
        body.threshold_amount,
        now=context.now(),
    )
    return respond(view_one(session, subscription))


def view_one(session: Session, subscription: Subscription) -> SubscriptionView:
    """The subscription as the API shows it, with its plan's name."""
    return view_all(session, subscription.organization_id, [subscription])[0]


def view_all(
    session: Session, organization_id: UUID, found: Sequence[Subscription]
) -> list[SubscriptionView]:
    """Subscriptions as the API shows them, with the names of their plans and customers."""
    versions = period_versions.list_versions_in_force(session, organization_id, found)
    keys = [(organization_id, one.customer_id) for one in found]
    buyers = customers.list_by_key(session, keys)
    shown = []
    for key, one in zip(keys, found, strict=True):
        plan = plans.find_plan(session, one.organization_id, one.plan_id)
        assert plan is not None
        name = buyers[key].name
        shown.append(view_subscription(one, plan, versions[one.id], customer_name=name))
    return shown


def _view(found: ListedSubscription) -> SubscriptionView:
    return view_subscription(
        found.subscription, found.plan, found.version, customer_name=found.customer_name
    )


def _view_whole(found: SubscriptionContents) -> SubscriptionWithPlanView:
    return view_with_plan(_view(found), parse_terms(found.terms))
