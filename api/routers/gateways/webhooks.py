"""What gateways tell, without a login: their signature is what proves it (CONTRACT 29).

Who sends what is refused is told nothing of why, and counts by his address. Those whose signature
is not known yet have a few places of their own, whatever organizations they name.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import Request, Response

from api.access.address_limits import address_of
from api.admission.requests import CALLER_WATCHED, leaving_of, work_for
from api.context import AppContext, ContextDep, state_of
from api.schemas.gateways.events import ReceivedView
from api.transport.exact_json import respond
from api.transport.route import RawRoute, Router
from billing.errors import NotFound
from billing.payments.gateways import WebhookRefused
from services.payments import events
from services.payments.events import Webhook

GATEWAYS: Final = "gateways"
"""The party of all who say that they are gateways."""

router = Router(prefix="/webhooks", tags=["Gateways"], admission=None, route_class=RawRoute)


@router.post(
    "/{provider}/tenant_{organization_id}/{connection_id}",
    response_model=ReceivedView,
    dependencies=[CALLER_WATCHED],
)
async def receive_gateway_webhook(
    provider: str,
    organization_id: UUID,
    connection_id: UUID,
    request: Request,
    context: ContextDep,
) -> Response:
    """Take what a gateway tells: stored before this answer, worked on after it."""
    webhook = Webhook(
        organization_id=organization_id,
        connection_id=connection_id,
        provider=provider,
        headers=dict(request.headers),
        body=await request.body(),
    )
    state, leaving = state_of(request.app), leaving_of(request)
    limit = state.address_limits.refused_webhooks.counting_refusals(
        address_of(request),
        now=context.now(),
        leaving=leaving,
        refusals=(WebhookRefused, NotFound),
    )
    async with limit, state.webhook_line.admit(organization_id, leaving=leaving):
        await work_for(GATEWAYS, request, _receive, context, webhook)
    return respond(ReceivedView())


def _receive(context: AppContext, webhook: Webhook) -> None:
    with context.transactions.for_organization(webhook.organization_id) as session:
        events.receive(
            session,
            webhook,
            gateways=context.gateways,
            sealing=context.security.sealer,
            public_url=context.public_url,
            now=context.now(),
        )
