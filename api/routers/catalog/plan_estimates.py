"""What a plan would cost: supposed quantities, and an edit before it is made."""

from __future__ import annotations

from time import monotonic
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession
from api.admission.requests import BILL_ADMITTED
from api.context import ContextDep
from api.schemas.catalog.plan_edit_previews import (
    EditPreviewRequest,
    EditPreviewView,
    view_comparison,
)
from api.schemas.catalog.plan_prices import PriceRequest, PriceView, view_price
from api.transport.exact_json import respond
from api.transport.pagination import read_pair_cursor
from api.transport.route import Router
from repositories.subscriptions.plan_followers import FIRST
from services.estimates import plan_edits, prices

LONGEST_SECONDS: Final = 1.0
"""For how long a request rates subscriptions; it then answers with those that it has."""

router = Router(prefix="/plans/{plan_id}", tags=["Plans"], admission=BILL_ADMITTED)


@router.post("/price", response_model=PriceView)
def price_plan(
    plan_id: UUID,
    session: ReadSession,
    principal: Reader,
    context: ContextDep,
    body: PriceRequest | None = None,
) -> Response:
    """Show what quantities would cost. Nothing is stored."""
    asked = body or PriceRequest()
    estimate = prices.price_plan(
        session, principal.organization_id, plan_id, asked.question(), now=context.now()
    )
    return respond(view_price(estimate, has_customer=asked.customer_id is not None))


@router.post("/preview-edit", response_model=EditPreviewView)
def preview_plan_edit(
    plan_id: UUID,
    body: EditPreviewRequest,
    session: ReadSession,
    principal: Reader,
    context: ContextDep,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[
        str | None, Query(max_length=200, description="``meta.next_cursor`` of the part before.")
    ] = None,
) -> Response:
    """Show what an edit would change, for whom. Nothing is stored."""
    until = monotonic() + LONGEST_SECONDS
    comparison = plan_edits.compare_edit(
        session,
        principal.organization_id,
        plan_id,
        body.question(),
        after=FIRST if cursor is None else read_pair_cursor(cursor)[1],
        limit=page_size,
        has_time=lambda: monotonic() < until,
        now=context.now(),
    )
    return respond(view_comparison(comparison, period=body.period, page_size=page_size))
