"""Coupons that a customer has redeemed (docs/concepts/coupons.md)."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.discounts.coupons import CouponRedeem, CouponRedemptionView, view_redemption
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from services.discounts import redemptions

router = Router(prefix="/customers/{customer_id}/coupons", tags=["Coupons"])


@router.post("", status_code=201, response_model=CouponRedemptionView)
def redeem_coupon(
    customer_id: UUID,
    body: CouponRedeem,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Redeem a coupon for a customer: bills that become final from now on use it."""
    redeemed = redemptions.redeem_coupon(
        session, principal.organization_id, customer_id, body.code, now=context.now()
    )
    return respond(view_redemption(redeemed), 201)


@router.get("", response_model=PageOf[CouponRedemptionView])
def list_customer_coupons(
    customer_id: UUID, session: ReadSession, principal: Reader, page: PageDep
) -> Response:
    """List the coupons that a customer has or had, oldest first."""
    found, total = redemptions.list_redemptions(
        session, principal.organization_id, customer_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_redemption(one) for one in found], page, total))


@router.delete("/{coupon_id}", status_code=204)
def detach_coupon(
    customer_id: UUID,
    coupon_id: UUID,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Take a coupon from a customer: no bill that becomes final from now on uses it."""
    redemptions.detach_coupon(
        session, principal.organization_id, customer_id, coupon_id, now=context.now()
    )
    return Response(status_code=204)
