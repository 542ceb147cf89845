"""Deferred revenue of credit (docs/concepts/credits.md)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession
from api.schemas.credits.deferred import DeferredRevenueView, view_deferred
from api.transport.exact_json import respond
from api.transport.route import Router
from services.credits.deferred import read_deferred

router = Router(tags=["Credits"])

OneUnit = Annotated[
    str | None, Query(max_length=40, description="Of this unit alone: its code, or a currency.")
]


@router.get("/credits/deferred-revenue", response_model=DeferredRevenueView)
def get_deferred_revenue(session: ReadSession, principal: Reader, unit: OneUnit = None) -> Response:
    """Show the money of credit that was sold and is not spent, by currency."""
    code = None if unit is None else unit.strip().upper()
    found = read_deferred(session, principal.organization_id, code)
    return respond(view_deferred(code, found))
