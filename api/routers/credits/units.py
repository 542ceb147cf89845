"""Units of credit (docs/concepts/credits.md)."""

from __future__ import annotations

from fastapi import Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.credits.units import CreditUnitCreate, CreditUnitView, view_unit
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from services.credits import units

router = Router(prefix="/units", tags=["Credits"])


@router.post("", status_code=201, response_model=CreditUnitView)
def create_unit(
    body: CreditUnitCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Create a unit that credit is counted in; it never changes."""
    created = units.create_unit(
        session, principal.organization_id, body.command(), now=context.now()
    )
    return respond(view_unit(created), 201)


@router.get("", response_model=PageOf[CreditUnitView])
def list_units(session: ReadSession, principal: Reader, page: PageDep) -> Response:
    """List the units that were made, and the currencies in which credit was granted."""
    found, total = units.list_units(
        session, principal.organization_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_unit(one) for one in found], page, total))
