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
from api.schemas.invoicing.receipts import RotatedKeyView
from api.transport.exact_json import respond
from api.transport.route import Router
from repositories.accounts import organizations as stored_organizations
from services.accounts import settings
from services.accounts.sandboxes import make_sandbox
from services.receipts.chain import rotate_key
from services.receipts.signing import ReceiptSigner

router = Router(prefix="/organization", tags=["Organization"])


@router.get("", response_model=OrganizationView)
def get_organization(session: ReadSession, principal: Reader) -> Response:
    """Show the organization with its settings."""
    found = stored_organizations.get_organization(session, principal.organization_id)
    return respond(view_organization(found))


@router.patch("", response_model=OrganizationView)
def update_organization(
    body: OrganizationPatch, session: ManageSession, principal: Manager, context: ContextDep
) -> Response:
    """Change settings: those that the body names; the others stay."""
    changed = settings.change_settings(
        session,
        principal.organization_id,
        body.command(),
        by=principal.user_id,
        sealing=context.security.sealer,
        may_be_private=context.may_be_private,
        now=context.now(),
    )
    return respond(view_organization(changed))


@router.post(
    "/sandbox",
    response_model=OrganizationView,
    status_code=201,
    responses={200: {"model": OrganizationView, "description": "The sandbox that there is."}},
)
def create_sandbox(session: ManageSession, principal: Manager, context: ContextDep) -> Response:
    """Make the organization's sandbox: a twin with ids, keys, numbers and clocks of its own.

    The same members reach it with the header `Fluxrate-Organization` and its id, programs with keys
    that are made there and begin with `sk_test_`. There is one: asked again, it is shown with 200.
    """
    sandbox, is_new = make_sandbox(session, principal.organization_id, now=context.now())
    return respond(view_organization(sandbox), 201 if is_new else 200)


@router.post("/rotate-receipt-key", response_model=RotatedKeyView, status_code=201)
def rotate_receipt_key(session: ManageSession, principal: Manager, context: ContextDep) -> Response:
    """Sign receipts by a new key from now on; the public keys before it stay published."""
    signer = ReceiptSigner(context.security.sealer)
    key = rotate_key(session, principal.organization_id, signer, now=context.now())
    return respond(
        {"key_id": key.key_id, "public_key": key.public_key, "created_at": key.created_at}, 201
    )
