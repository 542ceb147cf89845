"""Plans, their charges and what they grant. Each edit leaves a version behind."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from api.access.sessions import READS_BILLING, Writer, WriteSession
from api.context import ContextDep
from api.reads.fast_reads import show_one, show_page
from api.schemas.catalog.plan_edits import EffectiveChoice, with_reach
from api.schemas.catalog.plan_features import (
    EditedPlanFeatureView,
    PlanFeatureCreate,
    PlanFeaturePatch,
    view_plan_feature,
)
from api.schemas.catalog.plans import (
    ChargeCreate,
    ChargePatch,
    EditedChargeView,
    EditedPlanView,
    PlanCreate,
    PlanPatch,
    PlanSummary,
    PlanView,
    view_charge,
    view_plan,
    view_plan_summary,
)
from api.schemas.common import any_case
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep
from api.transport.route import Router
from billing.rating.terms import PlanType
from repositories.catalog.shown import PLAN_PAGES, PLANS
from services.catalog import charges, grants, plans

router = Router(prefix="/plans", tags=["Plans"])


@router.post("", status_code=201, response_model=PlanView)
def create_plan(
    body: PlanCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Create a plan; charges and features are added to it."""
    created = plans.create_plan(
        session, principal.organization_id, body.command(), now=context.now()
    )
    return respond(view_plan(created), 201)


@router.fast_get("", response_model=PageOf[PlanSummary], dependencies=[READS_BILLING])
async def list_plans(
    request: Request,
    page: PageDep,
    type: Annotated[PlanType | None, any_case(PlanType), Query()] = None,
    is_active: bool | None = None,
) -> Response:
    """List plans, oldest first."""
    return await show_page(
        request, PLAN_PAGES, view_plan_summary, page, type=type, is_active=is_active
    )


@router.fast_get("/{plan_id}", response_model=PlanView, dependencies=[READS_BILLING])
async def get_plan(request: Request, plan_id: str) -> Response:
    """Show a plan with its active charges and what it grants."""
    return await show_one(request, PLANS, view_plan, "plan_id", plan_id)


@router.put("/{plan_id}", response_model=EditedPlanView, operation_id="put_plan")
@router.patch("/{plan_id}", response_model=EditedPlanView)
def update_plan(
    plan_id: UUID, body: PlanPatch, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Edit a plan; what the body leaves out stays."""
    edited = plans.update_plan(
        session,
        principal.organization_id,
        plan_id,
        body.command(),
        effective=body.effective,
        now=context.now(),
    )
    return respond(with_reach(EditedPlanView, view_plan(edited.result), edited.reach))


@router.delete("/{plan_id}", status_code=204)
def delete_plan(
    plan_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Delete a plan that no live subscription uses."""
    plans.delete_plan(session, principal.organization_id, plan_id, now=context.now())
    return Response(status_code=204)


@router.post("/{plan_id}/charges", status_code=201, response_model=EditedChargeView)
def add_charge(
    plan_id: UUID,
    body: ChargeCreate,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Add a charge to a plan."""
    edited = charges.add_charge(
        session,
        principal.organization_id,
        plan_id,
        body.command(),
        effective=body.effective,
        now=context.now(),
    )
    return respond(with_reach(EditedChargeView, view_charge(edited.result), edited.reach), 201)


@router.patch("/{plan_id}/charges/{charge_id}", response_model=EditedChargeView)
def deactivate_charge(
    plan_id: UUID,
    charge_id: UUID,
    body: ChargePatch,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Deactivate a charge; nothing else about it can change."""
    edited = charges.set_charge_status(
        session,
        principal.organization_id,
        plan_id,
        charge_id,
        body.status,
        effective=body.effective,
        now=context.now(),
    )
    return respond(with_reach(EditedChargeView, view_charge(edited.result), edited.reach))


@router.post("/{plan_id}/features", status_code=201, response_model=EditedPlanFeatureView)
def add_plan_feature(
    plan_id: UUID,
    body: PlanFeatureCreate,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Grant a feature with a plan."""
    edited = grants.add_plan_feature(
        session,
        principal.organization_id,
        plan_id,
        body.feature_id,
        body.command(),
        effective=body.effective,
        now=context.now(),
    )
    return respond(
        with_reach(EditedPlanFeatureView, view_plan_feature(edited.result), edited.reach), 201
    )


@router.patch("/{plan_id}/features/{plan_feature_id}", response_model=EditedPlanFeatureView)
def update_plan_feature(
    plan_id: UUID,
    plan_feature_id: UUID,
    body: PlanFeaturePatch,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Change what a plan grants of a feature."""
    edited = grants.update_plan_feature(
        session,
        principal.organization_id,
        plan_id,
        plan_feature_id,
        body.command(),
        effective=body.effective,
        now=context.now(),
    )
    return respond(
        with_reach(EditedPlanFeatureView, view_plan_feature(edited.result), edited.reach)
    )


@router.delete("/{plan_id}/features/{plan_feature_id}", status_code=204)
def remove_plan_feature(
    plan_id: UUID,
    plan_feature_id: UUID,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
    effective: Annotated[EffectiveChoice, Query()] = None,
) -> Response:
    """Grant a feature with a plan no more."""
    grants.remove_plan_feature(
        session,
        principal.organization_id,
        plan_id,
        plan_feature_id,
        effective=effective,
        now=context.now(),
    )
    return Response(status_code=204)
