"""Add-ons: quantities that change within a period, against a model that walks day by day."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.invoicing.receipts import canonical_document, digest, from_document
from billing.money import ZERO
from billing.periods import Period, start_of_day
from billing.rating.add_ons.lines import add_on_lines
from billing.rating.add_ons.spans import AddOnSpan, AddOnTerms, QuantityFrom, spans_of
from billing.rating.frozen_usage import FrozenUsage, rate
from billing.rating.lines import LineType
from billing.rating.proration import WHOLE, ProrationBasis, Share, share_of
from billing.rating.wording import describe_line
from billing.ratios import add_up, quotient
from billing.units import Unit
from tests.billing.builders import (
    FIXED_CHARGE,
    JANUARY,
    PLAN,
    d,
    fixed_charge,
    plan,
    usage_charge,
    utc,
)
from tests.billing.profiles import supporting

SEATS = fixed_charge("10", "Seats")
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Los_Angeles")

Held = Sequence[tuple[datetime, Decimal]]


def from_(at: str, quantity: str) -> QuantityFrom:
    return QuantityFrom(effective_at=utc(at), quantity=d(quantity))


def shares(
    basis: ProrationBasis = ProrationBasis.DAY,
    *,
    timezone: str = "UTC",
    regular: Period = JANUARY,
    paused: Sequence[Period] = (),
) -> Callable[[Period], Share]:
    return partial(share_of, regular=regular, timezone=timezone, basis=basis, paused=paused)


def spans(*held: QuantityFrom, part: Period = JANUARY) -> list[tuple[str, str, str, int]]:
    """Days of January, quantity and days covered of each span."""
    return [
        (f"{one.starts_at:%d}", f"{one.ends_at:%d}", str(one.quantity), one.share.covered)
        for one in spans_of(held, part, shares())
    ]


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param([("2024-12-01", "3")], [("01", "01", "3", 31)], id="all of it"),
        pytest.param([("2025-01-17", "3")], [("17", "01", "3", 15)], id="attached within"),
        pytest.param(
            [("2024-12-01", "3"), ("2025-01-11T12:00", "5")],
            [("01", "11", "3", 10), ("11", "01", "5", 21)],
            id="changed within",
        ),
        pytest.param(
            [("2024-12-01", "3"), ("2025-01-11", "0")], [("01", "11", "3", 10)], id="ended within"
        ),
        pytest.param(
            [("2025-01-11T08:00", "3"), ("2025-01-11T20:00", "0")], [], id="less than a day"
        ),
        pytest.param(
            [("2024-12-01", "3"), ("2025-01-11T08:00", "9"), ("2025-01-11T09:00", "3")],
            [("01", "01", "3", 31)],
            id="corrected at once",
        ),
        pytest.param([("2025-02-01", "3")], [], id="attached at the end"),
        pytest.param([("2024-12-01", "3"), ("2025-01-01", "0")], [], id="ended at the start"),
    ],
)
def test_spans_are_those_in_which_a_quantity_held(
    held: list[tuple[str, str]], expected: list[tuple[str, str, str, int]]
) -> None:
    assert spans(*(from_(at, quantity) for at, quantity in held)) == expected


def test_a_part_of_a_period_has_its_own_spans_alone() -> None:
    part = Period(starts_at=utc("2025-01-11"), ends_at=utc("2025-01-21"))

    found = spans(from_("2024-12-01", "3"), from_("2025-01-16", "4"), part=part)

    assert found == [("11", "16", "3", 5), ("16", "21", "4", 5)]


def test_lines_say_how_many_for_which_share() -> None:
    held = [from_("2024-12-01", "3"), from_("2025-01-11", "5")]
    add_on = AddOnTerms(charge=SEATS, spans=spans_of(held, JANUARY, shares()))

    three, five = add_on_lines("USD", [add_on])

    assert [one.money for one in (three, five)] == [d("9.68"), d("33.87")]
    assert (three.type, three.quantity, three.unit_amount) == (LineType.PRORATION, 3, 10)
    assert three.charge_id == FIXED_CHARGE
    assert describe_line(three, price=lambda n: f"${n}") == "Seats (3 × $10, 10 of 31 days)"
    assert [one.name for one in three.steps] == ["price", "prorate"]
    assert three.steps[0].inputs == {"model": "flat", "quantity": "3", "unit_price": "10"}
    assert three.steps[0].output == "30"


def test_a_whole_period_of_one_reads_as_any_fixed_charge() -> None:
    add_on = AddOnTerms(
        charge=replace(SEATS, display_name=None),
        spans=spans_of([from_("2024-12-01", "1")], JANUARY, shares()),
    )

    [line] = add_on_lines("USD", [add_on])

    assert (line.type, line.money) == (LineType.FIXED, 10)
    assert describe_line(line, price=str) == "Add-on"


def frozen(*add_ons: AddOnTerms) -> FrozenUsage:
    return FrozenUsage(
        plan_id=PLAN,
        plan_version=1,
        period=JANUARY,
        share=WHOLE,
        watermark=0,
        usage=(),
        add_ons=add_ons,
    )


def test_bills_have_the_lines_of_the_plan_and_then_of_add_ons() -> None:
    add_on = AddOnTerms(charge=SEATS, spans=spans_of([from_("2025-01-01", "2")], JANUARY, shares()))

    lines = rate(plan(fixed_charge()), frozen(add_on))

    assert [(one.name, one.money) for one in lines] == [("Platform fee", 30), ("Seats", 20)]


def test_what_is_frozen_is_read_back_and_says_nothing_of_add_ons_where_there_are_none() -> None:
    add_on = AddOnTerms(charge=SEATS, spans=spans_of([from_("2025-01-11", "2")], JANUARY, shares()))
    document = canonical_document(frozen(add_on))

    assert from_document(FrozenUsage, document) == frozen(add_on)
    assert "add_ons" not in str(canonical_document(frozen()))
    assert digest(frozen()) != digest(frozen(add_on))


@pytest.mark.parametrize(
    ("charge", "field"),
    [
        (usage_charge(), "charge.type"),
        (replace(SEATS, unit=Unit(code="TOKENS", scale=0), overage_rate=d(1)), "charge.unit"),
        (replace(SEATS, minimum=d(1)), "charge.minimum"),
    ],
)
def test_what_cannot_be_an_add_on_is_refused(charge: object, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        AddOnTerms(charge=charge)  # type: ignore[arg-type]  # a charge, whichever it is

    assert refused.value.field == field


quantities = st.decimals(0, 9, places=1)
minutes = st.integers(-3 * 24 * 60, 34 * 24 * 60)


@st.composite
def histories(draw: st.DrawFn) -> Held:
    """Quantities from instants around January on, none of them twice."""
    instants = draw(st.lists(minutes, min_size=1, max_size=8, unique=True))
    return [
        (JANUARY.starts_at + timedelta(minutes=one), draw(quantities)) for one in sorted(instants)
    ]


@st.composite
def pauses(draw: st.DrawFn) -> list[Period]:
    begin, length = draw(minutes), draw(st.integers(0, 20_000))
    starts_at = JANUARY.starts_at + timedelta(minutes=begin)
    span = Period(starts_at=starts_at, ends_at=starts_at + timedelta(minutes=length))
    return [] if span.is_empty else [span]


def billed(held: Held, share: Callable[[Period], Share], parts: Sequence[Period]) -> object:
    """What lines of all parts come to, before they are rounded."""
    history = [QuantityFrom(effective_at=at, quantity=quantity) for at, quantity in held]
    found: tuple[AddOnSpan, ...] = ()
    for part in parts:
        found += spans_of(history, part, share)
    lines = add_on_lines("USD", [AddOnTerms(charge=SEATS, spans=found)])
    return add_up(one.exact_amount for one in lines)


def quantity_before(held: Held, instant: datetime) -> Decimal:
    """The quantity that held just before an instant."""
    return ([ZERO] + [quantity for at, quantity in held if at < instant])[-1]


def split_at(minute: int) -> list[Period]:
    cut = JANUARY.starts_at + timedelta(minutes=minute)
    return [
        Period(starts_at=JANUARY.starts_at, ends_at=cut),
        Period(starts_at=cut, ends_at=JANUARY.ends_at),
    ]


@supporting
@given(
    held=histories(),
    paused=pauses(),
    timezone=st.sampled_from(ZONES),
    cut=st.integers(1, 31 * 24 * 60 - 1),
)
def test_by_day_a_day_is_billed_by_what_there_was_as_it_ended(
    held: Held, paused: list[Period], timezone: str, cut: int
) -> None:
    share = shares(timezone=timezone, paused=paused)

    owed, day = ZERO, JANUARY.first_day(timezone)
    days = JANUARY.local_days(timezone)
    for _ in range(days):
        day += timedelta(days=1)
        midnight = start_of_day(day, timezone)
        rests = any(one.starts_at < midnight <= one.ends_at for one in paused)
        owed += ZERO if rests else 10 * quantity_before(held, midnight)

    assert billed(held, share, [JANUARY]) == quotient(owed, days)
    # A bill in two parts comes to the same.
    assert billed(held, share, split_at(cut)) == quotient(owed, days)


@supporting
@given(held=histories(), paused=pauses(), cut=st.integers(1, 31 * 24 * 60 - 1))
def test_by_second_every_minute_is_billed_by_what_there_was_in_it(
    held: Held, paused: list[Period], cut: int
) -> None:
    share = shares(ProrationBasis.SECOND, paused=paused)

    total = 31 * 24 * 60
    edges = {0, total}
    for instant in [at for at, _ in held] + [
        one for p in paused for one in (p.starts_at, p.ends_at)
    ]:
        edges.add(min(max((instant - JANUARY.starts_at) // timedelta(minutes=1), 0), total))
    owed, ordered = ZERO, sorted(edges)
    for first, last in itertools.pairwise(ordered):
        # The same in each minute between two edges, so that one of them is asked for all.
        begun = JANUARY.starts_at + timedelta(minutes=first)
        rests = any(begun in one for one in paused)
        held_then = quantity_before(held, begun + timedelta(microseconds=1))
        owed += ZERO if rests else 10 * held_then * (last - first)

    assert billed(held, share, [JANUARY]) == quotient(owed, total)
    assert billed(held, share, split_at(cut)) == quotient(owed, total)


def test_instants_are_utc() -> None:
    span = spans_of([from_("2025-01-11T01:00+01:00", "1")], JANUARY, shares())[0]

    assert span.starts_at == datetime(2025, 1, 11, tzinfo=UTC)
