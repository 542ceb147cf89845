"""Connections to gateways (CONTRACT 60, 68, 80, section 6)."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.gateways.connections import (
    ConnectionCreate,
    ConnectionPatch,
    ConnectionView,
    view_connection,
)
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from repositories.payments import connections as stored_connections
from services.payments import connections

router = Router(prefix="/connections", tags=["Gateways"])


@router.post("", status_code=201, response_model=ConnectionView)
def create_connection(
    body: ConnectionCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Connect a gateway; it makes the payment links of invoices that become final from now on."""
    created = connections.create_connection(
        session,
        principal.organization_id,
        body.command(),
        sealing=context.security.sealer,
        new_secret=context.security.new_secret,
        now=context.now(),
    )
    return respond(view_connection(created, public_url=context.public_url), 201)


@router.get("", response_model=PageOf[ConnectionView])
def list_connections(
    session: ReadSession, principal: Reader, page: PageDep, context: ContextDep
) -> Response:
    """List connections, oldest first, without their secrets. The newest makes links."""
    found, total = stored_connections.list_connections(
        session, principal.organization_id, offset=page.offset, limit=page.size
    )
    shown = [view_connection(one, public_url=context.public_url) for one in found]
    return respond(envelope(shown, page, total))


@router.get("/{connection_id}", response_model=ConnectionView)
def get_connection(
    connection_id: UUID, session: ReadSession, principal: Reader, context: ContextDep
) -> Response:
    """Show a connection without its secrets."""
    found = connections.get_connection(session, principal.organization_id, connection_id)
    return respond(view_connection(found, public_url=context.public_url))


@router.patch("/{connection_id}", response_model=ConnectionView)
def update_connection(
    connection_id: UUID,
    body: ConnectionPatch,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Rename a connection, or rotate its secrets; secrets that are not given stay."""
    edited = connections.edit_connection(
        session,
        principal.organization_id,
        connection_id,
        body.command(),
        sealing=context.security.sealer,
        now=context.now(),
    )
    return respond(view_connection(edited, public_url=context.public_url))


@router.delete("/{connection_id}", status_code=204)
def delete_connection(
    connection_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Disconnect a gateway: no new links, no new charges; what was begun is still heard of."""
    connections.delete_connection(
        session, principal.organization_id, connection_id, now=context.now()
    )
    return Response(status_code=204)
