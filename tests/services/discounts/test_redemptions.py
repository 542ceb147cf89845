"""Coupons are redeemed under their limit, whoever asks at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from billing.errors import BillingError, Conflict, NotFound
from models.base import new_id
from models.discounts.coupons import CouponRedemption
from repositories.discounts import redemptions as stored_redemptions
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.discounts import coupons, redemptions
from services.discounts.coupons import CreateCoupon
from tests.services.shop import NOW, Shop

THREADS = 64
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """A connection for everybody."""
    engine = create_application_engine(module_database_url, pool_size=THREADS)
    yield Transactions(engine)
    engine.dispose()


def add_customer(shop: Shop, name: str = "Harbor") -> UUID:
    details = CustomerDetails(name=name, email="ap@harbor.test", billing_address_country="DE")
    return shop.do(create_customer, CreateCustomer(details=details)).id


def add_coupon(shop: Shop, **given: object) -> UUID:
    command = CreateCoupon(**({"code": "SPRING", "percent": Decimal(10)} | given))  # type: ignore[arg-type]  # what a test says by name
    return shop.do(coupons.create_coupon, command).row.id


def test_64_customers_at_once_never_exceed_the_limit(shop: Shop) -> None:
    customers = [add_customer(shop, f"Customer {number}") for number in range(THREADS)]
    coupon_id = add_coupon(shop, max_redemptions=10)

    def redeem(customer_id: UUID) -> str:
        try:
            shop.do(redemptions.redeem_coupon, customer_id, "spring")
        except BillingError as refused:
            return refused.code
        return "redeemed"

    with ThreadPoolExecutor(THREADS) as threads:
        outcomes = list(threads.map(redeem, customers))

    assert (outcomes.count("redeemed"), outcomes.count("coupon_used_up")) == (10, 54)
    assert shop.read(coupons.get_coupon, coupon_id).redemption_count == 10


def test_one_customer_redeems_it_once_however_often_at_once(shop: Shop) -> None:
    customer_id = add_customer(shop)
    coupon_id = add_coupon(shop)

    def redeem(_: int) -> str:
        try:
            shop.do(redemptions.redeem_coupon, customer_id, "SPRING")
        except BillingError as refused:
            return refused.code
        return "redeemed"

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(redeem, range(16)))

    assert (outcomes.count("redeemed"), outcomes.count("coupon_redeemed")) == (1, 15)
    assert shop.read(coupons.get_coupon, coupon_id).redemption_count == 1


@pytest.mark.parametrize(
    ("number", "limit", "constraint"),
    [
        (3, 2, "ck_coupon_redemption_number"),
        (2, 3, "fk_coupon_redemption_coupon"),
        (1, 2, "uq_coupon_redemption_number"),
    ],
)
def test_database_counts_too(shop: Shop, number: int, limit: int, constraint: str) -> None:
    coupon_id = add_coupon(shop, max_redemptions=2)
    shop.do(redemptions.redeem_coupon, add_customer(shop), "SPRING")
    row = CouponRedemption(
        organization_id=shop.organization_id,
        id=new_id(),
        coupon_id=coupon_id,
        customer_id=add_customer(shop, "Other"),
        number=number,
        redemption_limit=limit,
        use_limit=1,
        attached_at=NOW,
        created_at=NOW,
    )

    with (
        pytest.raises(IntegrityError, match=constraint),
        shop.transactions.for_organization(shop.organization_id) as session,
    ):
        stored_redemptions.insert_redemption(session, row)


def test_coupon_is_redeemed_before_its_end_and_who_has_it_keeps_it(shop: Shop) -> None:
    early, late = add_customer(shop, "Early"), add_customer(shop, "Late")
    add_coupon(shop, expires_at=NOW + DAY)

    shop.do(redemptions.redeem_coupon, early, "SPRING", now=NOW + DAY - timedelta(seconds=1))
    with pytest.raises(Conflict) as refused:
        shop.do(redemptions.redeem_coupon, late, "SPRING", now=NOW + DAY)

    assert (refused.value.code, refused.value.field) == ("coupon_expired", "code")
    listed = partial(redemptions.list_redemptions, offset=0, limit=20)
    [kept], total = shop.read(listed, early)
    assert (kept.row.ended_at, kept.row.number, total) == (None, 1, 1)


def test_what_was_taken_from_a_customer_stays_redeemed(shop: Shop) -> None:
    customer_id = add_customer(shop)
    coupon_id = add_coupon(shop, max_redemptions=1)
    shop.do(redemptions.redeem_coupon, customer_id, "SPRING")

    shop.do(redemptions.detach_coupon, customer_id, coupon_id, now=NOW + DAY)

    [had], _ = shop.read(partial(redemptions.list_redemptions, offset=0, limit=20), customer_id)
    assert had.row.ended_at == NOW + DAY
    with pytest.raises(NotFound):
        shop.do(redemptions.detach_coupon, customer_id, coupon_id, now=NOW + DAY)
    for other, code in ((customer_id, "coupon_redeemed"), (add_customer(shop), "coupon_used_up")):
        with pytest.raises(Conflict) as refused:
            shop.do(redemptions.redeem_coupon, other, "SPRING", now=NOW + DAY)
        assert refused.value.code == code


def test_withdrawn_coupon_cannot_be_redeemed_and_keeps_its_code(shop: Shop) -> None:
    customer_id = add_customer(shop)
    coupon_id = add_coupon(shop)

    shop.do(coupons.withdraw_coupon, coupon_id)

    with pytest.raises(NotFound) as missing:
        shop.do(redemptions.redeem_coupon, customer_id, "SPRING")
    assert missing.value.field == "code"
    with pytest.raises(Conflict, match="There is a coupon SPRING"):
        add_coupon(shop)
