"""Coupons of the organization (docs/concepts/coupons.md)."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.discounts.coupons import CouponCreate, CouponView, view_coupon
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from services.discounts import coupons

router = Router(prefix="/coupons", tags=["Coupons"])


@router.post("", status_code=201, response_model=CouponView)
def create_coupon(
    body: CouponCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Create a coupon, which customers redeem by its code; it never changes."""
    created = coupons.create_coupon(
        session, principal.organization_id, body.command(), now=context.now()
    )
    return respond(view_coupon(created), 201)


@router.get("", response_model=PageOf[CouponView])
def list_coupons(session: ReadSession, principal: Reader, page: PageDep) -> Response:
    """List the coupons that are not withdrawn, oldest first."""
    found, total = coupons.list_coupons(
        session, principal.organization_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_coupon(one) for one in found], page, total))


@router.get("/{coupon_id}", response_model=CouponView)
def get_coupon(coupon_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show a coupon, and how often it was redeemed."""
    return respond(view_coupon(coupons.get_coupon(session, principal.organization_id, coupon_id)))


@router.delete("/{coupon_id}", status_code=204)
def withdraw_coupon(
    coupon_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Withdraw a coupon: nobody can redeem it any more, and who has it keeps it."""
    coupons.withdraw_coupon(session, principal.organization_id, coupon_id, now=context.now())
    return Response(status_code=204)
