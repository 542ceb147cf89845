"""What a bill is computed from is enough to compute it again, by the rules of its day."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from billing.errors import InvariantBroken
from billing.metering.aggregations import Aggregation
from billing.rating.charge_bounds import EarlierParts
from billing.rating.engines import ENGINE_VERSION, Engine
from billing.rating.frozen_usage import FrozenUsage, billed_so_far, rate
from billing.rating.proration import Share
from billing.rating.terms import PlanTerms
from billing.ratios import Ratio
from billing.units import Unit
from tests.billing.builders import (
    CHARGE,
    JANUARY,
    answer,
    d,
    fixed_charge,
    plan,
    usage_charge,
)

HALF = Share(covered=17, total=31)


def frozen(terms: PlanTerms, *quantities: str, share: Share = HALF) -> FrozenUsage:
    return FrozenUsage(
        plan_id=terms.plan_id,
        plan_version=terms.version,
        period=JANUARY,
        share=share,
        watermark=1,
        usage=answer(terms, JANUARY, quantities) if quantities else (),
        engine=ENGINE_VERSION,
    )


def test_a_part_of_a_period_owes_its_share() -> None:
    [line] = rate(plan(fixed_charge()), frozen(plan(fixed_charge())))

    assert (line.exact_amount, line.share) == (Ratio(510, 31), HALF)


def test_a_bill_of_the_first_rules_is_rated_again_by_them() -> None:
    terms = plan(fixed_charge())

    [line] = rate(terms, replace(frozen(terms), engine=Engine.FIRST))

    assert line.exact_amount == Decimal("16.4516129032258064516129032258064516129032")


def test_what_earlier_parts_were_billed_counts_to_the_minimum() -> None:
    terms = plan(usage_charge(minimum="31"))
    rest = frozen(terms, "0", share=Share(covered=14, total=31))
    before = EarlierParts(charge_id=CHARGE, share=HALF, priced=d(40), billed=d(40))

    assert [one.exact_amount for one in rate(terms, rest)] == [14]
    assert [one.exact_amount for one in rate(terms, replace(rest, earlier=(before,)))] == [0]


def test_usage_that_was_read_in_another_way_stands_in_for_its_own() -> None:
    terms = plan(usage_charge())
    bill = frozen(terms, "1000")

    assert [one.exact_amount for one in rate(terms, bill)] == [1]
    assert [one.exact_amount for one in rate(terms, bill, answer(terms, JANUARY, ["3000"]))] == [3]
    with pytest.raises(InvariantBroken):
        rate(terms, bill, ())  # none at all is another way, too


def test_a_period_so_far_is_its_usage_without_what_is_owed_at_its_end() -> None:
    terms = plan(fixed_charge(), usage_charge(minimum="31"))
    so_far = replace(frozen(terms, "2000"), is_so_far=True)

    [line] = rate(terms, so_far)

    assert (line.charge_id, line.exact_amount, line.bound) == (CHARGE, 2, None)


def test_a_maximum_holds_for_a_period_so_far() -> None:
    terms = plan(usage_charge(maximum="31"))
    so_far = replace(frozen(terms, "90000", share=Share(covered=31, total=31)), is_so_far=True)

    [line] = rate(terms, so_far)

    assert (line.exact_amount, line.bound) == (31, "maximum")


LEVELS = [one for one in Aggregation if one.definition.level is not None]


@pytest.mark.parametrize(
    ("aggregation", "carries"),
    [*((one, False) for one in Aggregation), *((one, True) for one in LEVELS)],
)
def test_time_that_has_not_been_is_not_billed_so_far(
    aggregation: Aggregation, carries: bool
) -> None:
    charge = usage_charge(aggregation=aggregation)
    assert charge.meter is not None
    charge = replace(charge, meter=replace(charge.meter, carry_forward=carries))

    is_billed = not carries and aggregation is not Aggregation.WEIGHTED_SUM
    assert billed_so_far(charge) is is_billed


def test_what_is_priced_in_an_own_unit_is_not_billed_so_far() -> None:
    tokens = Unit(code="TOKENS", scale=0)

    assert not billed_so_far(replace(usage_charge(), unit=tokens, overage_rate=d(1)))
    assert not billed_so_far(fixed_charge())
