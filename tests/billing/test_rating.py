"""The pipeline: usage to lines, against a second model and against worked numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput, InvariantBroken
from billing.identifiers import ChargeId, MeterId
from billing.invoicing import assemble_invoice
from billing.lines import LineType, PricedLine
from billing.metering import Aggregation
from billing.money import Currency, find_currency
from billing.periods import Alignment, Anchor, Interval, Period, period
from billing.pricing import Graduated, Package, Percentage, PerUnit, UsagePricing, pricing_document
from billing.proration import Share
from billing.quantities import ChargeQuantity, MeteredUsage, measure_quantities, usage_windows
from billing.rating import enforce_limits, price_quantities, rate_period
from billing.receipts import canonical_bytes
from billing.taxes import Address
from billing.terms import ChargeTerms, ChargeType, OverLimit, PlanTerms, PlanType, find_allowance
from tests.billing import naive
from tests.billing.builders import (
    ANCHOR,
    CHARGE,
    DOCUMENTED_TIERS,
    JANUARY,
    METER,
    PER_CALL,
    answer,
    d,
    first_period,
    fixed_charge,
    limit,
    plan,
    tiers,
    usage_charge,
    utc,
)
from tests.billing.profiles import thorough
from tests.billing.strategies import decimals, models

QUARTER = Period(starts_at=utc("2025-01-01"), ends_at=utc("2025-04-01"))
OTHER_CHARGE = ChargeId(UUID(int=20))
OTHER_METER = MeterId(UUID(int=21))


def rated(
    terms: PlanTerms,
    *quantities: str,
    span: Period = JANUARY,
    anchor: Anchor = ANCHOR,
    events: int = 1,
) -> PricedLine:
    usage = answer(terms, span, quantities, anchor=anchor, events=events)
    return rate_period(terms, span, usage)[0]


def measured(
    terms: PlanTerms, *quantities: str, span: Period = JANUARY, anchor: Anchor = ANCHOR
) -> ChargeQuantity:
    return measure_quantities(terms, span, answer(terms, span, quantities, anchor=anchor))[0]


small = st.one_of(st.integers(0, 70).map(Decimal), decimals(70, 2))
optional_bounds = st.one_of(st.none(), decimals(60, 2))


@thorough
@given(
    pricing=models,
    quantities=st.tuples(small, small, small),
    included=st.one_of(st.just(Decimal(0)), small),
    hard_limit=st.one_of(st.none(), small),
    waive=st.booleans(),
    minimum=optional_bounds,
    currency=st.sampled_from([find_currency(code) for code in ("JPY", "USD", "KWD")]),
    events=st.integers(1, 4),
)
def test_rating_agrees_with_the_naive_model(
    *,
    pricing: UsagePricing,
    quantities: tuple[Decimal, Decimal, Decimal],
    included: Decimal,
    hard_limit: Decimal | None,
    waive: bool,
    minimum: Decimal | None,
    currency: Currency,
    events: int,
) -> None:
    maximum = None if minimum is None else minimum * 2
    charge = replace(
        usage_charge(pricing), included_units=included, minimum=minimum, maximum=maximum
    )
    over = OverLimit.WAIVE if waive else OverLimit.BILL
    terms = plan(
        charge,
        features=[replace(limit(None, over=over), usage_limit=hard_limit)],
        interval=Interval.QUARTER,
        currency=currency.code,
    )
    has_windows = included > 0 or hard_limit is not None
    answers = quantities if has_windows else (sum(quantities, d(0)),)

    usage = answer(terms, QUARTER, answers, events=events)
    lines = rate_period(terms, QUARTER, usage)
    total = assemble_invoice(lines, [], Address(), currency).total

    expected = naive.line_total(
        pricing_document(pricing),
        [(Fraction(quantity), events) for quantity in answers],
        included=Fraction(included),
        hard_limit=None if hard_limit is None else Fraction(hard_limit),
        waive=waive,
        minimum=None if minimum is None else Fraction(minimum),
        maximum=None if maximum is None else Fraction(maximum),
        places=currency.exponent,
    )
    assert Fraction(total) == expected


@thorough
@given(models, small, small)
def test_invariant_08_usage_below_the_allowance_costs_nothing_more(
    pricing: UsagePricing, usage: Decimal, more: Decimal
) -> None:
    terms = plan(replace(usage_charge(pricing), included_units=usage + more))

    line = rated(terms, *((str(usage),) * len(usage_windows(terms, JANUARY, ANCHOR))), events=1)

    nothing = rate_period(terms, JANUARY, answer(terms, JANUARY, [d(0)] * 1, events=0))[0]
    if usage > 0:
        assert line.exact_amount == nothing.exact_amount
    assert line.quantity == 0


@thorough
@given(models, st.tuples(small, small, small), st.integers(0, 2), small)
def test_invariant_22_the_same_inputs_make_the_same_bytes(
    pricing: UsagePricing, quantities: tuple[Decimal, ...], turn: int, included: Decimal
) -> None:
    terms = plan(
        replace(usage_charge(pricing), included_units=included + 1),
        features=[limit("40")],
        interval=Interval.QUARTER,
    )
    usage = answer(terms, QUARTER, quantities)

    first = canonical_bytes(rate_period(terms, QUARTER, usage))
    with localcontext(Context(prec=4)):
        again = canonical_bytes(rate_period(terms, QUARTER, usage[turn:] + usage[:turn]))

    assert first == again


def test_the_main_example() -> None:
    terms = plan(
        usage_charge(PER_CALL, display_name="API calls ($0.001 each)"), kind=PlanType.USAGE
    )

    line = rated(terms, "82450", events=82_450)

    assert (line.type, line.currency, line.model) == (LineType.USAGE, "USD", "per_unit")
    assert (line.name, line.description) == ("API Calls", "API calls ($0.001 each)")
    assert (line.quantity, line.unit_amount, line.unit) == (82450, d("0.001"), "calls")
    assert (line.usage_quantity, line.included_quantity) == (82450, 0)
    assert (line.exact_amount, line.event_count) == (d("82.45"), 82450)
    assert (line.starts_at, line.ends_at) == (JANUARY.starts_at, JANUARY.ends_at)
    assert (line.charge_id, line.meter_id) == (CHARGE, METER)
    assert (line.limit_exceeded, line.over_limit_quantity, line.share) == (False, None, None)
    assert (line.tiers, line.bound, line.is_taxable) == ((), None, True)
    assert (line.package_size, line.package_price, line.package_count) == (None, None, None)
    assert (line.rate, line.fixed_fee, line.waived_quantity) == (None, None, None)
    assert [(one.name, dict(one.inputs), one.output) for one in line.steps] == [
        ("aggregate", {"aggregation": "SUM", "event_count": "82450", "windows": "1"}, "82450"),
        ("included_units", {"measured": "82450", "included": "0"}, "82450"),
        ("price", {"model": "per_unit", "quantity": "82450", "unit_price": "0.001"}, "82.45"),
    ]


def test_the_documented_tiers() -> None:
    line = rated(plan(usage_charge(DOCUMENTED_TIERS)), "15000")

    assert (line.exact_amount, line.unit_amount, line.model) == (d("13.5"), None, "graduated")
    assert [tier.amount for tier in line.tiers] == [2, 9, d("2.5")]
    assert dict(line.steps[-1].inputs) == {"model": "graduated", "quantity": "15000", "tiers": "3"}
    assert line.description == "API Calls"


def test_the_documented_free_tier() -> None:
    line = rated(plan(usage_charge(), features=[limit("1000")]), "1500")

    assert (line.quantity, line.usage_quantity, line.included_quantity) == (500, 1500, 1000)
    assert line.exact_amount == d("0.5")
    assert (line.limit_exceeded, line.over_limit_quantity) == (True, 500)
    assert dict(line.steps[1].inputs) == {"measured": "1500", "included": "1000"}
    assert line.steps[1].output == "500"


def test_zero_usage_makes_a_line() -> None:
    line = rated(plan(usage_charge(), features=[limit("1000")]), "0", events=0)

    assert (line.quantity, line.usage_quantity, line.included_quantity) == (0, 0, 0)
    assert (line.exact_amount, line.limit_exceeded) == (0, False)


def test_package_and_percentage_lines_show_their_parts() -> None:
    package = rated(plan(usage_charge(Package(package_size=d(100), unit_price=d(5)))), "101")
    share = rated(
        plan(usage_charge(Percentage(rate=d("0.029"), fixed_fee=d("0.3")))), "1000", events=12
    )

    assert (package.package_size, package.package_price, package.package_count) == (100, 5, 2)
    assert dict(package.steps[-1].inputs) == {
        "model": "package", "quantity": "101", "package_size": "100", "packages": "2",
        "unit_price": "5",
    }  # fmt: skip
    assert (share.rate, share.fixed_fee, share.event_count) == (d("0.029"), d("0.3"), 12)
    assert share.exact_amount == d("32.6")
    assert dict(share.steps[-1].inputs) == {
        "model": "percentage", "quantity": "1000", "rate": "0.029", "fixed_fee": "0.3",
        "event_count": "12",
    }  # fmt: skip


def test_events_that_the_allowance_covered_carry_no_fee() -> None:
    pricing = Percentage(rate=d("0.1"), fixed_fee=d(1))
    terms = plan(
        usage_charge(pricing, included="100"),
        features=[limit(None)],
        interval=Interval.QUARTER,
    )

    line = rated(terms, "100", "150", "0", span=QUARTER, events=3)

    assert (line.quantity, line.event_count) == (50, 6)
    assert line.exact_amount == d("11"), "0.1 × 50 and the fees of the months not covered whole"


def test_windows_shorter_than_the_period_are_allowed_for_one_by_one() -> None:
    terms = plan(usage_charge(), features=[limit("1000")], interval=Interval.QUARTER)

    quantity = measured(terms, "1500", "200", "1000", span=QUARTER)

    assert (quantity.measured, quantity.included, quantity.billable) == (2700, 2200, 500)
    assert (quantity.over_limit, quantity.billable_within_limit) == (500, 0)
    assert (quantity.event_count, quantity.billable_event_count) == (3, 1)
    assert [(one.measured, one.included, one.over_limit) for one in quantity.windows] == [
        (1500, 1000, 500), (200, 200, 0), (1000, 1000, 0),
    ]  # fmt: skip
    assert [one.starts_at for one in quantity.windows] == [
        utc("2025-01-01"), utc("2025-02-01"), utc("2025-03-01"),
    ]  # fmt: skip
    assert quantity.windows[-1].ends_at == QUARTER.ends_at


def test_a_window_longer_than_the_period_is_shared_by_its_periods() -> None:
    terms = plan(usage_charge(), features=[limit("1000", reset=Interval.YEAR)])
    march = period(ANCHOR, terms.cadence, 2)
    windows = usage_windows(terms, march, ANCHOR)

    assert [(w.starts_at, w.ends_at, w.is_earlier) for w in windows] == [
        (utc("2025-01-01"), utc("2025-03-01"), True), (utc("2025-03-01"), utc("2025-04-01"), False),
    ]  # fmt: skip
    for earlier, used, billable, over in [
        ("0", "400", "0", "0"), ("800", "400", "200", "200"), ("1000", "400", "400", "400"),
        ("1700", "400", "400", "400"),
    ]:  # fmt: skip
        quantity = measured(terms, earlier, used, span=march)
        assert (quantity.billable, quantity.over_limit) == (d(billable), d(over))
        assert (quantity.measured, quantity.windows[0].earlier) == (400, d(earlier))
    january = usage_windows(terms, JANUARY, ANCHOR)
    assert [one.is_earlier for one in january] == [False]


def test_a_window_cut_by_an_early_bill_is_shared_by_both_parts() -> None:
    terms = plan(usage_charge(), features=[limit("1000")])
    first = Period(starts_at=JANUARY.starts_at, ends_at=utc("2025-01-20T12:00"))
    rest = Period(starts_at=first.ends_at, ends_at=JANUARY.ends_at)

    one = measured(terms, "700", span=first)
    two = measured(terms, "700", "500", span=rest)

    assert (one.included, one.billable) == (700, 0)
    assert (two.included, two.billable, two.over_limit) == (300, 200, 200)


def test_windows_reach_back_to_the_anchor_at_most() -> None:
    terms = plan(usage_charge(), features=[limit("1000", reset=Interval.YEAR)])
    anchor = Anchor(starts_at=utc("2025-03-15"), alignment=Alignment.CALENDAR)
    first, second = (period(anchor, terms.cadence, n) for n in (0, 1))

    assert [w.is_earlier for w in usage_windows(terms, first, anchor)] == [False]
    earlier, billed = usage_windows(terms, second, anchor)
    assert (earlier.starts_at, earlier.ends_at) == (utc("2025-03-15"), utc("2025-04-01"))
    assert (billed.starts_at, billed.ends_at) == (utc("2025-04-01"), utc("2025-05-01"))
    assert (billed.charge_id, billed.meter_id) == (CHARGE, METER)


def test_periods_that_straddle_windows_are_cut_at_each_reset() -> None:
    terms = plan(usage_charge(), features=[limit("10", reset=Interval.WEEK)])

    windows = usage_windows(terms, period(ANCHOR, terms.cadence, 1), ANCHOR)

    starts = ["2025-01-29", "2025-02-01", "2025-02-05", "2025-02-12", "2025-02-19", "2025-02-26"]
    assert [one.starts_at for one in windows] == [utc(start) for start in starts]
    assert [one.is_earlier for one in windows] == [True, *[False] * 5]
    assert windows[-1].ends_at == utc("2025-03-01")


def test_charges_without_allowance_or_limit_read_the_whole_period() -> None:
    features = [limit(None, reset=Interval.DAY)]
    terms = plan(usage_charge(), fixed_charge(), features=features)

    (window,) = usage_windows(terms, JANUARY, ANCHOR)

    assert (window.starts_at, window.ends_at) == (JANUARY.starts_at, JANUARY.ends_at)


@thorough
@given(
    n=st.integers(0, 40),
    reset=st.sampled_from([Interval.DAY, Interval.WEEK, Interval.MONTH, Interval.YEAR]),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu"]),
    alignment=st.sampled_from(list(Alignment)),
    offset=st.integers(0, 1_000_000),
)
def test_invariant_18_usage_windows_tile_the_period(
    *, n: int, reset: Interval, zone: str, alignment: Alignment, offset: int
) -> None:
    terms = plan(usage_charge(), features=[limit("1000", reset=reset)])
    start = datetime.fromtimestamp(1_700_000_000 + offset, tz=utc("2025-01-01").tzinfo)
    anchor = Anchor(starts_at=start, timezone=zone, alignment=alignment)
    span = period(anchor, terms.cadence, n)

    windows = usage_windows(terms, span, anchor)

    billed = [one for one in windows if not one.is_earlier]
    assert billed[0].starts_at == span.starts_at
    assert billed[-1].ends_at == span.ends_at
    for before, after in itertools.pairwise(windows):
        assert before.ends_at == after.starts_at
        assert before.starts_at < before.ends_at
    assert windows[0].starts_at >= anchor.starts_at
    measure_quantities(terms, span, answer(terms, span, [d(1)] * len(windows), anchor=anchor))


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


@pytest.mark.parametrize(
    ("minimum", "maximum", "amount", "bound"),
    [("10", None, "10", "minimum"), (None, "0.25", "0.25", "maximum"), ("0.1", "1", "0.5", None)],
)
def test_bounds_follow_the_model(
    minimum: str | None, maximum: str | None, amount: str, bound: str | None
) -> None:
    line = rated(plan(usage_charge(minimum=minimum, maximum=maximum)), "500")

    assert (line.exact_amount, line.bound) == (d(amount), bound)
    if bound is not None:
        assert (line.steps[-1].name, line.steps[-1].inputs["amount"]) == (bound, "0.5")
        assert line.steps[-1].output == amount
        assert line.steps[-1].inputs[bound] == amount


def fixed_line(share: Share, charge: ChargeTerms | None = None) -> PricedLine:
    terms = plan(charge or fixed_charge())
    return rate_period(terms, JANUARY, [], share=share)[0]


def test_fixed_charges_whole_and_in_part() -> None:
    whole = fixed_line(Share(covered=31, total=31))
    part = fixed_line(Share(covered=17, total=31))

    assert (whole.type, whole.exact_amount, whole.quantity) == (LineType.FIXED, 30, 1)
    assert (whole.unit_amount, whole.name, whole.description) == (
        30,
        "Platform fee",
        "Platform fee",
    )
    assert [one.name for one in whole.steps] == ["price"]
    assert dict(whole.steps[0].inputs) == {"model": "flat", "unit_price": "30"}
    assert (part.type, part.unit_amount) == (LineType.PRORATION, 30)
    assert part.share == Share(covered=17, total=31)
    assert [one.name for one in part.steps] == ["price", "prorate"]
    assert dict(part.steps[1].inputs) == {
        "amount": "30", "covered": "17", "total": "31", "basis": "day",
    }  # fmt: skip
    assert part.steps[1].output.startswith("16.4516129")
    assert (part.charge_id, part.model) == (fixed_charge().charge_id, "flat")
    assert (part.starts_at, part.ends_at) == (JANUARY.starts_at, JANUARY.ends_at)


def test_a_fixed_charge_without_a_label_takes_the_plans_name() -> None:
    line = fixed_line(Share(covered=1, total=1), fixed_charge(display_name=None))

    assert line.name == line.description == "Pay as you go"


def test_bounds_hold_for_fixed_charges_too() -> None:
    charge = replace(fixed_charge(), minimum=d(20))

    line = fixed_line(Share(covered=17, total=31), charge)

    assert (line.exact_amount, line.bound, line.steps[-1].name) == (20, "minimum", "minimum")


def test_lines_keep_the_order_of_the_plan() -> None:
    terms = plan(fixed_charge(), usage_charge())

    types = [line.type for line in rate_period(terms, JANUARY, answer(terms, JANUARY, ["1"]))]

    assert types == [LineType.FIXED, LineType.USAGE]


def _broken(usage: Sequence[MeteredUsage]) -> list[list[MeteredUsage]]:
    first, second, third = usage
    moved = replace(
        first, window=replace(first.window, starts_at=first.window.starts_at.replace(hour=1))
    )
    return [
        [],
        [first, second],
        [first, third],
        [second, third],
        [*usage, first],
        [moved, second, third],
    ]


def test_usage_that_does_not_tile_the_period_is_a_bug() -> None:
    terms = plan(usage_charge(), features=[limit("1000")], interval=Interval.QUARTER)
    usage = answer(terms, QUARTER, ["1", "2", "3"])

    measure_quantities(terms, QUARTER, usage[::-1])
    for broken in _broken(usage):
        with pytest.raises(InvariantBroken, match="exactly once") as refused:
            measure_quantities(terms, QUARTER, broken)
        assert refused.value.identifiers == {"charge_id": str(CHARGE)}


def test_unmeasured_charges_are_a_bug() -> None:
    with pytest.raises(InvariantBroken, match="not measured") as refused:
        price_quantities(plan(usage_charge()), JANUARY, [])
    assert refused.value.identifiers == {"charge_id": str(CHARGE)}


def test_a_negative_count_of_events_is_a_bug() -> None:
    with pytest.raises(InvariantBroken):
        answer(plan(usage_charge()), JANUARY, ["1"], events=-1)
    assert answer(plan(usage_charge()), JANUARY, ["1"], events=0)


def test_an_empty_period_is_billed_without_usage() -> None:
    empty = Period(starts_at=JANUARY.starts_at, ends_at=JANUARY.starts_at)
    for features in ([], [limit("1000")]):
        terms = plan(usage_charge(), features=features)
        assert rated(terms, "0", span=empty).exact_amount == 0


def charge_of(**changes: object) -> ChargeTerms:
    return replace(usage_charge(), **changes)  # type: ignore[arg-type]


BAD_CHARGES: list[tuple[dict[str, object], str]] = [
    ({"type": ChargeType.FIXED}, "pricing"),
    ({"pricing": fixed_charge().pricing}, "pricing"),
    ({"meter": None}, "meter_id"),
    ({"type": ChargeType.FIXED, "pricing": fixed_charge().pricing}, "meter_id"),
    ({"minimum": d(2), "maximum": d(1)}, "minimum"),
    ({"minimum": d(-1)}, "minimum"),
    ({"maximum": d(-1)}, "maximum"),
    ({"included_units": d(-1)}, "included_units"),
    ({"unit_price": d(-1)}, "unit_price"),
    ({"unit_price": 0.1}, "unit_price"),
]


@pytest.mark.parametrize(("changes", "field"), BAD_CHARGES)
def test_charges_that_cannot_be_priced_are_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        charge_of(**changes)
    assert refused.value.field == field


def test_percentages_need_a_sum() -> None:
    usage_charge(Percentage(rate=d("0.1")))
    for aggregation in set(Aggregation) - {Aggregation.SUM}:
        with pytest.raises(InvalidInput) as refused:
            usage_charge(Percentage(rate=d("0.1")), aggregation=aggregation)
        assert refused.value.field == "pricing.model"


def test_equal_bounds_are_a_price() -> None:
    assert charge_of(minimum=d(1), maximum=d(1)).minimum == 1


@pytest.mark.parametrize(
    ("kind", "charge", "is_accepted"),
    [(PlanType.FIXED, fixed_charge(), True), (PlanType.FIXED, usage_charge(), False),
     (PlanType.USAGE, usage_charge(), True), (PlanType.USAGE, fixed_charge(), False),
     (PlanType.HYBRID, usage_charge(), True), (PlanType.HYBRID, fixed_charge(), True)],
)  # fmt: skip
def test_plan_types_hold_their_charges(
    kind: PlanType, charge: ChargeTerms, is_accepted: bool
) -> None:
    if is_accepted:
        assert plan(charge, kind=kind).charges == (charge,)
        return
    with pytest.raises(InvalidInput) as refused:
        plan(charge, kind=kind)
    assert refused.value.field == "charges.0.type"


def test_windows_of_levels_must_be_the_billing_period() -> None:
    peak = usage_charge(aggregation=Aggregation.MAX)
    plan(peak, features=[limit("5", reset=Interval.MONTH)])
    plan(peak, features=[limit("5", reset=None)], count=3)
    plan(peak, features=[limit(None, reset=Interval.DAY)])
    plan(replace(peak, included_units=d(3)), count=3)
    for features in (
        [limit("5", reset=Interval.DAY)],
        [limit("5", soft=True, reset=Interval.YEAR)],
    ):
        with pytest.raises(InvalidInput, match="MAX") as refused:
            plan(fixed_charge(), peak, features=features)
        assert refused.value.field == "charges.1.included_units"
    with pytest.raises(InvalidInput):
        plan(peak, features=[limit("5", reset=Interval.MONTH)], count=3)


def test_unknown_currencies_are_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        plan(currency="XXX")
    assert refused.value.field == "currency"


def test_unit_amounts_are_shown_where_there_is_one_price() -> None:
    assert usage_charge(PerUnit(unit_price=d(2))).unit_amount == 2
    assert fixed_charge("30").unit_amount == 30
    assert usage_charge(DOCUMENTED_TIERS).unit_amount is None
    assert first_period(plan(count=2)).ends_at == utc("2025-03-01")
