"""Edits of add-ons, refusals, and coupons and credit that are for one add-on alone."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from billing.credits.grants import Scope
from billing.discounts.coupons import CouponScope
from billing.errors import InvalidInput, InvalidTransition, NotFound
from billing.identifiers import ChargeId
from billing.money import plain_text
from billing.rating.terms import ChargeType
from models.base import new_id
from models.subscriptions.add_ons import AddOnQuantity
from services.credits import balances, grants
from services.credits.balances import Balance
from services.credits.grants import NewGrant
from services.discounts import coupons, redemptions
from services.discounts.coupons import CreateCoupon
from services.lifecycle import add_ons, plan_changes
from services.rating.accruing import find_accruing
from tests.services.invoicing.bills import (
    ELEVENTH,
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    pass_to,
    use,
)
from tests.services.limited import add_customer, subscribe
from tests.services.lives import START, Life, begin_life
from tests.services.seats import attach, change, end, require_sound
from tests.services.shop import NOW, Shop


def left(life: Life) -> Balance:
    """What the customer has of credit in dollars, less what bills so far would draw."""
    read = partial(balances.read_balance, at=None, look_at_accruing=find_accruing)
    return life.shop.do(read, life.row().customer_id, "USD")


def test_coupons_for_its_charge_take_something_off_its_lines_alone(shop: Shop) -> None:
    life = begin_life(shop)
    use(life, (5, "7"))
    add_on = attach(life)
    coupon = CreateCoupon(
        code="SEATS", percent=Decimal(50), scope=CouponScope.LINES, charge_ids=(add_on.row.id,)
    )
    shop.do(coupons.create_coupon, coupon)
    shop.do(redemptions.redeem_coupon, life.row().customer_id, "SEATS")

    pass_to(life, GRACE_OVER)

    [january, *_] = invoices_of(life)
    assert [plain_text(one) for one in (january.subtotal, january.coupons_total)] == ["100", "46.5"]
    require_sound(life)


def test_credit_for_its_charge_pays_its_lines_alone(shop: Shop) -> None:
    life = begin_life(shop)
    use(life, (5, "7"))
    add_on = attach(life)
    customer_id = life.row().customer_id
    scope = Scope(charge_ids=frozenset({ChargeId(add_on.row.id)}))
    granted = NewGrant(unit="USD", amount=Decimal(500), applies_to=scope)
    shop.do(grants.grant_free, customer_id, granted)

    pass_to(life, FEBRUARY)
    balance = left(life)
    pass_to(life, GRACE_OVER)

    [january, *_] = invoices_of(life)
    assert [plain_text(one) for one in (january.credits_total, january.total)] == ["93", "7"]
    # What the draft would draw is accruing before it is final.
    assert plain_text(balance.available) == "407"
    require_sound(life)


def test_credit_accrues_for_a_plan_that_charges_nothing_itself(shop: Shop) -> None:
    life = begin_life(shop)
    empty = shop.add_plan("empty")
    life.do(plan_changes.change_plan, empty.id, at_period_end=False, now=NOW)
    attach(life)
    customer_id = life.row().customer_id
    shop.do(grants.grant_free, customer_id, NewGrant(unit="USD", amount=Decimal(500)))

    pass_to(life, FEBRUARY)

    balance = left(life)
    assert plain_text(balance.available) == "407"


def test_a_quantity_that_is_repeated_is_no_change(shop: Shop) -> None:
    life = begin_life(shop)
    add_on = attach(life)
    pass_to(life, ELEVENTH)

    same = change(life, add_on, "3.0")
    end(life, add_on)
    end(life, add_on)

    reading = life.do(add_ons.get_add_on, add_on.row.id)
    assert same.quantities == add_on.quantities
    assert [(one.effective_at, one.quantity) for one in reading.quantities] == [
        (START, 3),
        (ELEVENTH, 0),
    ]


def test_at_one_instant_the_last_quantity_holds(shop: Shop) -> None:
    life = begin_life(shop)
    add_on = attach(life)

    change(life, add_on, "4")

    [held] = life.do(add_ons.get_add_on, add_on.row.id).quantities
    assert (held.effective_at, held.quantity) == (START, 4)


def test_no_two_quantities_are_of_one_instant(shop: Shop) -> None:
    life = begin_life(shop)
    add_on = attach(life)
    second = AddOnQuantity(
        organization_id=shop.organization_id,
        add_on_id=add_on.row.id,
        effective_at=START,
        quantity=Decimal(9),
        created_at=NOW,
    )

    with (
        pytest.raises(IntegrityError, match="pk_add_on_quantity"),
        shop.transactions.for_organization(shop.organization_id) as session,
    ):
        session.add(second)


def test_an_add_on_that_ended_stays_so(shop: Shop) -> None:
    life = begin_life(shop)
    add_on = attach(life)
    end(life, add_on)

    with pytest.raises(InvalidTransition) as refused:
        change(life, add_on, "4")

    assert refused.value.code == "add_on_ended"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"type": ChargeType.USAGE}, "charge.type"),
        ({"currency": "EUR"}, "charge.currency"),
        ({"quantity": "0"}, "quantity"),
    ],
)
def test_what_cannot_be_attached_is_refused_by_its_field(
    shop: Shop, given: dict[str, Any], field: str
) -> None:
    life = begin_life(shop)

    with pytest.raises(InvalidInput) as refused:
        attach(life, **given)

    assert refused.value.field == field


def test_an_add_on_of_another_subscription_is_unknown_here(shop: Shop) -> None:
    life = begin_life(shop)
    other = subscribe(shop, add_customer(shop), shop.add_plan("second"))
    add_on = attach(life)

    for unknown in (add_on.row.id, new_id()):
        with pytest.raises(NotFound) as refused:
            shop.read(add_ons.get_add_on, other.id, unknown)
        assert refused.value.code == "add_on_not_found"
