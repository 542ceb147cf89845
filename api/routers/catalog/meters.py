"""Meters: what is measured and, by default, what it costs."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.catalog.meters import (
    EditedMeterView,
    MeterCreate,
    MeterPatch,
    MeterView,
    view_meter,
)
from api.schemas.catalog.plan_edits import with_reach
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from services.catalog import meters

router = Router(prefix="/meters", tags=["Meters"])


@router.post("", status_code=201, response_model=MeterView)
def create_meter(
    body: MeterCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Create a meter without a feature."""
    created = meters.create_meter(
        session, principal.organization_id, body.command(), now=context.now()
    )
    return respond(view_meter(created), 201)


@router.get("", response_model=PageOf[MeterView])
def list_meters(session: ReadSession, principal: Reader, page: PageDep) -> Response:
    """List meters in the order of their creation."""
    found, total = meters.list_meters(
        session, principal.organization_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_meter(one) for one in found], page, total))


@router.get("/{meter_id}", response_model=MeterView)
def get_meter(meter_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show a meter."""
    return respond(view_meter(meters.get_meter(session, principal.organization_id, meter_id)))


@router.patch("/{meter_id}", response_model=EditedMeterView)
def update_meter(
    meter_id: UUID, body: MeterPatch, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Edit a meter; each plan that prices by it gets a new version."""
    edited = meters.update_meter(
        session,
        principal.organization_id,
        meter_id,
        body.command(),
        effective=body.effective,
        now=context.now(),
    )
    return respond(with_reach(EditedMeterView, view_meter(edited.result), edited.reach))


@router.delete("/{meter_id}", status_code=204)
def delete_meter(
    meter_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Retire a meter that no feature and no charge uses."""
    meters.delete_meter(session, principal.organization_id, meter_id, now=context.now())
    return Response(status_code=204)
