"""Coupons of an organization: made, shown, withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.discounts import coupons as values
from billing.discounts.coupons import NO_LIMIT, CouponScope, normal_code
from billing.errors import Conflict, InvalidInput
from billing.identifiers import ChargeId
from billing.money import plain_text
from models.base import new_id
from models.discounts.coupons import Coupon
from repositories.discounts import coupons as stored_coupons
from repositories.discounts import redemptions as stored_redemptions
from services.audit_log import record
from services.constraints import translating
from services.required import not_found


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCoupon:
    """A coupon. Units: ``percent`` 10 is 10 %, ``amount`` in major units of ``currency``.

    ``use_limit`` is on how many bills of a customer it takes something off, ``max_redemptions`` how
    many customers can have it; None is no limit.
    """

    code: str
    percent: Decimal | None = None
    amount: Decimal | None = None
    currency: str | None = None
    scope: CouponScope = CouponScope.INVOICE
    plan_ids: tuple[UUID, ...] = ()
    charge_ids: tuple[UUID, ...] = ()
    use_limit: int | None = 1
    max_redemptions: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponReading:
    """A coupon with how often it was redeemed."""

    row: Coupon
    redemption_count: int


def create_coupon(
    session: Session, organization_id: UUID, command: CreateCoupon, *, now: datetime
) -> CouponReading:
    """The coupon can be redeemed, and never changes.

    Raises InvalidInput naming the field; NotFound for an unknown plan or charge; Conflict
    ``coupon_exists`` where there was one of that code, withdrawn or not.
    """
    row = _new_row(organization_id, command, now=now)
    to_coupon(row)
    _require_known(session, organization_id, command)
    taken = Conflict(f"There is a coupon {row.code}.", code="coupon_exists", field="code")
    with translating("uq_coupon_code", taken):
        stored_coupons.insert_coupon(session, row)
    record(
        session,
        organization_id,
        "coupon.created",
        "coupon",
        row.id,
        after={"code": row.code, "scope": row.scope, **_value_of(row)},
        now=now,
    )
    return CouponReading(row=row, redemption_count=0)


def get_coupon(session: Session, organization_id: UUID, coupon_id: UUID) -> CouponReading:
    """The coupon, unless it was withdrawn. Raises NotFound ``coupon_not_found``."""
    row = require_coupon(stored_coupons.find_coupon(session, organization_id, coupon_id))
    counts = stored_redemptions.count_redemptions(session, organization_id, [row.id])
    return CouponReading(row=row, redemption_count=counts[row.id])


def list_coupons(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[CouponReading], int]:
    """A page of the coupons that can be redeemed or could be once, oldest first."""
    rows, total = stored_coupons.list_coupons(session, organization_id, offset=offset, limit=limit)
    counts = stored_redemptions.count_redemptions(
        session, organization_id, [one.id for one in rows]
    )
    return [CouponReading(row=one, redemption_count=counts[one.id]) for one in rows], total


def withdraw_coupon(
    session: Session, organization_id: UUID, coupon_id: UUID, *, now: datetime
) -> None:
    """Nobody can redeem the coupon any more; who has it keeps it.

    Raises NotFound, also the second time.
    """
    row = require_coupon(stored_coupons.lock_coupon(session, organization_id, coupon_id))
    row.withdrawn_at = now
    session.add(row)
    session.flush()
    record(session, organization_id, "coupon.withdrawn", "coupon", row.id, now=now)


def require_coupon(found: Coupon | None, *, field: str | None = None) -> Coupon:
    """The coupon, unless it was withdrawn. Raises NotFound ``coupon_not_found``."""
    if found is None or found.withdrawn_at is not None:
        raise not_found("Coupon", field=field)
    return found


def to_coupon(row: Coupon) -> values.Coupon:
    """The coupon as the value that bills are discounted by. Raises InvalidInput."""
    return values.Coupon(
        coupon_id=row.id,
        code=row.code,
        percent=row.percent,
        amount=row.amount,
        currency=row.currency,
        scope=CouponScope(row.scope),
        plan_ids=frozenset(row.plan_ids),
        charge_ids=frozenset(ChargeId(one) for one in row.charge_ids),
        use_limit=row.use_limit,
    )


def _new_row(organization_id: UUID, command: CreateCoupon, *, now: datetime) -> Coupon:
    limit = NO_LIMIT if command.max_redemptions is None else command.max_redemptions
    if not 1 <= limit <= NO_LIMIT:
        raise InvalidInput("max_redemptions is at least 1.", field="max_redemptions")
    return Coupon(
        organization_id=organization_id,
        id=new_id(),
        code=normal_code(command.code),
        percent=command.percent,
        amount=command.amount,
        currency=None if command.currency is None else command.currency.strip().upper(),
        scope=command.scope,
        plan_ids=sorted(set(command.plan_ids)),
        charge_ids=sorted(set(command.charge_ids)),
        use_limit=NO_LIMIT if command.use_limit is None else command.use_limit,
        redemption_limit=limit,
        expires_at=command.expires_at,
        created_at=now,
    )


def _require_known(session: Session, organization_id: UUID, command: CreateCoupon) -> None:
    if not command.plan_ids and not command.charge_ids:
        return
    known = stored_coupons.find_known(
        session, organization_id, command.plan_ids, command.charge_ids
    )
    if set(command.plan_ids) - known:
        raise not_found("Plan", field="plan_ids")
    if set(command.charge_ids) - known:
        raise not_found("Charge", field="charge_ids")


def _value_of(row: Coupon) -> dict[str, str | None]:
    if row.percent is not None:
        return {"percent": plain_text(row.percent)}
    assert row.amount is not None
    return {"amount": plain_text(row.amount), "currency": row.currency}
