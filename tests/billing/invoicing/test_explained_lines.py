"""An explanation is the whole arithmetic of a line: whoever does it again comes to its amount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from billing.invoicing.explanations import (
    IN_UNITS,
    Deducted,
    ExplainedDraw,
    explain_line,
    first_difference,
)
from billing.invoicing.invoices import InvoiceLine, round_line
from billing.invoicing.plain_lines import manual_line
from billing.invoicing.receipts import from_document, to_document
from billing.pricing import UsagePricing
from billing.rating.lines import CalculationStep, PricedLine
from billing.units import Unit
from tests.billing.builders import USD, d, limit, plan, rated, usage_charge
from tests.billing.invoicing.lines import line
from tests.billing.naive import round_half_away
from tests.billing.profiles import supporting
from tests.billing.strategies import models, quantities


def numbers(one: CalculationStep) -> dict[str, Fraction]:
    """The inputs of a step that are numbers."""
    found = {}
    for name, value in one.inputs.items():
        try:
            found[name] = Fraction(value)
        except ValueError:
            continue
    return found


def do_again(steps: Sequence[CalculationStep]) -> Fraction:
    """The amount of a line, computed by nothing but what its steps say went in."""
    amount, tiers = Fraction(0), Fraction(0)
    for one in steps:
        given = numbers(one)
        match one.name:
            case "included_units":
                assert given["measured"] - given["included"] == Fraction(one.output)
            case "waive_over_limit":
                assert given["billable"] >= Fraction(one.output)
            case "tier":
                row = given["quantity"] * given["unit_price"] + given["flat_fee"]
                assert row == Fraction(one.output)
                tiers += row
            case "price":
                amount = price_again(one.inputs["model"], given, tiers)
                assert amount == Fraction(one.output)
            case "minimum" | "maximum":
                assert given["amount"] == amount
                amount = given[one.name]
            case "round":
                assert given["exact_amount"] == amount
                amount = round_half_away(amount, int(given["places"]))
                assert amount == Fraction(one.output)
    return amount


def price_again(model: str, given: dict[str, Fraction], tiers: Fraction) -> Fraction:
    match model:
        case "per_unit":
            return given["quantity"] * given["unit_price"]
        case "package":
            packages = -(-given["quantity"] // given["package_size"])
            assert packages == given["packages"]
            return packages * given["unit_price"]
        case "percentage":
            return given["quantity"] * given["rate"] + given["fixed_fee"] * given["event_count"]
        case "stairstep" | "volume" | "graduated":
            return tiers
    raise AssertionError(model)


@supporting
@given(
    pricing=models,
    quantity=quantities,
    included=st.integers(0, 50),
    bounds=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)
def test_whoever_does_the_arithmetic_again_comes_to_the_total(
    pricing: UsagePricing, quantity: Decimal, included: int, bounds: tuple[int, int]
) -> None:
    low, high = map(str, sorted(bounds))
    charge = usage_charge(pricing, included=str(included), minimum=low, maximum=high)
    billed = round_line(rated(plan(charge, features=[limit("10", soft=True)]), str(quantity)), USD)

    steps = explain_line(billed)

    assert do_again(steps) == Fraction(billed.line_total)
    assert [steps[0].name, steps[-1].name] == ["aggregate", "round"]


def test_a_line_that_was_typed_in_is_its_product() -> None:
    billed = round_line(manual_line("Import", d("1.5"), d("0.333"), USD), USD)

    price, rounded = explain_line(billed)

    assert (dict(price.inputs), price.output) == (
        {"quantity": "1.5", "unit_price": "0.333"},
        "0.4995",
    )
    assert (rounded.output, rounded.inputs["exact_amount"]) == ("0.5", "0.4995")


TOKENS = replace(
    line("120.5"),
    priced_in=Unit(code="TOKENS", scale=1),
    overage_rate=d("0.02"),
    paid_in_unit=d(100),
    cost_share=d("1.00"),
)


def outputs(one: PricedLine, deducted: Deducted | None = None) -> list[tuple[str, str]]:
    billed = round_line(one, USD)
    steps = explain_line(billed) if deducted is None else explain_line(billed, deducted)
    return [(step.name, step.output) for step in steps]


def test_a_line_of_tokens_is_explained_from_its_unit_to_money() -> None:
    assert outputs(TOKENS) == [
        ("round", "120.5"), ("pay_in_unit", "20.5"), ("overage", "0.41"), ("cost_share", "1.41"),
    ]  # fmt: skip
    assert outputs(replace(TOKENS, cost_share=d(0))) == outputs(TOKENS)[:3]
    round_step, pay, overage, cost = explain_line(round_line(TOKENS, USD))
    assert (round_step.inputs["unit"], round_step.inputs["places"]) == ("TOKENS", "1")
    assert dict(pay.inputs) == {"amount": "120.5", "paid_by_credit": "100"}
    assert dict(overage.inputs) == {
        "rest": "20.5", "overage_rate": "0.02", "places": "2", "rule": "half away from zero",
    }  # fmt: skip
    assert dict(cost.inputs) == {"rest": "0.41", "cost_of_credit": "1"}


def test_coupons_take_off_what_those_before_them_left() -> None:
    deducted = Deducted(coupons=[("SPRING", d("1.00")), ("FIVE", d(5))])

    found = explain_line(round_line(line("10"), USD), deducted)[1:]

    assert [(one.name, one.output, one.inputs["before"]) for one in found] == [
        ("coupon", "9", "10"), ("coupon", "4", "9"),
    ]  # fmt: skip
    assert [one.inputs["code"] for one in found] == ["SPRING", "FIVE"]


def test_coupons_are_of_what_is_due_and_not_of_what_tokens_had_cost() -> None:
    found = outputs(TOKENS, Deducted(coupons=[("SPRING", d("0.04"))]))

    assert found[-1] == ("coupon", "0.37")


def test_grants_stand_where_they_pay_with_when_that_was_used() -> None:
    def drawn(name: str, unit: str, amount: str, money: str, place: str) -> ExplainedDraw:
        return ExplainedDraw(
            grant_id=name, unit=unit, amount=d(amount), money=d(money), place=place
        )

    deducted = Deducted(
        draws=[
            drawn("after", "USD", "0.20", "0.20", "after_tax"),
            drawn("before", "USD", "0.10", "0.10", "before_tax"),
            drawn("tokens", "TOKENS", "100", "1.00", "after_tax"),
        ],
        parts=[
            ("after_tax", "2026-01-01", d("0.31")),
            ("before_tax", "2026-01-02", d("0.41")),
            (IN_UNITS, "2026-01-03", d("120.5")),
        ],
    )

    found = explain_line(round_line(TOKENS, USD), deducted)

    assert [(one.name, one.output) for one in found] == [
        ("round", "120.5"), ("used", "120.5"), ("credit", "100"), ("pay_in_unit", "20.5"),
        ("overage", "0.41"), ("cost_share", "1.41"), ("used", "0.41"), ("credit", "0.1"),
        ("used", "0.31"), ("credit", "0.2"),
    ]  # fmt: skip
    assert [one.inputs["grant_id"] for one in found if one.name == "credit"] == [
        "tokens", "before", "after",
    ]  # fmt: skip
    assert dict(found[1].inputs) == {"used_at": "2026-01-03", "place": IN_UNITS}
    assert dict(found[2].inputs) == {
        "amount": "100", "grant_id": "tokens", "unit": "TOKENS", "place": IN_UNITS,
    }  # fmt: skip


def test_where_nothing_is_drawn_nothing_is_said_of_when_it_was_used() -> None:
    deducted = Deducted(parts=[("before_tax", "2026-01-01", d(10))])

    assert outputs(line("10"), deducted) == [("round", "10")]


def bill(*amounts: str) -> list[InvoiceLine]:
    return [round_line(line(one), USD) for one in amounts]


@supporting
@given(st.lists(st.integers(0, 9), max_size=4), st.lists(st.integers(0, 9), max_size=4))
def test_two_bills_differ_first_where_they_do(one: list[int], other: list[int]) -> None:
    billed, again = bill(*map(str, one)), bill(*map(str, other))
    same = next(
        (at for at, (x, y) in enumerate(zip(one, other, strict=False)) if x != y),
        min(len(one), len(other)),
    )

    found = first_difference(billed, again)

    if one == other:
        assert found is None
        return
    assert found is not None
    assert found.place == same
    is_short = same in (len(one), len(other))
    assert found.field == ("line" if is_short else "line_total")
    assert (found.billed is None, found.recomputed is None) == (
        same == len(one),
        same == len(other),
    )


def test_a_line_read_again_from_its_document_does_not_differ() -> None:
    again = from_document(PricedLine, to_document(TOKENS))

    assert first_difference([round_line(TOKENS, USD)], [round_line(again, USD)]) is None
    named = replace(again, name="Other")
    found = first_difference([round_line(TOKENS, USD)], [round_line(named, USD)])
    assert found is not None
    assert (found.field, found.billed, found.recomputed) == ("line", "API Calls", "Other")
