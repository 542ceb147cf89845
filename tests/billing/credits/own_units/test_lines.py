"""Lines in own units: credit pays in these, and the rest becomes money before anything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.cuts import Segment
from billing.credits.drawing import Lot
from billing.credits.evidence import draw_again
from billing.credits.grants import GrantKind
from billing.discounts.coupons import Coupon, Redemption
from billing.discounts.discounting import AvailableCoupons
from billing.invoicing.explanations import explain_line
from billing.invoicing.invoices import InvoiceTotals
from billing.invoicing.receipts import from_document, to_document
from billing.money import ZERO
from billing.rating.lines import PricedLine, as_computed, paid_as
from billing.rating.wording import describe_rest
from billing.units import Taxation, Unit
from tests.billing.credits.lots import CHARGES, DOLLARS, START, grant
from tests.billing.credits.own_units.tokens_at_use import bill
from tests.billing.invoicing.lines import line, rate
from tests.billing.profiles import supporting

TOKENS = Unit(code="TOKENS", scale=1, taxation=Taxation.AT_PURCHASE)
MINUTES = Unit(code="MINUTES", scale=0, taxation=Taxation.AT_PURCHASE)


def priced(amount: str, overage_rate: str | None = "0.02", unit: Unit = TOKENS) -> PricedLine:
    each = None if overage_rate is None else Decimal(overage_rate)
    return replace(line(amount), priced_in=unit, overage_rate=each, charge_id=CHARGES[0])


def lot(amount: str, unit: Unit = TOKENS, **terms: object) -> Lot:
    one = grant(unit=unit, amount=Decimal(amount), **terms)
    return Lot(grant=one, rest=one.amount)


def money(totals: InvoiceTotals) -> list[str]:
    return [format(one.line_total, "f") for one in totals.lines]


def test_the_rest_is_rounded_once_in_its_unit_and_once_as_money() -> None:
    found = bill([priced("120.54")], lot("100"))

    [only] = found.lines
    assert (only.line.amount, only.line.paid_in_unit, only.line.rest) == (
        Decimal("120.5"),
        100,
        Decimal("20.5"),
    )
    assert (found.total, found.credits_total, found.draws_units) == (Decimal("0.41"), 0, True)
    assert [(one.unit, one.amount, one.money) for one in found.draws] == [("TOKENS", 100, 0)]


def test_credit_pays_only_lines_of_its_unit() -> None:
    lines = [priced("10"), priced("10", unit=MINUTES), line("10")]

    found = bill(lines, lot("4"), lot("7", MINUTES), lot("2", DOLLARS))

    assert money(found) == ["0.12", "0.06", "10.00"]
    assert [(one.position, one.amount, one.money) for one in found.draws] == [
        (0, 4, 0),
        (1, 7, 0),
        (0, Decimal("0.12"), Decimal("0.12")),
        (1, Decimal("0.06"), Decimal("0.06")),
        (2, Decimal("1.82"), Decimal("1.82")),
    ]
    assert found.drawing is not None
    assert draw_again(found.drawing) == found.draws


def test_coupons_and_taxes_are_of_the_rest_alone() -> None:
    half = Redemption(
        redemption_id=UUID(int=1),
        coupon=Coupon(coupon_id=UUID(int=2), code="HALF", percent=Decimal(50)),
        order=1,
    )

    found = bill(
        [priced("150")],
        lot("100"),
        taxes=[rate("20")],
        coupons=AvailableCoupons(redemptions=(half,)),
    )

    assert (found.subtotal, found.coupons_total, found.tax, found.total) == (
        1,
        Decimal("0.5"),
        Decimal("0.1"),
        Decimal("0.6"),
    )


def test_what_tokens_leave_of_a_time_is_paid_by_money_of_that_time() -> None:
    half = START + timedelta(days=15)
    used = (Segment(used_at=START, amount=Decimal(50)), Segment(used_at=half, amount=Decimal(50)))
    tokens = lot("40", effective_at=half)
    dollars = lot("9", DOLLARS, expires_at=half)

    found = bill([priced("100")], tokens, dollars, segments={0: used})

    # 50 were used before the half: 1.00, which the dollars pay; 10 are left of the rest: 0.20.
    assert money(found) == ["1.20"]
    assert (found.credits_before_tax, found.total) == (1, Decimal("0.2"))


def test_without_a_rate_nothing_of_the_rest_is_due() -> None:
    assert money(bill([priced("120", None)], lot("100"))) == ["0.00"]


def test_a_line_below_zero_takes_from_what_its_unit_could_pay() -> None:
    found = bill([priced("100"), priced("-30")], lot("90"))

    assert [(one.position, one.amount) for one in found.draws] == [(0, 70)]
    assert (money(found), found.total) == (["0.60", "-0.60"], ZERO)


def test_a_line_says_how_its_rest_became_money() -> None:
    [only] = bill([priced("120.5")], lot("100")).lines

    steps = [(one.name, one.output) for one in explain_line(only)[-3:]]

    assert steps == [("round", "120.5"), ("pay_in_unit", "20.5"), ("overage", "0.41")]
    assert describe_rest(only.line, price=lambda one: f"${one}", paid_by="Prepaid credit") == (
        "120.5 TOKENS − 100 Prepaid credit = 20.5 TOKENS × $0.02",
    )


def test_a_line_is_computed_before_it_is_paid() -> None:
    line_of_bill = priced("120.5")

    paid = [one.line for one in bill([line_of_bill], lot("100")).lines]

    assert as_computed(paid) == (line_of_bill,)
    assert paid_as([line_of_bill], paid) == paid
    assert from_document(PricedLine, to_document(paid[0])) == paid[0]


LINES = st.lists(
    st.tuples(
        st.lists(st.integers(0, 60), min_size=1, max_size=3),
        st.sampled_from(["0.02", "0.005", "0.333", None]),
        st.sampled_from([TOKENS, MINUTES]),
    ),
    min_size=1,
    max_size=4,
)
LOTS = st.lists(
    st.tuples(
        st.integers(1, 90),
        st.sampled_from([TOKENS, MINUTES]),
        st.integers(0, 2),
        st.none() | st.integers(1, 3),
        st.sampled_from([10, 50]),
        st.sampled_from(GrantKind),
    ),
    max_size=4,
)


@supporting
@given(LINES, LOTS)
def test_bills_pay_as_one_token_after_another_would(
    said: list[tuple[list[int], str | None, Unit]],
    having: list[tuple[int, Unit, int, int | None, int, GrantKind]],
) -> None:
    lines = [
        priced(str(Decimal(sum(days)) * unit.finest), overage, unit) for days, overage, unit in said
    ]
    segments = {
        at: tuple(
            Segment(used_at=START + timedelta(days=day), amount=Decimal(amount) * unit.finest)
            for day, amount in enumerate(days)
            if amount
        )
        for at, (days, _, unit) in enumerate(said)
    }
    lots = [
        lot(
            str(amount * unit.finest),
            unit,
            grant_id=UUID(int=200 + sequence),
            sequence=sequence,
            effective_at=START + timedelta(days=day),
            expires_at=None if lasts is None else START + timedelta(days=day + lasts),
            priority=priority,
            kind=kind,
        )
        for sequence, (amount, unit, day, lasts, priority, kind) in enumerate(having)
    ]

    found = bill(lines, *lots, segments=segments)

    drawn = {(one.position, one.grant_id): Fraction(one.amount) for one in found.draws}
    wanted, due = one_after_another(said, having)
    assert drawn == wanted
    assert [Fraction(one.line_total) for one in found.lines] == due
    assert found.total == sum((one.line_total for one in found.lines), ZERO)
    if found.drawing is not None:
        assert draw_again(found.drawing) == found.draws


def one_after_another(
    said: list[tuple[list[int], str | None, Unit]],
    having: list[tuple[int, Unit, int, int | None, int, GrantKind]],
) -> tuple[dict[tuple[int, UUID], Fraction], list[Fraction]]:
    """Who pays each smallest part of each line, and what the others come to, by fractions alone."""
    rests = [amount for amount, *_ in having]
    drawn: dict[tuple[int, UUID], Fraction] = {}
    due = []
    for at, (days, overage, unit) in enumerate(said):
        finest = Fraction(1, 10**unit.scale)
        unpaid = 0
        for day, amount in enumerate(days):
            for _ in range(amount):
                payers = [
                    (
                        priority,
                        99 if lasts is None else day_from + lasts,
                        kind == "paid",
                        day_from,
                        place,
                    )
                    for place, (_, its, day_from, lasts, priority, kind) in enumerate(having)
                    if its == unit
                    and rests[place]
                    and day_from <= day
                    and (lasts is None or day < day_from + lasts)
                ]
                if not payers:
                    unpaid += 1
                    continue
                place = min(payers)[-1]
                rests[place] -= 1
                key = (at, UUID(int=200 + place))
                drawn[key] = drawn.get(key, Fraction(0)) + finest
        cents = unpaid * finest * Fraction(overage or "0") * 100
        due.append(Fraction((2 * cents + 1) // 2, 100))
    return drawn, due


@pytest.mark.parametrize("amount", ["0", "0.04"])
def test_nothing_is_drawn_for_nothing(amount: str) -> None:
    assert bill([priced(amount)], lot("5")).draws == ()
