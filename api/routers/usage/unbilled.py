"""Usage that no subscription charges (CONTRACT 98)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.access.sessions import UsageReader, UsageReadSession
from api.context import ContextDep
from api.schemas.pages import PartOf
from api.schemas.usage import UnbilledUsageView
from api.transport.exact_json import respond
from api.transport.pagination import read_pair_cursor, write_pair_cursor
from api.transport.route import Router
from repositories.usage.unbilled import UsedPair
from services.usage import unbilled

router = Router(prefix="/usage", tags=["Usage"])


@router.get("/unbilled", response_model=PartOf[UnbilledUsageView])
def list_unbilled_usage(
    session: UsageReadSession,
    principal: UsageReader,
    context: ContextDep,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[
        str | None, Query(max_length=200, description="``meta.next_cursor`` of the part before.")
    ] = None,
) -> Response:
    """List usage of the last 35 days that no subscription charges, by customer and meter.

    A part may have fewer rows than were asked for; the list ends where ``next_cursor`` is null.
    """
    found = unbilled.list_unbilled(
        session,
        principal.organization_id,
        after=None if cursor is None else UsedPair(*read_pair_cursor(cursor)),
        limit=page_size,
        now=context.now(),
    )
    last = found.next_after
    shown = [UnbilledUsageView.model_validate(one, from_attributes=True) for one in found.usages]
    next_cursor = None if last is None else write_pair_cursor(*last)
    return respond({"data": shown, "meta": {"page_size": page_size, "next_cursor": next_cursor}})
