"""The organization and its settings (CONTRACT section 6)."""

from __future__ import annotations

from fastapi import Response

from api.access.sessions import Manager, ManageSession, Reader, ReadSession
from api.context import ContextDep
from api.schemas.accounts.organizations import (
    OrganizationPatch,
    OrganizationView,
    view_organization,
)
from api.transport.exact_json import respond
from api.transport.route import Router
from repositories.accounts import organizations as stored_organizations
from services.accounts import settings

router = Router(prefix="/organization", tags=["Organization"])


@router.get("", response_model=OrganizationView)
def get_organization(session: ReadSession, principal: Reader) -> Response:
    """Show the organization with its settings."""
    found = stored_organizations.get_organization(session, principal.organization_id)
    return respond(view_organization(found))


@router.patch("", response_model=OrganizationView)
def change_organization(
    body: OrganizationPatch, session: ManageSession, principal: Manager, context: ContextDep
) -> Response:
    """Change settings: those that the body names; the others stay."""
    changed = settings.change_settings(
        session,
        principal.organization_id,
        body.command(),
        sealing=context.security.sealer,
        may_be_private=context.may_be_private,
        now=context.now(),
    )
    return respond(view_organization(changed))
