"""What a fixed charge costs for a period, and for a part of one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billing.errors import InvariantBroken
from billing.rating.calculation import calculate_fixed
from billing.rating.lines import LineType, PricedLine
from billing.rating.parts import Part
from billing.rating.periods import rate_period
from billing.rating.proration import WHOLE, Share
from billing.rating.terms import ChargeTerms
from tests.billing.builders import (
    JANUARY,
    d,
    fixed_charge,
    plan,
    usage_charge,
)


def fixed_line(share: Share, charge: ChargeTerms | None = None) -> PricedLine:
    terms = plan(charge or fixed_charge())
    return rate_period(terms, JANUARY, [], Part(share=share))[0]


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
    charge = replace(fixed_charge(), minimum=d(62))

    line = fixed_line(Share(covered=17, total=31), charge)

    assert (line.exact_amount, line.bound, line.steps[-1].name) == (34, "minimum", "minimum")


def test_a_charge_for_usage_has_no_fixed_amount() -> None:
    charge = usage_charge()

    with pytest.raises(InvariantBroken) as broken:
        calculate_fixed(charge, WHOLE)

    assert broken.value.detail == "A FIXED charge is not flat."
    assert broken.value.identifiers == {"charge_id": str(charge.charge_id)}
