"""Entitlements: what a customer may use now (CONTRACT 11, 43). Asked before every use, so fast."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from fastapi import Request, Response

from api.access.authentication import authenticate_async
from api.access.principal import Principal
from api.context import AppState, state_of
from api.reads.credit_left import has_credit
from api.schemas.entitlements import EntitlementView, view_entitlement
from api.schemas.pages import ListOf
from api.transport.exact_json import dump_json, respond
from api.transport.route import Router
from billing.errors import Forbidden
from services.accounts.roles import ROLES
from services.entitlements import access, cached_checks

router = Router(prefix="/customers/{customer_id}", tags=["Customers"])

_ACCESS: Final[dict[str, Any]] = {
    "security": [{"session": []}, {"bearer": []}, {"api_key": []}],
    "x-scopes": ["usage.read", "billing.read"],
    "x-roles": list(ROLES),
}


@router.fast_get(
    "/entitlements/{lookup_key}", response_model=EntitlementView, openapi_extra=_ACCESS
)
async def get_entitlement(request: Request, customer_id: str, lookup_key: str) -> Response:
    """Show whether a customer, by their id or external id, may use a feature now.

    Counts every event that was acknowledged before. Needs the scope `usage.read` or `billing.read`.
    """
    state, principal = await _admit(request)
    found = await cached_checks.check_entitlement(
        principal.organization_id,
        customer_id,
        lookup_key,
        ask=state.batched_checks.ask,
        lend=partial(state.read_connections.lend, principal.organization_id),
        cache=state.check_cache,
        has_credit=partial(has_credit, state.context.transactions),
        now=state.context.now(),
    )
    key = (principal.organization_id, customer_id, lookup_key)
    body = state.body_cache.find(key, found)
    if body is None:
        body = dump_json(view_entitlement(found))
        if key in state.check_cache.checks:
            state.body_cache.put(key, found, body)
    return Response(body, media_type="application/json")


@router.fast_get("/entitlements", response_model=ListOf[EntitlementView], openapi_extra=_ACCESS)
async def list_entitlements(request: Request, customer_id: str) -> Response:
    """Show what a customer may use, by their id or external id: an answer for every feature.

    Needs the scope `usage.read` or `billing.read`.
    """
    state, principal = await _admit(request)
    async with state.read_connections.lend(principal.organization_id) as connection:
        found = await access.list_entitlements(
            connection,
            principal.organization_id,
            customer_id,
            cache=state.check_cache.terms,
            has_credit=partial(has_credit, state.context.transactions),
            now=state.context.now(),
        )
    return respond({"data": [view_entitlement(one) for one in found]})


async def _admit(request: Request) -> tuple[AppState, Principal]:
    state = state_of(request.app)
    principal = await authenticate_async(request, state.context)
    try:
        principal.require_scope("usage.read")
    except Forbidden:
        principal.require_scope("billing.read")
    return state, principal
