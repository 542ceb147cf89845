"""Add-ons: charges that are attached to one subscription (docs/guides/add-ons.md)."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from api.access.sessions import READS_BILLING, Reader, ReadSession, Writer
from api.admission.requests import BILL_ADMITTED
from api.catching_up import ChangeSession
from api.context import ContextDep
from api.reads.fast_reads import IdText, read_one, show_page
from api.schemas.pages import PageOf
from api.schemas.subscriptions.add_ons import AddOnCreate, AddOnPatch, AddOnView, view_add_on
from api.transport.exact_json import respond
from api.transport.pagination import PageDep
from api.transport.route import Router
from repositories.catalog.shown import SUBSCRIPTIONS
from repositories.subscriptions.add_ons import ADD_ON_PAGES, AttachedAddOn
from services.lifecycle import add_ons
from services.lifecycle.add_ons import AddOnReading

router = Router(
    prefix="/subscriptions/{subscription_id}/add-ons",
    tags=["Subscriptions"],
    admission=BILL_ADMITTED,
)


@router.post("", status_code=201, response_model=AddOnView)
def attach_add_on(
    subscription_id: UUID,
    body: AddOnCreate,
    session: ChangeSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Attach a charge to a subscription: it is billed from now on, for its share of the period."""
    attached = add_ons.attach_add_on(
        session, principal.organization_id, subscription_id, body.command(), now=context.now()
    )
    return respond(view_add_on(attached), 201)


@router.fast_get("", response_model=PageOf[AddOnView], dependencies=[READS_BILLING])
async def list_add_ons(request: Request, subscription_id: IdText, page: PageDep) -> Response:
    """List what is or was attached to a subscription, oldest first."""
    found = await read_one(request, SUBSCRIPTIONS, "subscription_id", subscription_id)
    return await show_page(
        request, ADD_ON_PAGES, _view, page, subscription_id=found.subscription.id
    )


@router.get("/{add_on_id}", response_model=AddOnView)
def get_add_on(
    subscription_id: UUID, add_on_id: UUID, session: ReadSession, principal: Reader
) -> Response:
    """Show an add-on, ended or not."""
    found = add_ons.get_add_on(session, principal.organization_id, subscription_id, add_on_id)
    return respond(view_add_on(found))


@router.patch("/{add_on_id}", response_model=AddOnView)
def change_add_on(
    subscription_id: UUID,
    add_on_id: UUID,
    body: AddOnPatch,
    session: ChangeSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Change how many there are from now on; each quantity is billed for its share of a period."""
    changed = add_ons.change_quantity(
        session,
        principal.organization_id,
        subscription_id,
        add_on_id,
        body.quantity,
        now=context.now(),
    )
    return respond(view_add_on(changed))


@router.delete("/{add_on_id}", status_code=204)
def end_add_on(
    subscription_id: UUID,
    add_on_id: UUID,
    session: ChangeSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """End an add-on: it is billed until now, and not any more."""
    add_ons.end_add_on(
        session, principal.organization_id, subscription_id, add_on_id, now=context.now()
    )
    return Response(status_code=204)


def _view(found: AttachedAddOn) -> AddOnView:
    return view_add_on(AddOnReading(row=found.row, quantities=found.quantities))
