"""What is held about a customer: given to them, and erased when they ask for it."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from api.access.sessions import Manager, ManageSession, Writer, WriteSession
from api.context import ContextDep, state_of
from api.reads.personal_records import ExportedRecords
from api.schemas.customers import ErasureBody, ErasureView, view_erasure
from api.transport import idempotency
from api.transport.exact_json import respond
from api.transport.route import Router
from repositories import customers as stored_customers
from services.personal_data.erasing import EraseCustomer, ErasureStatus, erase_customer
from services.required import require_customer

router = Router(prefix="/customers", tags=["Customers"])


@router.get("/{customer_id}/personal-data", response_class=ExportedRecords, status_code=200)
def export_personal_data(
    customer_id: UUID,
    session: WriteSession,
    principal: Writer,
    request: Request,
    context: ContextDep,
) -> ExportedRecords:
    """Export everything that is held about a customer, one record a line.

    The first line says whose it is, the last how many records there were: without it the file was
    cut off. Deleted customers are exported by their id.
    """
    organization_id = principal.organization_id
    found = stored_customers.find_customer(session, organization_id, customer_id)
    require_customer(found, may_be_deleted=True)
    return ExportedRecords(
        state_of(request.app), organization_id, customer_id, exported_at=context.now()
    )


@router.post(
    "/{customer_id}/erase", response_model=ErasureView, responses={202: {"model": ErasureView}}
)
def erase_customer_data(
    customer_id: UUID,
    body: ErasureBody,
    request: Request,
    session: ManageSession,
    principal: Manager,
    context: ContextDep,
) -> Response:
    """Erase a customer, for ever: what was issued is kept as the law wants, the rest is gone.

    202 while many events, or a gateway's saved method, are still to be erased; asking again says
    how far it is.
    """
    idempotency.keep_nothing(request)
    erasure = erase_customer(
        session,
        principal.organization_id,
        customer_id,
        EraseCustomer(confirm=body.confirm, document_years=context.document_years),
        now=context.now(),
    )
    is_done = erasure.status is ErasureStatus.COMPLETED
    return respond(view_erasure(erasure), 200 if is_done else 202)
