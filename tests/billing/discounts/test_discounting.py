"""What coupons take off a bill, against a second model that counts in fractions of a cent."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.discounts.coupons import Coupon, CouponScope
from billing.discounts.discounting import (
    Discount,
    Discountable,
    discount,
    off_by_line,
    total_of,
)
from billing.errors import InvalidInput
from billing.money import find_currency
from tests.billing.discounts.naive_discounts import NaiveCoupon, take_off
from tests.billing.discounts.redeemed import CHARGES, PLAN, coupon, off, redeemed
from tests.billing.profiles import thorough

USD = find_currency("USD")
OTHER_PLAN = UUID(int=2)


def lines(*totals: str) -> list[Discountable]:
    charges = zip(totals, CHARGES, strict=False)
    return [Discountable(line_total=Decimal(one), charge_id=charge) for one, charge in charges]


def shown(discounts: tuple[Discount, ...]) -> list[tuple[str, str, list[tuple[int, str]]]]:
    return [
        (one.code, str(one.amount), [(line.position, str(line.amount)) for line in one.lines])
        for one in discounts
    ]


def test_worked_example_of_a_percentage_and_then_an_amount() -> None:
    found = discount(lines("33.33", "66.67"), redeemed(coupon(), off("5.00")), USD)

    assert shown(found) == [
        ("SPRING", "10.00", [(0, "3.33"), (1, "6.67")]),
        ("FIVE", "5.00", [(0, "1.67"), (1, "3.33")]),
    ]
    assert total_of(found) == Decimal("15.00")
    assert off_by_line(found) == {0: Decimal("5.00"), 1: Decimal("10.00")}


def test_scoped_coupons_take_off_before_general_ones_and_the_older_before_the_younger() -> None:
    whole = off("10", "WHOLE")
    of_plan = off("10", "PLAN", scope=CouponScope.PLAN, plan_ids=frozenset({PLAN}))
    of_line = off("10", "LINE", scope=CouponScope.LINES, charge_ids=frozenset({CHARGES[1]}))
    younger = off("10", "LATER")

    found = discount(lines("12", "30"), redeemed(whole, of_plan, of_line, younger), USD)

    assert [one.code for one in found] == ["LINE", "PLAN", "WHOLE", "LATER"]
    assert [(line.position, str(line.amount)) for line in found[0].lines] == [(1, "10.00")]


def test_coupon_of_an_amount_takes_no_more_than_its_lines_come_to() -> None:
    found = discount(lines("12.00", "-2.00"), redeemed(off("50.00"), coupon()), USD)

    assert shown(found) == [("FIVE", "10.00", [(0, "10.00")])]


@pytest.mark.parametrize(
    ("given", "plan_id"),
    [
        pytest.param(
            {"scope": CouponScope.PLAN, "plan_ids": frozenset({OTHER_PLAN})}, PLAN, id="other plan"
        ),
        pytest.param(
            {"scope": CouponScope.PLAN, "plan_ids": frozenset({PLAN})}, None, id="no plan"
        ),
        pytest.param(
            {"scope": CouponScope.LINES, "charge_ids": frozenset({CHARGES[3]})}, PLAN, id="no line"
        ),
        pytest.param({"amount": Decimal(3), "currency": "EUR"}, PLAN, id="other currency"),
        pytest.param({"percent": Decimal("0.001")}, PLAN, id="less than half a cent"),
    ],
)
def test_coupon_that_is_not_for_the_bill_takes_nothing_off(
    given: dict[str, object], plan_id: UUID | None
) -> None:
    bill = lines("3.00", "4.00")

    assert discount(bill, redeemed(coupon(**given), plan_id=plan_id), USD) == ()  # type: ignore[arg-type]  # what a test says by name


def test_all_of_a_bill_can_be_off_by_line_and_no_line_falls_below_zero() -> None:
    found = discount(lines("0.01", "0.02", "-0.01"), redeemed(coupon(percent=Decimal(100))), USD)

    assert shown(found) == [("SPRING", "0.02", [(0, "0.01"), (1, "0.01")])]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"code": "bad code"}, "code"),
        ({"percent": Decimal(0)}, "percent"),
        ({"percent": Decimal("100.1")}, "percent"),
        ({"percent": Decimal(1), "amount": Decimal(1), "currency": "USD"}, "percent"),
        ({"percent": None}, "percent"),
        ({"percent": Decimal(1), "currency": "USD"}, "currency"),
        ({"amount": Decimal(1)}, "currency"),
        ({"amount": Decimal("1.001"), "currency": "USD"}, "amount"),
        ({"amount": Decimal(0), "currency": "USD"}, "amount"),
        ({"amount": Decimal(1), "currency": "XAU"}, "currency"),
        ({"use_limit": 0}, "duration"),
        ({"scope": CouponScope.PLAN}, "plan_ids"),
        ({"plan_ids": frozenset({PLAN})}, "plan_ids"),
        ({"scope": CouponScope.LINES}, "charge_ids"),
    ],
)
def test_coupon_that_says_too_much_or_too_little_is_refused(
    given: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        coupon(**{"code": "SPRING", **given})  # type: ignore[arg-type]  # what a test says by name

    assert refused.value.field == field


PLACES = st.sets(st.integers(0, 3), min_size=1)


@st.composite
def bills(draw: st.DrawFn) -> tuple[list[int], list[NaiveCoupon]]:
    cents = draw(st.lists(st.integers(-5000, 20000), min_size=4, max_size=4))
    coupons = []
    for attached in range(draw(st.integers(0, 5))):
        rank = draw(st.integers(0, 2))
        is_percent = draw(st.booleans())
        percent = Fraction(draw(st.integers(1, 100_000)), 1000) if is_percent else None
        coupons.append(
            NaiveCoupon(
                name=f"C{attached}",
                rank=rank,
                attached=attached,
                percent=percent,
                cents=None if is_percent else draw(st.integers(1, 30000)),
                places=draw(PLACES) if rank == 0 else {0, 1, 2, 3},
            )
        )
    return cents, coupons


def as_value(one: NaiveCoupon) -> Coupon:
    scope = (CouponScope.LINES, CouponScope.PLAN, CouponScope.INVOICE)[one.rank]
    percent = None
    if one.percent is not None:
        percent = Decimal(one.percent.numerator) / Decimal(one.percent.denominator)
    return Coupon(
        coupon_id=UUID(int=one.attached),
        code=one.name,
        percent=percent,
        amount=None if one.cents is None else Decimal(one.cents).scaleb(-2),
        currency=None if one.cents is None else "USD",
        scope=scope,
        plan_ids=frozenset({PLAN} if scope is CouponScope.PLAN else ()),
        charge_ids=frozenset(
            (CHARGES[at] for at in one.places) if scope is CouponScope.LINES else ()
        ),
    )


@thorough
@given(bill=bills())
def test_coupons_take_off_what_the_naive_model_says(
    bill: tuple[list[int], list[NaiveCoupon]],
) -> None:
    cents, coupons = bill
    totals = [Decimal(one).scaleb(-2) for one in cents]

    found = discount(
        [Discountable(line_total=one, charge_id=CHARGES[at]) for at, one in enumerate(totals)],
        redeemed(*map(as_value, coupons)),
        USD,
    )

    expected = take_off(cents, coupons)
    assert [one.code for one in found] == list(expected)
    for one in found:
        assert {line.position: line.amount for line in one.lines} == {
            at: Decimal(share).scaleb(-2) for at, share in enumerate(expected[one.code]) if share
        }
        assert one.amount == sum(line.amount for line in one.lines)
    for at, taken in off_by_line(found).items():
        assert Decimal(0) < taken <= totals[at]
