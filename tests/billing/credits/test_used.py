"""When the lines of a bill were used: the bill of the usage before each cut, by the same code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.cuts import Segment
from billing.credits.used import CutUsage, not_billed, segments_of_period
from billing.errors import InvariantBroken
from billing.money import ZERO
from billing.pricing.per_unit import PerUnit
from billing.pricing.volume import Volume
from billing.rating.engines import Engine
from billing.rating.frozen_usage import FrozenUsage, rate
from billing.rating.proration import WHOLE
from billing.rating.terms import PlanTerms, Shortfall
from billing.units import Unit
from tests.billing.builders import (
    DOCUMENTED_TIERS,
    JANUARY,
    PLAN,
    USD,
    answer,
    fixed_charge,
    plan,
    tiers,
    usage_charge,
)
from tests.billing.profiles import supporting

FIRST, TENTH, TWENTIETH = (datetime(2025, 1, day, tzinfo=UTC) for day in (1, 10, 20))


def frozen(terms: PlanTerms, quantity: str | Decimal) -> FrozenUsage:
    return FrozenUsage(
        plan_id=PLAN,
        plan_version=1,
        period=JANUARY,
        share=WHOLE,
        watermark=1,
        usage=answer(terms, JANUARY, [quantity]),
        engine=Engine.SECOND,
    )


def used(
    terms: PlanTerms, *before: tuple[datetime, str | Decimal], in_all: str | Decimal
) -> list[list[tuple[datetime, Decimal]]]:
    """The segments of each line, given the quantity before each cut and in all."""
    whole = frozen(terms, in_all)
    cuts = [CutUsage(at=at, usage=answer(terms, JANUARY, [quantity])) for at, quantity in before]
    found = segments_of_period(terms, whole, rate(terms, whole), cuts)
    return [[(one.used_at, one.amount) for one in found[place]] for place in sorted(found)]


def test_line_is_cut_into_what_it_came_to_before() -> None:
    terms = plan(usage_charge(DOCUMENTED_TIERS))

    [line] = used(terms, (TENTH, "1000"), (TWENTIETH, "1000"), in_all="3000")

    assert line == [(FIRST, 2), (TWENTIETH, 2)]


def test_tiers_go_on_over_a_cut() -> None:
    """The second thousand is as dear as without a cut."""
    terms = plan(usage_charge(DOCUMENTED_TIERS))

    [cut], [whole] = used(terms, (TENTH, "1500"), in_all="2000"), used(terms, in_all="2000")

    assert cut == [(FIRST, Decimal("2.50")), (TENTH, Decimal("0.50"))]
    assert whole == [(FIRST, 3)]


def test_line_and_cuts_are_rounded_to_the_unit_of_their_charge() -> None:
    """3 and 7 at 0.125 are 0.375 and 0.875: of dollars to cents, of tokens to tenths."""
    dear = PerUnit(unit_price=Decimal("0.125"))
    tokens = replace(
        usage_charge(dear), unit=Unit(code="TOKENS", scale=1), shortfall=Shortfall.BLOCK
    )

    [of_money] = used(plan(usage_charge(dear)), (TENTH, "3"), in_all="7")
    [of_tokens] = used(plan(tokens), (TENTH, "3"), in_all="7")

    assert of_money == [(FIRST, Decimal("0.38")), (TENTH, Decimal("0.50"))]
    assert of_tokens == [(FIRST, Decimal("0.4")), (TENTH, Decimal("0.5"))]


def test_fixed_charge_is_used_after_the_last_cut() -> None:
    terms = plan(fixed_charge("30"), usage_charge())

    fixed, usage = used(terms, (TENTH, "4000"), in_all="9000")

    assert (fixed, usage) == ([(TENTH, 30)], [(FIRST, 4), (TENTH, 5)])


def test_what_a_minimum_adds_belongs_to_the_last_segment() -> None:
    terms = plan(usage_charge(minimum="10"))

    [line] = used(terms, (TENTH, "4000"), in_all="6000")

    assert line == [(FIRST, 4), (TENTH, 6)]


def test_what_a_maximum_takes_off_is_taken_from_what_came_last() -> None:
    terms = plan(usage_charge(maximum="5"))

    [line] = used(terms, (TENTH, "4000"), in_all="9000")

    assert line == [(FIRST, 4), (TENTH, 1)]


def test_volume_price_that_falls_gives_back_what_was_used_last() -> None:
    cheaper = Volume(tiers=tiers(("1000", "0.01"), (None, "0.002")))

    [line] = used(plan(usage_charge(cheaper)), (TENTH, "900"), in_all="2000")

    # 9.00 before the cut became 4.00 in all.
    assert line == [(FIRST, 4)]


@pytest.mark.parametrize(
    "instants", [[TWENTIETH, TENTH], [TENTH, TENTH], [JANUARY.starts_at], [JANUARY.ends_at]]
)
def test_cuts_are_inside_and_in_order(instants: Sequence[datetime]) -> None:
    with pytest.raises(InvariantBroken):
        used(plan(usage_charge()), *((at, "1") for at in instants), in_all="1")


@supporting
@given(
    amounts=st.lists(st.integers(0, 30_000), min_size=1, max_size=5),
    model=st.sampled_from(
        [DOCUMENTED_TIERS, Volume(tiers=tiers(("9000", "0.01"), (None, "0.002")))]
    ),
    minimum=st.none() | st.just("25"),
    maximum=st.none() | st.just("40"),
)
def test_segments_add_up_to_the_line(
    amounts: list[int],
    model: Volume,
    minimum: str | None,
    maximum: str | None,
) -> None:
    terms = plan(usage_charge(model, minimum=minimum, maximum=maximum))
    *before, in_all = [Decimal(sum(amounts[: place + 1])) for place in range(len(amounts))]
    cuts = [(FIRST + timedelta(days=place + 1), one) for place, one in enumerate(before)]

    [line] = used(terms, *cuts, in_all=in_all)

    [billed] = rate(terms, frozen(terms, in_all))
    assert sum((amount for _, amount in line), ZERO) == USD.round(billed.exact_amount)
    assert all(amount > 0 for _, amount in line)


def test_what_was_billed_before_comes_off_the_first_lines_of_its_charge() -> None:
    terms = plan(usage_charge(), fixed_charge())
    [line, fixed] = rate(terms, frozen(terms, "30000"))
    lines = [line, line, fixed]
    segments = {
        place: (Segment(used_at=FIRST, amount=one.amount),) for place, one in enumerate(lines)
    }
    assert line.charge_id is not None

    found = not_billed(lines, segments, {line.charge_id: Decimal(40)})

    left = [sum((one.amount for one in found[place]), ZERO) for place in sorted(found)]
    assert left == [0, 20, 30]


def test_what_gave_back_before_adds_nothing_to_a_line() -> None:
    terms = plan(usage_charge())
    [line] = rate(terms, frozen(terms, "30000"))
    segments = {0: (Segment(used_at=FIRST, amount=line.amount),)}
    assert line.charge_id is not None

    assert not_billed([line], segments, {line.charge_id: Decimal(-5)}) == segments
