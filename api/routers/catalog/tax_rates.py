"""Tax rates of the organization."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.catalog.tax_rates import TaxRateCreate, TaxRateView, view_tax_rate
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from services.addresses import find_country
from services.catalog import tax_rates

router = Router(prefix="/tax-rates", tags=["Tax rates"])


@router.post("", status_code=201, response_model=TaxRateView)
def create_tax_rate(
    body: TaxRateCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Create a tax rate; it applies to invoices made from now on."""
    created = tax_rates.create_tax_rate(
        session, principal.organization_id, body.command(), now=context.now()
    )
    return respond(view_tax_rate(created), 201)


@router.get("", response_model=PageOf[TaxRateView])
def list_tax_rates(
    session: ReadSession,
    principal: Reader,
    page: PageDep,
    country: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """List tax rates, oldest first."""
    found, total = tax_rates.list_tax_rates(
        session,
        principal.organization_id,
        country=find_country(country, field="country") if country is not None else None,
        offset=page.offset,
        limit=page.size,
    )
    return respond(envelope([view_tax_rate(one) for one in found], page, total))


@router.get("/{tax_rate_id}", response_model=TaxRateView)
def get_tax_rate(tax_rate_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show a tax rate."""
    return respond(
        view_tax_rate(tax_rates.get_tax_rate(session, principal.organization_id, tax_rate_id))
    )


@router.delete("/{tax_rate_id}", status_code=204)
def delete_tax_rate(
    tax_rate_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Delete a tax rate; issued invoices keep it."""
    tax_rates.delete_tax_rate(session, principal.organization_id, tax_rate_id, now=context.now())
    return Response(status_code=204)
