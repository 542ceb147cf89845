"""Reading usage: of meters, of customers, and the events themselves (CONTRACT 3.3, 46, 47)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from sqlmodel import Session

from api.access.sessions import UsageReader, UsageReadSession
from api.admission.requests import COUNT_ADMITTED
from api.context import ContextDep
from api.schemas.common import Words, any_case
from api.schemas.pages import CursorPageOf
from api.schemas.usage import (
    BoundParameter,
    CustomerUsageView,
    MeterStatisticsView,
    MeterUsageView,
    UsageEventView,
    view_customer_usage,
    view_event,
    view_meter_statistics,
    view_meter_usage,
)
from api.transport.exact_json import respond
from api.transport.pagination import COUNTED_AT_MOST, ListRange, ListRangeDep, list_range_envelope
from api.transport.route import Router
from repositories.usage import events
from repositories.usage.events import EventPosition, EventSelection
from services.usage import reports
from services.usage.calendar import Grouping, UsageQuery

router = Router(tags=["Usage"])
counting = Router(prefix="/meters/{meter_id}", tags=["Usage"], admission=COUNT_ADMITTED)

Through = Annotated[
    int | None,
    Query(
        ge=0,
        le=2**63 - 1,
        description="Leave out what arrived after this watermark of a receipt.",
    ),
]


ChangedAfter = Annotated[
    int | None,
    Query(
        ge=0,
        le=2**63 - 1,
        description="Only what arrived, or was corrected, after this watermark of a receipt.",
    ),
]


@router.get("/meters/{meter_id}/usage", response_model=MeterUsageView)
def get_meter_usage(
    meter_id: UUID,
    session: UsageReadSession,
    principal: UsageReader,
    context: ContextDep,
    start_date: BoundParameter | None = None,
    end_date: BoundParameter | None = None,
    group_by: Annotated[Grouping, any_case(Grouping), Query()] = Grouping.DAY,
    customer_id: UUID | None = None,
) -> Response:
    """Show a meter's usage by hour, day, week or month of the organization's calendar.

    The last 30 days unless asked otherwise; a date as end covers that whole day.
    """
    found = reports.query_meter_usage(
        session,
        principal.organization_id,
        meter_id,
        UsageQuery(starts=start_date, ends=end_date),
        grouping=group_by,
        customer_id=customer_id,
        now=context.now(),
    )
    return respond(view_meter_usage(found))


@counting.get("/stats", response_model=MeterStatisticsView)
def get_meter_statistics(
    meter_id: UUID, session: UsageReadSession, principal: UsageReader, context: ContextDep
) -> Response:
    """Show a meter at a glance."""
    found = reports.query_meter_statistics(
        session, principal.organization_id, meter_id, now=context.now()
    )
    return respond(view_meter_statistics(found))


@router.get("/meters/{meter_id}/events", response_model=CursorPageOf[UsageEventView])
def list_meter_events(
    meter_id: UUID,
    session: UsageReadSession,
    principal: UsageReader,
    list_range: ListRangeDep,
    customer_id: UUID | None = None,
    start_date: BoundParameter | None = None,
    end_date: BoundParameter | None = None,
) -> Response:
    """List a meter's events, newest first."""
    reports.get_meter(session, principal.organization_id, meter_id)
    selection = reports.select_events(
        session,
        principal.organization_id,
        EventSelection(meter_id=meter_id, customer_id=customer_id),
        UsageQuery(starts=start_date, ends=end_date),
    )
    return _list(session, principal.organization_id, selection, list_range)


@router.get("/usage", response_model=CursorPageOf[UsageEventView])
def list_usage_events(
    session: UsageReadSession,
    principal: UsageReader,
    list_range: ListRangeDep,
    customer_id: UUID | None = None,
    meter_id: UUID | None = None,
    idempotency_key: Annotated[Words | None, Query()] = None,
    start_date: BoundParameter | None = None,
    end_date: BoundParameter | None = None,
    late: bool | None = None,
    counted: bool | None = None,
    voided: bool | None = None,
    changed_after: ChangedAfter = None,
    through: Through = None,
) -> Response:
    """List usage events, newest first."""
    if customer_id is not None:
        reports.get_customer(session, principal.organization_id, customer_id)
    if meter_id is not None:
        reports.get_meter(session, principal.organization_id, meter_id)
    selection = reports.select_events(
        session,
        principal.organization_id,
        EventSelection(
            meter_id=meter_id,
            customer_id=customer_id,
            idempotency_key=idempotency_key,
            late=late,
            counted=counted,
            voided=voided,
            changed_after=changed_after,
            through=through,
        ),
        UsageQuery(starts=start_date, ends=end_date),
    )
    return _list(session, principal.organization_id, selection, list_range)


@router.get("/customers/{customer_id}/usage", response_model=CustomerUsageView)
def get_customer_usage(
    customer_id: UUID,
    session: UsageReadSession,
    principal: UsageReader,
    context: ContextDep,
    start_date: BoundParameter | None = None,
    end_date: BoundParameter | None = None,
) -> Response:
    """Show a customer's usage on every meter that saw any, by default in the last 30 days."""
    found = reports.query_customer_usage(
        session,
        principal.organization_id,
        customer_id,
        UsageQuery(starts=start_date, ends=end_date),
        now=context.now(),
    )
    return respond(view_customer_usage(found))


def _list(
    session: Session, organization_id: UUID, selection: EventSelection, list_range: ListRange
) -> Response:
    size = list_range.page.size
    after = list_range.after and EventPosition(
        timestamp=list_range.after[0], event_id=list_range.after[1]
    )
    # One more than is shown tells whether the list goes on.
    found = events.list_events(
        session, organization_id, selection, after=after, offset=list_range.offset, limit=size + 1
    )
    total = events.count_events(session, organization_id, selection, limit=COUNTED_AT_MOST + 1)
    shown = found[:size]
    corrections = events.list_newest_corrections(
        session, organization_id, [event.id for event in shown], through=selection.through
    )
    last = (shown[-1].timestamp, shown[-1].id) if len(found) > size else None
    views = [view_event(event, corrections.get(event.id)) for event in shown]
    return respond(list_range_envelope(views, list_range, total, last))
