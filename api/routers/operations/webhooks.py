"""Webhook endpoints, and what became of what they were told (CONTRACT 4.14, 30, section 6)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from api.access.sessions import READS_BILLING, Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.reads.fast_reads import show_page, show_part
from api.schemas.pages import CursorPageOf, PageOf
from api.schemas.webhooks import (
    WebhookDeliveryDetailView,
    WebhookDeliveryView,
    WebhookEndpointCreate,
    WebhookEndpointPatch,
    WebhookEndpointView,
    WebhookEndpointWithSecretView,
    view_delivery,
    view_endpoint,
    view_secrets,
    view_shown_delivery,
)
from api.transport.exact_json import dump_json, respond
from api.transport.idempotency import keep_instead
from api.transport.pagination import ListRangeDep, PageDep
from api.transport.route import Router
from billing.notifications.events import WebhookEvent
from billing.notifications.receivers import read_receiver
from billing.notifications.schedule import DeliveryStatus
from repositories.notifications.deliveries import DELIVERY_PAGES
from repositories.notifications.endpoints import ENDPOINT_PAGES
from services.notifications import deliveries as told
from services.notifications import endpoints as listeners

endpoints = Router(prefix="/webhook-endpoints", tags=["Webhooks"])
deliveries = Router(prefix="/webhook-deliveries", tags=["Webhooks"])


@endpoints.post("", status_code=201, response_model=WebhookEndpointWithSecretView)
def create_webhook_endpoint(
    body: WebhookEndpointCreate,
    request: Request,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Register an endpoint. This answer is the only place where its secrets appear."""
    read_receiver(body.url, may_be_private=context.may_be_private)
    secret = context.security.new_secret()
    created = listeners.create_endpoint(
        session,
        principal.organization_id,
        body.command(),
        secret=secret,
        sealing=context.security.sealer,
        now=context.now(),
    )
    keep_instead(request, dump_json(view_endpoint(created)))
    return respond(view_secrets(created, secret), 201)


@endpoints.fast_get("", response_model=PageOf[WebhookEndpointView], dependencies=[READS_BILLING])
async def list_webhook_endpoints(request: Request, page: PageDep) -> Response:
    """List endpoints, oldest first, without their secrets."""
    return await show_page(request, ENDPOINT_PAGES, view_endpoint, page)


@endpoints.get("/{endpoint_id}", response_model=WebhookEndpointView)
def get_webhook_endpoint(endpoint_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show an endpoint without its secrets."""
    return respond(
        view_endpoint(listeners.get_endpoint(session, principal.organization_id, endpoint_id))
    )


@endpoints.patch("/{endpoint_id}", response_model=WebhookEndpointView)
def update_webhook_endpoint(
    endpoint_id: UUID,
    body: WebhookEndpointPatch,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Edit an endpoint, disable it, or enable it again."""
    if "url" in body.given:
        read_receiver(body.url, may_be_private=context.may_be_private)
    edited = listeners.edit_endpoint(
        session, principal.organization_id, endpoint_id, body.command(), now=context.now()
    )
    return respond(view_endpoint(edited))


@endpoints.delete("/{endpoint_id}", status_code=204)
def delete_webhook_endpoint(
    endpoint_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Delete an endpoint; what waited for it has failed, and stays listed."""
    listeners.delete_endpoint(session, principal.organization_id, endpoint_id, now=context.now())
    return Response(status_code=204)


@endpoints.post("/{endpoint_id}/rotate-secret", response_model=WebhookEndpointWithSecretView)
def rotate_webhook_secret(
    endpoint_id: UUID,
    request: Request,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Make new secrets; ``webhook-signature`` carries the former one's besides for 24 hours."""
    secret = context.security.new_secret()
    rotated = listeners.rotate_secret(
        session,
        principal.organization_id,
        endpoint_id,
        secret=secret,
        sealing=context.security.sealer,
        now=context.now(),
    )
    keep_instead(request, dump_json(view_endpoint(rotated)))
    return respond(view_secrets(rotated, secret))


@deliveries.fast_get(
    "", response_model=CursorPageOf[WebhookDeliveryView], dependencies=[READS_BILLING]
)
async def list_webhook_deliveries(
    request: Request,
    list_range: ListRangeDep,
    endpoint_id: Annotated[UUID | None, Query()] = None,
    status: Annotated[DeliveryStatus | None, Query()] = None,
    event: Annotated[WebhookEvent | None, Query()] = None,
    newest_first: Annotated[
        bool, Query(description="The newest first (`true`) or the oldest first.")
    ] = False,
) -> Response:
    """List deliveries, oldest first unless asked otherwise."""
    return await show_part(
        request,
        DELIVERY_PAGES,
        view_delivery,
        list_range,
        newest_first=newest_first,
        endpoint_id=endpoint_id,
        status=status,
        event=event,
    )


@deliveries.get("/{delivery_id}", response_model=WebhookDeliveryDetailView)
def get_webhook_delivery(delivery_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show what is sent, and what each try was answered."""
    return respond(
        view_shown_delivery(told.get_delivery(session, principal.organization_id, delivery_id))
    )


@deliveries.post("/{delivery_id}/replay", status_code=202, response_model=WebhookDeliveryView)
def replay_webhook_delivery(
    delivery_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Deliver the same event to the same endpoint again, with the same ``webhook-id``."""
    again = told.replay(session, principal.organization_id, delivery_id, now=context.now())
    return respond(view_delivery(again), 202)
