"""Payments and refunds (CONTRACT section 6, Payments)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from api.access.sessions import READS_BILLING, Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.reads.fast_reads import IdText, show_one, show_page
from api.schemas.common import any_case
from api.schemas.pages import ListOf, PageOf
from api.schemas.payments.payments import (
    PaymentCreate,
    PaymentView,
    RefundCreate,
    RefundView,
    view_payment,
    view_refund,
)
from api.transport.exact_json import respond
from api.transport.pagination import PageDep
from api.transport.route import Router
from billing.payments.kinds import PaymentStatus
from repositories.payments.payments import find_payment, list_refunds
from repositories.payments.shown import (
    PAYMENT_PAGES,
    PAYMENTS,
    PAYMENTS_OF_INVOICES,
    InvoicePayments,
    ShownPayment,
)
from services.payments import recording, refunds
from services.required import not_found

router = Router(tags=["Payments"])


@router.post("/invoices/{invoice_id}/payments", status_code=201, response_model=PaymentView)
def record_payment(
    invoice_id: UUID,
    body: PaymentCreate,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Record money that came in another way; part of what is due is enough."""
    payment = recording.record_by_hand(
        session, principal.organization_id, invoice_id, body.told(), now=context.now()
    )
    return respond(view_payment(payment), 201)


@router.fast_get(
    "/invoices/{invoice_id}/payments",
    response_model=ListOf[PaymentView],
    dependencies=[READS_BILLING],
)
async def list_invoice_payments(request: Request, invoice_id: IdText) -> Response:
    """List all attempts to pay an invoice, the first one first."""
    return await show_one(request, PAYMENTS_OF_INVOICES, _view_all, "invoice_id", invoice_id)


@router.fast_get("/payments", response_model=PageOf[PaymentView], dependencies=[READS_BILLING])
async def list_payments(
    request: Request,
    page: PageDep,
    customer_id: UUID | None = None,
    invoice_id: UUID | None = None,
    status: Annotated[PaymentStatus | None, any_case(PaymentStatus), Query()] = None,
) -> Response:
    """List payments, oldest first."""
    return await show_page(
        request,
        PAYMENT_PAGES,
        _view,
        page,
        customer_id=customer_id,
        invoice_id=invoice_id,
        status=status,
    )


@router.fast_get("/payments/{payment_id}", response_model=PaymentView, dependencies=[READS_BILLING])
async def get_payment(request: Request, payment_id: IdText) -> Response:
    """Show a payment, by itself."""
    return await show_one(request, PAYMENTS, _view, "payment_id", payment_id)


@router.post("/payments/{payment_id}/refund", status_code=201, response_model=RefundView)
def refund_payment(
    payment_id: UUID,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
    body: RefundCreate | None = None,
) -> Response:
    """Give a payment back, or part of it; the invoice's status stays as it is."""
    asked = body or RefundCreate()
    made = refunds.refund(
        session,
        principal.organization_id,
        payment_id,
        asked.amount,
        reason=asked.reason,
        reference=asked.reference,
        now=context.now(),
    )
    return respond(view_refund(made), 201)


@router.get("/payments/{payment_id}/refunds", response_model=ListOf[RefundView])
def list_payment_refunds(payment_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """List all refunds of a payment, the first one first."""
    if find_payment(session, principal.organization_id, payment_id) is None:
        raise not_found("Payment")
    found = list_refunds(session, principal.organization_id, [payment_id])
    return respond({"data": [view_refund(one) for one in found]})


def _view(found: ShownPayment) -> PaymentView:
    return view_payment(found.payment, found.disputes)


def _view_all(found: InvoicePayments) -> dict[str, list[PaymentView]]:
    return {"data": [_view(one) for one in found.payments]}
