"""Coupons: which there can be, in which order they take off, and what that means for a bill."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.discounts.coupons import (
    NO_LIMIT,
    Coupon,
    CouponScope,
    Redemption,
    in_order,
    normal_code,
)
from billing.discounts.discounting import (
    AvailableCoupons,
    Discount,
    Discountable,
    discount,
    off_by_line,
    total_of,
)
from billing.errors import InvalidInput
from billing.money import find_currency
from tests.billing.builders import USD, d
from tests.billing.discounts.redeemed import CHARGES, PLAN, coupon, off, redeemed
from tests.billing.profiles import supporting

JPY, KWD = find_currency("JPY"), find_currency("KWD")


@pytest.mark.parametrize(
    ("given", "code"),
    [("SPRING", "SPRING"), ("spring", "SPRING"), (" Spring-10 \n", "SPRING-10"), ("a_b", "A_B")],
)
def test_a_code_is_one_in_any_case_and_with_space_around_it(given: str, code: str) -> None:
    assert normal_code(given) == code
    assert coupon(code).code == code


@pytest.mark.parametrize("code", ["A", "0", "10-OFF", "A_", "A-", "X" * 64])
def test_a_code_is_up_to_64_letters_digits_and_strokes(code: str) -> None:
    assert coupon(code).code == code


@pytest.mark.parametrize("code", ["", "-A", "_A", "a", "A B", "X" * 65, "Ä", "A\n", "A.B"])
def test_another_code_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        coupon(code)

    assert refused.value.field == "code"


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ({"percent": Decimal("100.001")}, "percent is above 0 and at most 100."),
        ({"percent": Decimal(-1)}, "percent is above 0 and at most 100."),
        ({"percent": None, "amount": None}, "Send percent or amount, one of them."),
        ({"percent": Decimal(1), "currency": "EUR"}, "A percentage has no currency."),
        ({"amount": Decimal(1)}, "An amount needs its currency."),
        ({"amount": Decimal("0.5"), "currency": "JPY"},
         "amount is above 0, with at most 0 decimal places."),
        ({"amount": Decimal("0.0001"), "currency": "KWD"},
         "amount is above 0, with at most 3 decimal places."),
        ({"use_limit": NO_LIMIT + 1},
         "duration is once, forever, or a number of bills from 1 on."),
        ({"scope": CouponScope.LINES, "charge_ids": frozenset(CHARGES[:1]),
          "plan_ids": frozenset({PLAN})},
         "plan_ids names what a coupon of scope plan is for, and only of that."),
        ({"charge_ids": frozenset(CHARGES[:1])},
         "charge_ids names what a coupon of scope lines is for, and only of that."),
    ],
)  # fmt: skip
def test_a_refusal_says_what_a_coupon_may_be(given: dict[str, object], detail: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        coupon(**given)  # type: ignore[arg-type]  # what a test says by name

    assert refused.value.detail == detail


def test_a_coupon_may_be_of_everything_for_ever_and_of_the_least_there_is() -> None:
    assert coupon(percent=d(100)).use_limit == NO_LIMIT
    assert coupon(percent=d("0.0001"), use_limit=1).use_limit == 1
    assert off("0.01").amount == d("0.01")
    assert coupon(amount=d("0.001"), currency="KWD").currency == "KWD"


def test_redemptions_stand_by_what_they_are_for_and_then_by_age() -> None:
    scopes = [CouponScope.INVOICE, CouponScope.LINES, CouponScope.PLAN]
    found = [
        Redemption(redemption_id=UUID(int=order), coupon=of_scope(scope, f"C{order}"), order=order)
        for order, scope in enumerate(scopes * 2)
    ]

    assert [one.order for one in in_order(found)] == [1, 4, 2, 5, 0, 3]
    assert in_order(found[::-1]) == in_order(found)


def of_scope(scope: CouponScope, code: str, percent: str = "10") -> Coupon:
    return coupon(
        code,
        percent=d(percent),
        scope=scope,
        plan_ids=frozenset({PLAN} if scope is CouponScope.PLAN else ()),
        charge_ids=frozenset(CHARGES[:2] if scope is CouponScope.LINES else ()),
    )


def lines(*totals: str | Decimal) -> list[Discountable]:
    return [
        Discountable(line_total=Decimal(one), charge_id=charge)
        for one, charge in zip(totals, CHARGES, strict=False)
    ]


def taken(found: tuple[Discount, ...]) -> list[str]:
    return [str(one.amount) for one in found]


@pytest.mark.parametrize(
    ("totals", "percent", "amount"),
    [
        pytest.param("10.05", "50", "5.03", id="half a cent is taken off"),
        pytest.param("10.03", "50", "5.02", id="and so is this half"),
        pytest.param("0.01", "50", "0.01", id="of one cent all"),
        pytest.param("0.01", "49.999", None, id="of one cent nothing"),
        pytest.param("0.01 0.01 0.01", "33.3333", "0.01", id="rounded once for all lines"),
        pytest.param("-5 5", "10", None, id="nothing of nothing"),
        pytest.param("-5 4", "10", None, id="nothing of less"),
        pytest.param("-5 15", "10", "1.00", id="of what lines come to together"),
    ],
)
def test_a_percentage_is_rounded_once(totals: str, percent: str, amount: str | None) -> None:
    found = discount(lines(*totals.split()), redeemed(coupon(percent=d(percent))), USD)

    assert taken(found) == ([] if amount is None else [amount])


def test_a_coupon_takes_whole_yen_and_thousandths_of_a_dinar() -> None:
    half = redeemed(coupon(percent=d(50)))

    assert taken(discount(lines("3"), half, JPY)) == ["2"]
    assert taken(discount(lines("0.003"), half, KWD)) == ["0.002"]
    assert discount(lines("3"), redeemed(off("1.00")), JPY) == ()


def test_what_is_not_of_the_period_is_not_discounted() -> None:
    bill = [Discountable(line_total=d(50)), *lines("10")]

    [found] = discount(bill, redeemed(coupon(percent=d(100))), USD)

    assert [(one.position, one.amount) for one in found.lines] == [(1, 10)]
    assert discount(bill[:1], redeemed(coupon()), USD) == ()


def test_without_coupons_nothing_is_taken_off() -> None:
    assert discount(lines("10"), None, USD) == ()
    assert discount(lines("10"), AvailableCoupons(redemptions=()), USD) == ()
    assert discount([], redeemed(coupon()), USD) == ()
    assert (total_of([]), off_by_line([])) == (0, {})


def test_a_discount_keeps_what_it_is_of() -> None:
    [found] = discount(lines("10"), redeemed(coupon("ONCE", percent=d(10), use_limit=3)), USD)

    assert (found.code, found.use_limit) == ("ONCE", 3)
    assert (found.redemption_id, found.coupon_id) == (UUID(int=0), UUID(int=4))


cents = st.lists(st.integers(0, 20_000), min_size=1, max_size=4)
coupons = st.lists(
    st.one_of(
        st.builds(
            lambda scope, percent: of_scope(scope, "P", str(Decimal(percent) / 100)),
            st.sampled_from(CouponScope),
            st.integers(1, 10_000),
        ),
        st.integers(1, 9_000).map(lambda one: off(str(Decimal(one) / 100))),
    ),
    max_size=4,
)


@supporting
@given(cents, coupons)
def test_no_bill_and_no_line_falls_below_zero_whatever_is_redeemed(
    totals: list[int], some: list[Coupon]
) -> None:
    bill = lines(*(Decimal(one) / 100 for one in totals))

    found = discount(bill, redeemed(*some), USD)

    by_line = off_by_line(found)
    assert all(0 <= by_line.get(at, d(0)) <= one.line_total for at, one in enumerate(bill))
    assert total_of(found) == sum(by_line.values(), d(0))
    assert all(one.amount > 0 for one in found)


@supporting
@given(cents, coupons, st.integers(0, 3))
def test_it_does_not_matter_in_which_order_redemptions_are_found(
    totals: list[int], some: list[Coupon], turn: int
) -> None:
    bill = lines(*(Decimal(one) / 100 for one in totals))
    available = redeemed(*some)
    cut = turn % (len(some) + 1)
    turned = available.redemptions[cut:] + available.redemptions[:cut]

    found = discount(bill, AvailableCoupons(redemptions=turned, plan_id=PLAN), USD)

    assert found == discount(bill, available, USD)


@supporting
@given(cents, coupons, st.integers(1, 9_000))
def test_one_coupon_more_makes_no_bill_dearer(
    totals: list[int], some: list[Coupon], more: int
) -> None:
    """The last one attached is of the whole bill, and so takes off what the others left."""
    bill = lines(*(Decimal(one) / 100 for one in totals))
    last = off(str(Decimal(more) / 100))

    before, after = (
        total_of(discount(bill, redeemed(*which), USD)) for which in (some, [*some, last])
    )

    left = sum((one.line_total for one in bill), d(0)) - before
    assert after - before == min(left, Decimal(more) / 100)
