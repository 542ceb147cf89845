"""Who changed which price of a plan, and whom it met (docs/concepts/price-history.md)."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import Path, Query, Response

from api.access.sessions import Reader, ReadSession
from api.schemas.catalog.plan_history import (
    MetSubscriptionView,
    PlanChangeView,
    view_met,
    view_plan_change,
)
from api.schemas.pages import PartOf
from api.transport.exact_json import respond
from api.transport.pagination import (
    MOST_ITEMS,
    read_pair_cursor,
    read_sequence_cursor,
    write_pair_cursor,
    write_sequence_cursor,
)
from api.transport.route import Router
from services.catalog import history

router = Router(prefix="/plans/{plan_id}", tags=["Plans"])

PageSize = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[
    str | None, Query(max_length=200, description="``meta.next_cursor`` of the part before.")
]

VERSIONS: Final = "version"
"""What a cursor of changes names, so that none of another list fits."""


@router.get("/changes", response_model=PartOf[PlanChangeView])
def list_plan_changes(
    plan_id: UUID,
    session: ReadSession,
    principal: Reader,
    page_size: PageSize = 20,
    cursor: Cursor = None,
) -> Response:
    """List what was changed of a plan's prices and grants, by whom and when, newest first."""
    before = history.NEWEST if cursor is None else read_sequence_cursor(cursor)[1]
    found = history.list_plan_changes(
        session, principal.organization_id, plan_id, before=before, limit=page_size + 1
    )
    shown = found[:page_size]
    goes_on = len(found) > page_size
    next_cursor = write_sequence_cursor(VERSIONS, shown[-1].made.version) if goes_on else None
    changes = [view_plan_change(one) for one in shown]
    return respond({"data": changes, "meta": {"page_size": page_size, "next_cursor": next_cursor}})


@router.get("/versions/{version}/subscriptions", response_model=PartOf[MetSubscriptionView])
def list_version_subscriptions(
    plan_id: UUID,
    version: Annotated[
        int, Path(ge=1, le=MOST_ITEMS, description="The version of the plan, counted from 1.")
    ],
    session: ReadSession,
    principal: Reader,
    page_size: PageSize = 20,
    cursor: Cursor = None,
) -> Response:
    """List the subscriptions that a version of a plan bills or has billed, with the invoices."""
    found = history.list_met(
        session,
        principal.organization_id,
        plan_id,
        version,
        after=history.FIRST if cursor is None else read_pair_cursor(cursor)[1],
        limit=page_size + 1,
    )
    shown = found.subscriptions[:page_size]
    goes_on = len(found.subscriptions) > page_size
    next_cursor = write_pair_cursor(plan_id, shown[-1].subscription_id) if goes_on else None
    met = [view_met(one, found.invoices[one.subscription_id]) for one in shown]
    return respond({"data": met, "meta": {"page_size": page_size, "next_cursor": next_cursor}})
