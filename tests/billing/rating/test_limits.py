"""Hard and soft limits: what is marked, waived and never billed."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from billing.errors import InvariantBroken
from billing.identifiers import ChargeId, MeterId
from billing.metering.aggregations import Aggregation
from billing.periods import Interval, Period
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.rating.parts import Part
from billing.rating.periods import enforce_limits, price_quantities, rate_period
from billing.rating.proration import Share
from billing.rating.quantities import measure_quantities
from billing.rating.terms import OverLimit, find_allowance
from tests.billing.builders import (
    JANUARY,
    answer,
    d,
    fixed_charge,
    limit,
    measured,
    plan,
    rated,
    tiers,
    usage_charge,
    utc,
)

QUARTER = Period(starts_at=utc("2025-01-01"), ends_at=utc("2025-04-01"))
OTHER_CHARGE = ChargeId(UUID(int=20))
OTHER_METER = MeterId(UUID(int=21))


@pytest.mark.parametrize(
    ("over", "included", "billed", "amount", "waived"),
    [(OverLimit.BILL, "0", "1500", "1.5", None), (OverLimit.WAIVE, "0", "1000", "1", "500"),
     (OverLimit.WAIVE, "200", "800", "0.8", "500"), (OverLimit.WAIVE, None, "0", "0", "500"),
     (OverLimit.WAIVE, "1200", "0", "0", "300"), (OverLimit.WAIVE, "2000", "0", "0", "0")],
)  # fmt: skip
def test_hard_limits_mark_and_waive(
    *, over: OverLimit, included: str | None, billed: str, amount: str, waived: str | None
) -> None:
    terms = plan(usage_charge(included=included), features=[limit("1000", over=over)])

    line = rated(terms, "1500")

    assert (line.limit_exceeded, line.over_limit_quantity) == (True, 500)
    assert (line.quantity, line.exact_amount) == (d(billed), d(amount))
    assert line.waived_quantity == (None if waived is None else d(waived))
    names = [one.name for one in line.steps]
    if over is OverLimit.WAIVE:
        assert names == ["aggregate", "included_units", "waive_over_limit", "price"]
        assert line.steps[2].output == billed
        assert line.steps[2].inputs["over_limit"] == "500"
        assert line.steps[2].inputs["billable"] == line.steps[1].output
        assert line.steps[2].inputs["hard_limit"] == "1000"
    else:
        assert names == ["aggregate", "included_units", "price"]


def test_waived_packages_and_tiers_are_priced_anew() -> None:
    features = [limit("150", over=OverLimit.WAIVE)]
    package = usage_charge(Package(package_size=d(100), unit_price=d(5)), included="0")
    table = Graduated(tiers=tiers(("100", "1"), (None, "0.5")))

    line = rated(plan(package, features=features), "350")
    tiered = rated(plan(usage_charge(table, included="0", minimum="200"), features=features), "350")

    assert (line.quantity, line.package_count, line.exact_amount) == (150, 2, 10)
    assert [one.quantity for one in tiered.tiers] == [100, 50, 0]
    assert [one.starts_from for one in tiered.tiers] == [0, 100, 150]
    assert (tiered.exact_amount, tiered.bound) == (200, "minimum")


def test_soft_limits_neither_mark_nor_waive() -> None:
    terms = plan(usage_charge(included="0"), features=[limit(soft=True, over=OverLimit.WAIVE)])

    line = rated(terms, "1500")

    assert (line.limit_exceeded, line.quantity) == (False, 1500)


def test_the_limit_itself_is_not_passed() -> None:
    assert not rated(plan(usage_charge(), features=[limit("1000")]), "1000").limit_exceeded


def test_enforcing_is_a_step_of_its_own() -> None:
    terms = plan(usage_charge(), fixed_charge(), features=[limit("1000")])
    quantities = measure_quantities(terms, JANUARY, answer(terms, JANUARY, ["1500"]))
    lines = price_quantities(terms, JANUARY, quantities)

    enforced = enforce_limits(terms, quantities, lines)

    assert [line.limit_exceeded for line in lines] == [False, False]
    assert [line.limit_exceeded for line in enforced] == [True, False]
    assert enforced[1] is lines[1]
    assert enforced == rate_period(terms, JANUARY, answer(terms, JANUARY, ["1500"]))


def test_the_allowance_goes_to_the_oldest_charge_on_the_meter() -> None:
    older = usage_charge()
    younger = usage_charge(charge_id=OTHER_CHARGE)
    own = usage_charge(charge_id=ChargeId(UUID(int=22)), included="7")
    elsewhere = usage_charge(charge_id=ChargeId(UUID(int=23)), meter_id=OTHER_METER)
    terms = plan(older, younger, own, elsewhere, features=[limit("1000", soft=True)])

    included = [find_allowance(terms, charge).units for charge in terms.charges]

    assert included == [1000, 0, 7, 0]
    assert [find_allowance(terms, one).hard_limit for one in terms.charges] == [None] * 4
    hard = replace(terms, features=(limit("1000"),))
    assert [find_allowance(hard, one).hard_limit for one in hard.charges] == [1000] * 3 + [None]
    overridden = plan(usage_charge(included="0"), younger, features=[limit("1000")])
    assert [find_allowance(overridden, one).units for one in overridden.charges] == [0, 0]


def test_disabled_and_other_features_allow_nothing() -> None:
    for feature in (limit("1000", enabled=False), limit("1000", meter_id=OTHER_METER)):
        allowance = find_allowance(plan(usage_charge(), features=[feature]), usage_charge())
        assert (allowance.units, allowance.hard_limit, allowance.has_windows) == (0, None, False)
    plain = find_allowance(plan(usage_charge(included="5")), usage_charge(included="5"))
    assert (plain.units, plain.has_windows) == (5, True)
    assert plain.cadence.interval is Interval.MONTH
    assert plain.over_limit is OverLimit.BILL


def test_negative_levels_bill_nothing_and_use_up_no_allowance() -> None:
    terms = plan(
        usage_charge(aggregation=Aggregation.WEIGHTED_SUM),
        features=[limit("10", reset=None)],
    )
    rest = Period(starts_at=utc("2025-01-20"), ends_at=JANUARY.ends_at)

    quantity = measured(terms, "-5")
    after = measured(terms, "-5", "12", span=rest)

    assert (quantity.measured, quantity.included, quantity.billable) == (-5, 0, 0)
    assert (after.included, after.billable, after.over_limit) == (10, 2, 2)


def test_what_a_part_waives_is_held_to_its_share_of_the_minimum() -> None:
    terms = plan(usage_charge(minimum="31"), features=[limit("1000", over=OverLimit.WAIVE)])
    part = Part(share=Share(covered=17, total=31))

    (line,) = rate_period(terms, JANUARY, answer(terms, JANUARY, ["1500"]), part)

    assert (line.waived_quantity, line.exact_amount, line.bound) == (500, 17, "minimum")


def test_a_line_of_a_charge_that_its_plan_has_not_is_a_broken_rule() -> None:
    line = rated(plan(usage_charge()), "1")

    for gone in (replace(line, charge_id=OTHER_CHARGE), replace(line, charge_id=None)):
        with pytest.raises(InvariantBroken) as broken:
            enforce_limits(plan(usage_charge()), [], [gone])
        assert broken.value.detail == "A line's charge is not in its plan version."
        assert broken.value.identifiers == {"charge_id": str(gone.charge_id)}
