"""Parts of a regular period: what each hands on to the next, and what its charges are held to."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from billing.identifiers import ChargeId
from billing.money import ZERO
from billing.rating.charge_bounds import TRUE_UP, Bounds, EarlierParts, held_amount
from billing.rating.engines import ENGINE_VERSION, Engine
from billing.rating.lines import PricedLine
from billing.rating.parts import ALL, Part, add_part, has_bounds, without_bounds, without_minimum
from billing.rating.proration import NONE, WHOLE, ProrationBasis, Share
from billing.ratios import Exact, Ratio
from tests.billing.builders import CHARGE, FIXED_CHARGE, d, fixed_charge, plan, usage_charge
from tests.billing.invoicing.lines import line

OTHER = ChargeId(UUID(int=20))
TEN = Share(covered=10, total=31)
REST = Share(covered=21, total=31)


def earlier(
    priced: str, billed: str, *, share: Share = TEN, moved: bool = False, of: ChargeId = CHARGE
) -> EarlierParts:
    return EarlierParts(
        charge_id=of, share=share, priced=d(priced), billed=d(billed), is_moved=moved
    )


def of_charge(
    amount: str, charge_id: ChargeId | None = CHARGE, bound: str | None = None
) -> PricedLine:
    return replace(line(amount), charge_id=charge_id, bound=bound)


def test_a_whole_period_by_the_present_rules_is_the_usual_part() -> None:
    assert Part() == ALL
    assert (ALL.share, ALL.earlier, ALL.engine) == (WHOLE, (), ENGINE_VERSION)
    assert ENGINE_VERSION is Engine.SECOND
    assert [one.is_first for one in Engine] == [True, False]


def test_a_charge_without_bounds_is_held_to_nothing() -> None:
    assert Part(share=TEN).bounds_of(usage_charge()) is None


def test_a_charge_is_held_to_what_its_own_parts_came_to() -> None:
    charge = usage_charge(minimum="100", maximum="200")
    others = (earlier("7", "8", of=OTHER), earlier("3", "4"))

    found = Part(share=REST, earlier=others).bounds_of(charge)

    assert found == Bounds(minimum=d(100), maximum=d(200), share=REST, earlier=others[1])
    assert found is not None
    assert found.covered.is_whole
    alone = Part(share=REST, earlier=others[:1]).bounds_of(charge)
    assert alone is not None
    assert (alone.earlier, alone.covered) == (None, REST)


def test_the_first_rules_knew_no_parts() -> None:
    charge = usage_charge(minimum="100")

    found = Part(share=TEN, earlier=(earlier("3", "4"),), engine=Engine.FIRST).bounds_of(charge)

    assert found == Bounds(minimum=d(100))
    assert found is not None
    assert found.covered == WHOLE


HELD: list[tuple[str, Exact, Bounds, Exact, str | None]] = [
    ("no bounds", d(5), Bounds(), d(5), None),
    ("within", d(5), Bounds(minimum=d(1), maximum=d(9)), d(5), None),
    ("at the minimum", d(1), Bounds(minimum=d(1)), d(1), None),
    ("at the maximum", d(9), Bounds(maximum=d(9)), d(9), None),
    ("below", d("0.99"), Bounds(minimum=d(1)), d(1), "minimum"),
    ("above", d("9.01"), Bounds(maximum=d(9)), d(9), "maximum"),
    ("below its share", d(0), Bounds(minimum=d(31), share=TEN), d(10), "minimum"),
    ("a share without end", d(0), Bounds(minimum=d(1), share=TEN), Ratio(10, 31), "minimum"),
    ("above its share", d(99), Bounds(maximum=d(31), share=TEN), d(10), "maximum"),
    ("the rest of a minimum", d(0),
     Bounds(minimum=d(31), share=REST, earlier=earlier("0", "10", moved=True)), d(21), "minimum"),
    ("the rest of a minimum that was passed", d(40),
     Bounds(minimum=d(31), share=REST, earlier=earlier("0", "10", moved=True)), d(30), TRUE_UP),
    ("nothing was moved", d(40),
     Bounds(minimum=d(31), share=REST, earlier=earlier("12", "12")), d(40), None),
    ("the maximum is used up", d(40),
     Bounds(maximum=d(31), share=REST, earlier=earlier("50", "31")), d(0), "maximum"),
    ("more was billed than is owed", d(0),
     Bounds(minimum=d(31), share=REST, earlier=earlier("0", "99", moved=True)), d(0), "minimum"),
    ("what was held back is billed", d(0),
     Bounds(maximum=d(31), share=REST, earlier=earlier("25", "10", moved=True)), d(15), TRUE_UP),
]  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "bounds", "held", "rule"),
    [case[1:] for case in HELD],
    ids=[case[0] for case in HELD],
)
def test_an_amount_is_held_to_the_share_of_all_parts_less_what_was_billed(
    amount: Exact, bounds: Bounds, held: Exact, rule: str | None
) -> None:
    assert held_amount(amount, bounds) == (held, rule)


def test_a_part_adds_its_share_its_price_and_what_it_billed() -> None:
    [found] = add_part((), [of_charge("10.004", bound="minimum")], [of_charge("3")], TEN)

    assert found == earlier("3", "10.00", moved=True)


def test_parts_are_added_up_by_charge() -> None:
    before = (earlier("3", "10", moved=True), earlier("1", "1", of=OTHER))

    found = add_part(
        before, [of_charge("7"), of_charge("5", FIXED_CHARGE)],
        [of_charge("2"), of_charge("4", FIXED_CHARGE)], REST,
    )  # fmt: skip

    assert {one.charge_id: one for one in found} == {
        CHARGE: earlier("5", "17", share=Share(covered=31, total=31), moved=True),
        OTHER: before[1],
        FIXED_CHARGE: earlier("4", "5", share=REST, of=FIXED_CHARGE),
    }


def test_lines_of_groups_are_one_part_of_their_charge() -> None:
    billed = [of_charge("1.005"), of_charge("1.005", bound="maximum"), of_charge("9", None)]
    raw = [of_charge("1.005"), of_charge("7"), of_charge("9", None)]

    [found] = add_part((), billed, raw, TEN)

    # Each line is rounded by itself; the price is not rounded at all.
    assert found == earlier("8.005", "2.02", moved=True)


def test_a_part_without_lines_hands_on_what_it_got() -> None:
    before = (earlier("3", "10", moved=True),)

    assert add_part(before, [], [], REST) == before
    assert add_part((), [], [], REST) == ()


def test_plans_without_bounds_are_the_same_but_for_them() -> None:
    fee = replace(fixed_charge(), minimum=d(5))
    terms = plan(usage_charge(minimum="1", maximum="9"), fee)

    free, capped = without_bounds(terms), without_minimum(terms)

    assert (has_bounds(terms), has_bounds(free), has_bounds(capped)) == (True, False, True)
    assert [(one.minimum, one.maximum) for one in free.charges] == [(None, None)] * 2
    assert [(one.minimum, one.maximum) for one in capped.charges] == [(None, 9), (None, None)]
    assert [one.pricing for one in free.charges] == [one.pricing for one in terms.charges]
    assert without_bounds(plan(usage_charge())) == plan(usage_charge())


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (TEN, REST, Share(covered=31, total=31)),
        (TEN, TEN, Share(covered=20, total=31)),
        (REST, REST, Share(covered=31, total=31)),
        (NONE, TEN, Share(covered=10, total=31, basis=ProrationBasis.DAY)),
        (Share(covered=1, total=2), Share(covered=1, total=3), Share(covered=5, total=6)),
        (Share(covered=1, total=2), Share(covered=2, total=3), Share(covered=6, total=6)),
    ],
)
def test_shares_of_two_parts_are_no_more_than_the_whole(
    one: Share, other: Share, together: Share
) -> None:
    assert one.plus(other) == together
    assert one.plus(other).of(d(186)) == other.plus(one).of(d(186))
    assert one.plus(NONE).of(d(186)) == one.of(d(186))
    assert ZERO <= one.plus(other).of(d(1)) <= 1
