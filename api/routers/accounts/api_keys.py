"""API keys (CONTRACT 3.2). They need a session of an owner or admin (CONTRACT 65)."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import event

from api.access.sessions import Manager, ManageSession
from api.context import ContextDep
from api.schemas.accounts.accounts import ApiKeyCreate, ApiKeyView, CreatedApiKeyView, view_api_key
from api.schemas.pages import PageOf
from api.transport.exact_json import dump_json, respond
from api.transport.idempotency import keep_instead
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from repositories.accounts import api_keys as stored_keys
from services.accounts import api_keys

router = Router(prefix="/api-keys", tags=["API keys"])


@router.post("", status_code=201, response_model=CreatedApiKeyView)
def create_api_key(
    body: ApiKeyCreate,
    request: Request,
    session: ManageSession,
    principal: Manager,
    context: ContextDep,
) -> Response:
    """Make a key. This answer is the only place where it appears."""
    api_key, secret = api_keys.create_api_key(
        session,
        principal.organization_id,
        body.command(),
        security=context.security,
        now=context.now(),
    )
    shown = view_api_key(api_key)
    keep_instead(request, dump_json(shown))
    return respond(CreatedApiKeyView(**shown.model_dump(), key=secret), 201)


@router.get("", response_model=PageOf[ApiKeyView])
def list_api_keys(session: ManageSession, principal: Manager, page: PageDep) -> Response:
    """List the keys, revoked ones included, without their secrets."""
    found, total = stored_keys.list_api_keys(
        session, principal.organization_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_api_key(api_key) for api_key in found], page, total))


@router.delete("/{key_id}", status_code=204)
def revoke_api_key(
    key_id: UUID,
    session: ManageSession,
    principal: Manager,
    context: ContextDep,
) -> Response:
    """Revoke a key: from this answer on it is refused."""
    api_keys.revoke_api_key(session, principal.organization_id, key_id, now=context.now())
    event.listen(session, "after_commit", lambda _: context.key_cache.forget(key_id))
    return Response(status_code=204)
