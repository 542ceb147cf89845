"""Minimum and maximum: of a whole period, and of its parts together (CONTRACT 8, 93)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoicing.invoices import round_line
from billing.money import exactly
from billing.pricing import Price
from billing.pricing.per_unit import PerUnit
from billing.pricing.percentage import Percentage
from billing.rating.charge_bounds import Bounds, EarlierParts, hold
from billing.rating.engines import Engine
from billing.rating.lines import PricedLine
from billing.rating.parts import Part, add_part, has_bounds, without_bounds
from billing.rating.periods import rate_period
from billing.rating.proration import NONE, WHOLE, ProrationBasis, Share
from billing.rating.terms import PlanTerms
from billing.ratios import Ratio, add_up
from tests.billing.builders import (
    CHARGE,
    DOCUMENTED_TIERS,
    JANUARY,
    USD,
    answer,
    d,
    fixed_charge,
    plan,
    usage_charge,
)
from tests.billing.profiles import thorough


@pytest.mark.parametrize(
    ("amount", "minimum", "maximum", "result", "rule"),
    [("5", "10", None, "10", "minimum"), ("15", None, "10", "10", "maximum"),
     ("10", "10", "10", "10", None), ("12", "10", "20", "12", None), ("0", None, None, "0", None)],
)  # fmt: skip
def test_bounds(
    *, amount: str, minimum: str | None, maximum: str | None, result: str, rule: str | None
) -> None:
    least, most = (None if one is None else d(one) for one in (minimum, maximum))

    held = hold(Price(amount=d(amount)), d(1), Bounds(minimum=least, maximum=most))

    assert (held.price, held.rule) == (Price(amount=d(result)), rule)


def test_a_bound_on_tiers_closes_them_with_a_row_of_its_own() -> None:
    price = DOCUMENTED_TIERS.price(d(15000))

    raised = hold(price, d(15000), Bounds(minimum=d(20))).price
    capped = hold(price, d(15000), Bounds(maximum=d(10))).price

    assert (raised.amount, capped.amount) == (20, 10)
    assert raised.tiers[:-1] == capped.tiers[:-1] == price.tiers
    for row, difference, rule in [
        (raised.tiers[-1], "6.5", "minimum"),
        (capped.tiers[-1], "-3.5", "maximum"),
    ]:
        assert (row.amount, row.flat_fee, row.adjustment) == (d(difference), d(difference), rule)
        assert (row.starts_from, row.up_to, row.quantity, row.unit_price) == (15000, 15000, 0, 0)


def days(covered: int) -> Share:
    return Share(covered=covered, total=31)


def bill_parts(
    terms: PlanTerms, *parts: tuple[int, str], engine: Engine = Engine.SECOND
) -> list[PricedLine]:
    """Bill a January of as many parts, of so many days and so much usage each."""
    earlier: tuple[EarlierParts, ...] = ()
    lines = []
    for covered, usage in parts:
        part = Part(share=days(covered), earlier=earlier, engine=engine)
        used = answer(terms, JANUARY, [usage] * sum(one.meter is not None for one in terms.charges))
        billed = rate_period(terms, JANUARY, used, part)
        unbounded = rate_period(without_bounds(terms), JANUARY, used, part)
        earlier = add_part(earlier, billed, unbounded, part.share)
        lines.append(billed[0])
    return lines


def totals(lines: list[PricedLine]) -> list[Decimal]:
    return [round_line(line, USD).line_total for line in lines]


CASES: list[tuple[str, str | None, str | None, list[tuple[int, str]], list[str], list[str | None]]]
CASES = [
    ("a cut minimum trues up", "100", None, [(10, "0"), (21, "0")], ["32.26", "67.74"],
     ["minimum", "minimum"]),
    ("usage of the first part counts for the last", "100", None, [(10, "80"), (21, "0")],
     ["80", "20"], [None, "minimum"]),
    ("usage of the last part counts as well", "100", None, [(10, "0"), (21, "90")],
     ["32.26", "67.74"], ["minimum", "minimum"]),
    ("a minimum that was passed takes nothing off", "100", None, [(10, "0"), (21, "150")],
     ["32.26", "117.74"], ["minimum", "true_up"]),
    ("no part is below 0", "100", None, [(10, "300"), (21, "0")], ["300", "0"], [None, None]),
    ("three parts", "100", None, [(10, "0"), (10, "0"), (11, "0")], ["32.26", "32.26", "35.48"],
     ["minimum", "minimum", "minimum"]),
    ("a part that did more than its share", "100", None, [(10, "80"), (10, "0"), (11, "0")],
     ["80", "0", "20"], [None, None, "minimum"]),
    ("a cut maximum gives what it held back", None, "100", [(10, "80"), (21, "0")],
     ["32.26", "47.74"], ["maximum", "true_up"]),
    ("a maximum of both parts", None, "100", [(10, "80"), (21, "80")], ["32.26", "67.74"],
     ["maximum", "maximum"]),
    ("a canceled period has its covered share", "100", "200", [(10, "500")], ["64.52"],
     ["maximum"]),
    ("a canceled period has its share of the minimum", "100", None, [(10, "0")], ["32.26"],
     ["minimum"]),
    ("a first partial period", "100", None, [(17, "0")], ["54.84"], ["minimum"]),
    ("a whole period", "100", None, [(31, "0")], ["100"], ["minimum"]),
    ("parts within their bounds are left alone", "1", "100", [(10, "5.004"), (21, "5.004")],
     ["5.00", "5.00"], [None, None]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("minimum", "maximum", "parts", "billed", "rules"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_the_parts_of_a_period_together_obey_the_bounds_of_the_whole(
    minimum: str | None,
    maximum: str | None,
    parts: list[tuple[int, str]],
    billed: list[str],
    rules: list[str | None],
) -> None:
    dollar = usage_charge(PerUnit(unit_price=d(1)), minimum=minimum, maximum=maximum)

    lines = bill_parts(plan(dollar), *parts)

    assert totals(lines) == [d(one) for one in billed]
    assert [line.bound for line in lines] == rules


def test_the_first_engine_held_every_part_to_the_whole_bounds() -> None:
    terms = plan(usage_charge(PerUnit(unit_price=d(1)), minimum="100", maximum="150"))

    lines = bill_parts(terms, (10, "0"), (21, "400"), engine=Engine.FIRST)

    assert totals(lines) == [100, 150]


def test_what_the_first_engine_billed_too_much_is_taken_off_the_last_part() -> None:
    terms = plan(usage_charge(PerUnit(unit_price=d(1)), minimum="100"))
    used = answer(terms, JANUARY, ["0"])
    first = Part(share=days(10), engine=Engine.FIRST)
    billed = rate_period(terms, JANUARY, used, first)
    raw = rate_period(without_bounds(terms), JANUARY, used, first)
    earlier = add_part((), billed, raw, first.share)

    (last,) = rate_period(terms, JANUARY, used, Part(share=days(21), earlier=earlier))

    assert (totals([*billed, last]), last.bound) == ([100, 0], None)


def test_fixed_charges_are_held_to_their_share_of_the_bounds() -> None:
    fee = fixed_charge("30")
    bounded = plan(
        type(fee)(
            charge_id=fee.charge_id, type=fee.type, pricing=fee.pricing, unit_price=d(30),
            display_name="Platform fee", minimum=d(40),
        )
    )  # fmt: skip

    assert totals(bill_parts(bounded, (10, "0"), (21, "0"))) == [d("12.90"), d("27.10")]


def test_a_step_says_which_share_and_what_was_billed_before() -> None:
    terms = plan(usage_charge(PerUnit(unit_price=d(1)), minimum="100"))

    first, last = bill_parts(terms, (10, "0"), (21, "5"))

    assert first.exact_amount == Ratio(1000, 31)
    assert dict(first.steps[-1].inputs) == {
        "amount": "0", "minimum": "100", "covered": "10", "total": "31", "basis": "day",
    }  # fmt: skip
    assert dict(last.steps[-1].inputs) == {
        "amount": "5", "minimum": "100", "covered": "31", "total": "31", "basis": "day",
        "earlier_amount": "0", "earlier_billed": "32.26",
    }  # fmt: skip
    assert last.steps[-1].output == "67.74"


def test_tiers_of_a_part_add_up_to_its_amount() -> None:
    terms = plan(usage_charge(DOCUMENTED_TIERS, minimum="100"))

    for line in bill_parts(terms, (10, "15000"), (21, "0")):
        assert add_up(tier.amount for tier in line.tiers) == line.exact_amount


amounts = st.decimals("0", "200", places=3)
cuts = st.lists(st.integers(1, 30), unique=True, max_size=5)


@thorough
@given(st.data(), cuts, st.tuples(amounts, amounts), st.booleans())
def test_any_cut_comes_to_what_one_bill_would_say(
    data: st.DataObject, cut_on: list[int], bounds: tuple[Decimal, Decimal], canceled: bool
) -> None:
    edges = [0, *sorted(cut_on), 31]
    lengths = [later - sooner for sooner, later in pairwise(edges)]
    if canceled and len(lengths) > 1:
        lengths.pop()
    minimum, maximum = (str(one) for one in sorted(bounds))
    terms = plan(usage_charge(PerUnit(unit_price=d(1)), minimum=minimum, maximum=maximum))
    usages = [data.draw(amounts) for _ in lengths]

    lines = bill_parts(
        terms, *((length, str(used)) for length, used in zip(lengths, usages, strict=True))
    )

    share, raw = Fraction(sum(lengths), 31), Fraction(exactly(sum)(usages, d(0)))
    whole = min(max(raw, share * Fraction(minimum)), share * Fraction(maximum))
    billed = Fraction(sum(totals(lines), d(0)))
    assert all(line.exact_amount >= 0 for line in lines)
    # Each part is rounded by itself where no bound holds.
    assert abs(billed - whole) <= Fraction(len(lines), 200)
    if lines[-1].bound is not None:
        assert abs(billed - whole) <= Fraction(1, 200)


def test_shares_of_parts_add_up_to_the_whole_in_any_unit() -> None:
    by_second = Share(covered=1, total=4, basis=ProrationBasis.SECOND)

    assert days(10).plus(days(21)).is_whole
    assert days(10).plus(NONE).of(d(31)) == 10
    assert by_second.plus(Share(covered=1, total=2)).of(d(8)) == 6
    assert by_second.plus(WHOLE).is_whole
    assert {by_second.plus(one).basis for one in (NONE, by_second, WHOLE)} == {by_second.basis}


def test_only_plans_with_bounds_need_their_earlier_parts() -> None:
    assert not has_bounds(plan(usage_charge(), fixed_charge()))
    assert has_bounds(plan(usage_charge(maximum="5")))
    assert not has_bounds(without_bounds(plan(usage_charge(minimum="5", maximum="9"))))


def test_a_charge_that_came_later_is_bounded_from_its_first_part_on() -> None:
    other = EarlierParts(charge_id=CHARGE, share=days(10), priced=d(0), billed=d(0))
    fee = plan(usage_charge(Percentage(rate=d(0), fixed_fee=d(0)), minimum="31"))
    earlier = add_part((), (), (), days(10))

    (line,) = rate_period(
        fee, JANUARY, answer(fee, JANUARY, ["0"]), Part(share=days(21), earlier=earlier)
    )

    assert line.exact_amount == 21
    assert other.share.plus(days(21)).is_whole


def test_a_credit_beside_the_lines_of_a_part_is_no_part_of_a_charge() -> None:
    terms = plan(usage_charge(PerUnit(unit_price=d(1)), minimum="100"))
    (line,) = rate_period(terms, JANUARY, answer(terms, JANUARY, ["5"]), Part(share=days(31)))
    credit = replace(line, charge_id=None, exact_amount=d(-7))

    (added,) = add_part((), (credit, line), (credit, replace(line, exact_amount=d(5))), days(31))

    assert (added.charge_id, added.priced, added.billed) == (CHARGE, 5, 100)
