"""What a bill is computed from is enough to compute it again, by the rules of its day."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from billing.errors import InvariantBroken
from billing.rating.charge_bounds import EarlierParts
from billing.rating.engines import ENGINE_VERSION, Engine
from billing.rating.frozen_usage import FrozenUsage, rate
from billing.rating.proration import Share
from billing.rating.terms import PlanTerms
from billing.ratios import Ratio
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
