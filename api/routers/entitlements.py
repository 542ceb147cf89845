"""Entitlements: what a customer may use now (CONTRACT 11, 43). Asked before every use, so fast."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.routing import Route

from api.access.authentication import authenticate_async
from api.access.scopes import Principal
from api.context import AppContext
from api.reads.body_cache import KeptBodies
from api.reads.connections import ReadConnections
from api.schemas.entitlements import EntitlementList, EntitlementView, view_entitlement
from api.transport.direct_routes import DirectRoute
from api.transport.exact_json import dump_json, respond
from api.transport.strict_routes import StrictRoute
from billing.errors import Forbidden
from services.entitlements import access, cached_checks
from services.entitlements.cached_checks import CheckMemory

router = APIRouter(prefix="/customers/{customer_id}", tags=["Customers"], route_class=StrictRoute)

_ACCESS: Final[dict[str, Any]] = {
    "security": [{"session": []}, {"bearer": []}, {"api_key": []}],
}


@router.get("/entitlements", response_model=EntitlementList, openapi_extra=_ACCESS)
async def list_entitlements(request: Request, customer_id: str) -> Response:
    """Show what a customer may use, by their id or external id: an answer for every feature.

    Needs the scope `usage.read` or `billing.read`.
    """
    context, principal = await _admit(request)
    connections, memory = _held(request)
    async with connections.lend() as connection:
        found = await access.list_entitlements(
            connection,
            principal.organization_id,
            customer_id,
            known=memory.terms,
            now=context.now(),
        )
    return respond({"data": [view_entitlement(one) for one in found]})


@router.get("/entitlements/{lookup_key}", response_model=EntitlementView, openapi_extra=_ACCESS)
async def get_entitlement(request: Request, customer_id: str, lookup_key: str) -> Response:
    """Show whether a customer, by their id or external id, may use a feature now.

    Counts every event that was acknowledged before. Needs the scope `usage.read` or `billing.read`.
    """
    context, principal = await _admit(request)
    connections, memory = _held(request)
    found = await cached_checks.check_entitlement(
        principal.organization_id,
        customer_id,
        lookup_key,
        ask=request.app.state.shared_checks.ask,
        lend=connections.lend,
        memory=memory,
        now=context.now(),
    )
    key = (principal.organization_id, customer_id, lookup_key)
    kept: KeptBodies = request.app.state.kept_bodies
    body = kept.find(key, found)
    if body is None:
        body = dump_json(view_entitlement(found))
        if key in memory.checks:
            kept.keep(key, found, body)
    return Response(body, media_type="application/json")


def make_routes(prefix: str) -> list[DirectRoute]:
    """The same routes without the framework, which documents them; the busier one first."""
    return [
        DirectRoute(prefix + route.path, route.endpoint, method="GET")
        for route in reversed(router.routes)
        if isinstance(route, Route)
    ]


async def _admit(request: Request) -> tuple[AppContext, Principal]:
    context: AppContext = request.app.state.context
    principal = await authenticate_async(request, context)
    try:
        principal.require_scope("usage.read")
    except Forbidden:
        principal.require_scope("billing.read")
    return context, principal


def _held(request: Request) -> tuple[ReadConnections, CheckMemory]:
    state = request.app.state
    return state.read_connections, state.check_memory
