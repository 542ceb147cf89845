"""What is printed beside an amount, and what explains it (CONTRACT 34, 59, section 6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from billing.invoicing.explanations import LineDifference, explain_line, first_difference
from billing.invoicing.invoices import InvoiceLine, round_line
from billing.invoicing.plain_lines import manual_line
from billing.money import plain_text
from billing.periods import Interval
from billing.pricing import Pricing
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.percentage import Percentage
from billing.pricing.stairstep import Stairstep
from billing.pricing.volume import Volume
from billing.rating.lines import PricedLine
from billing.rating.parts import Part
from billing.rating.periods import rate_period
from billing.rating.proration import ProrationBasis, Share
from billing.rating.terms import OverLimit
from billing.rating.wording import describe_line, describe_tiers, group_digits
from tests.billing.builders import (
    DOCUMENTED_TIERS,
    JANUARY,
    PER_CALL,
    USD,
    answer,
    d,
    fixed_charge,
    limit,
    meter,
    plan,
    tiers,
    usage_charge,
)


def dollars(amount: Decimal) -> str:
    return f"${plain_text(amount)}"


def usage_line(
    usage: str, pricing: Pricing = PER_CALL, *, events: int = 1, **options: object
) -> PricedLine:
    features = options.pop("features", [])
    charge = usage_charge(pricing, **options)  # type: ignore[arg-type]  # what a test says by name
    terms = plan(charge, features=features, interval=Interval.MONTH)  # type: ignore[arg-type]  # what a test says by name
    return rate_period(terms, JANUARY, answer(terms, JANUARY, [usage], events=events))[0]


def text(line: PricedLine) -> str:
    return describe_line(line, price=dollars)


WAIVE = [limit("1000", over=OverLimit.WAIVE)]

LABELS: list[tuple[PricedLine, str]] = [
    (usage_line("82450"), "API Calls (82,450 calls × $0.001)"),
    (usage_line("0"), "API Calls (0 calls × $0.001)"),
    (usage_line("1500", features=[limit("1000")]),
     "API Calls (1,500 calls − 1,000 included = 500 × $0.001)"),
    (usage_line("1500", features=WAIVE, included="200"),
     "API Calls (1,500 calls − 200 included − 500 waived = 800 × $0.001)"),
    (usage_line("15000", DOCUMENTED_TIERS), "API Calls (15,000 calls, graduated)"),
    (usage_line("15000", DOCUMENTED_TIERS, included="1000"),
     "API Calls (15,000 calls − 1,000 included = 14,000, graduated)"),
    (usage_line("15000", Volume(tiers=DOCUMENTED_TIERS.tiers)), "API Calls (15,000 calls, volume)"),
    (usage_line("1234.5", Package(package_size=d(100), unit_price=d(5))),
     "API Calls (1,234.5 calls, 13 packages of 100 × $5)"),
    (usage_line("7", Package(package_size=d(1000), unit_price=d(5))),
     "API Calls (7 calls, 1 package of 1,000 × $5)"),
    (usage_line("1000", Percentage(rate=d("0.029"), fixed_fee=d("0.3")), events=12),
     "API Calls (1,000 calls × 2.9% + 12 × $0.3)"),
    (usage_line("1000", Percentage(rate=d("0.5"))), "API Calls (1,000 calls × 50%)"),
    (usage_line("10", minimum="5"), "API Calls (10 calls × $0.001, minimum $5)"),
    (usage_line("90000", maximum="7.5"), "API Calls (90,000 calls × $0.001, maximum $7.5)"),
    (replace(usage_line("5"), unit=None), "API Calls (5 × $0.001)"),
    (manual_line("Data import", d(3), d(120), USD), "Data import"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "label"), LABELS, ids=lambda one: one if isinstance(one, str) else ""
)
def test_labels(line: PricedLine, label: str) -> None:
    assert text(line) == label


@pytest.mark.parametrize(
    ("share", "label"),
    [(Share(covered=31, total=31), "Platform fee"),
     (Share(covered=17, total=31), "Platform fee (17 of 31 days)"),
     (Share(covered=2 * 86_400_000_000, total=31 * 86_400_000_000, basis=ProrationBasis.SECOND),
      "Platform fee (2 of 31 days)"),
     (Share(covered=1, total=3, basis=ProrationBasis.SECOND),
      "Platform fee (33.33% of the period)"),
     (Share(covered=86_400_000_000, total=86_400_000_001, basis=ProrationBasis.SECOND),
      "Platform fee (100% of the period)")],
)  # fmt: skip
def test_labels_of_fixed_charges(share: Share, label: str) -> None:
    (line,) = rate_period(plan(fixed_charge()), JANUARY, [], Part(share=share))

    assert text(line) == label


def rows(line: PricedLine) -> list[tuple[str, str]]:
    found = describe_tiers(line, price=dollars)
    return [(row.text, plain_text(row.amount)) for row in found]


def test_rows_of_tiers() -> None:
    assert rows(usage_line("15000", DOCUMENTED_TIERS)) == [
        ("0–1,000: 1,000 × $0.002", "2"),
        ("1,001–10,000: 9,000 × $0.001", "9"),
        ("10,001+: 5,000 × $0.0005", "2.5"),
    ]
    assert rows(usage_line("5")) == []
    steps = Stairstep(tiers=tiers(("1.5", "0", "10"), (None, "0", "50")))
    assert rows(usage_line("1", steps)) == [("0–1.5: $10", "10")]
    assert rows(usage_line("2", steps)) == [("1.5+: $50", "50")]
    fees = Graduated(tiers=tiers(("1", "2", "3"), ("1.5", "0"), (None, "0")))
    assert rows(usage_line("2", fees, minimum="9")) == [
        ("0–1: 1 × $2 + $3", "5"),
        ("1.5–1.5: 0.5 × $0", "0"),
        ("1.5+: 0.5 × $0", "0"),
        ("minimum", "4"),
    ]


@pytest.mark.parametrize(
    ("number", "grouped"),
    [("82450", "82,450"), ("82450.50", "82,450.5"), ("0", "0"), ("999", "999"),
     ("1E+6", "1,000,000"),     ("-1234.5", "-1,234.5"), ("0.001", "0.001"), ("-0.5", "-0.5")],
)  # fmt: skip
def test_digits_are_grouped(number: str, grouped: str) -> None:
    assert group_digits(d(number)) == grouped


def test_an_explanation_has_every_step_with_every_number() -> None:
    line = round_line(usage_line("15000", DOCUMENTED_TIERS, minimum="20"), USD)

    steps = [(one.name, one.output) for one in explain_line(line)]

    assert steps == [
        ("aggregate", "15000"), ("included_units", "15000"), ("tier", "2"), ("tier", "9"),
        ("tier", "2.5"), ("price", "13.5"), ("minimum", "20"), ("round", "20"),
    ]  # fmt: skip
    tier, last = explain_line(line)[3], explain_line(line)[-1]
    assert dict(tier.inputs) == {
        "starts_from": "1000", "up_to": "10000", "quantity": "9000", "unit_price": "0.001",
        "flat_fee": "0",
    }  # fmt: skip
    assert dict(last.inputs) == {
        "exact_amount": "20", "places": "2", "rule": "half away from zero",
    }  # fmt: skip


def rounded(*usage: str) -> list[InvoiceLine]:
    return [round_line(usage_line(one), USD) for one in usage]


def test_equal_bills_have_no_difference() -> None:
    assert first_difference(rounded("1", "2"), rounded("1", "2.0")) is None
    assert first_difference([], []) is None


def test_the_first_difference_names_line_field_and_both_values() -> None:
    billed = rounded("1000", "2000")

    assert first_difference(billed, rounded("1000", "3000")) == LineDifference(
        place=1, field="line_total", billed="2", recomputed="3"
    )
    assert first_difference(billed, billed[:1]) == LineDifference(
        place=1, field="line", billed="API Calls", recomputed=None
    )
    assert first_difference([], billed) == LineDifference(
        place=0, field="line", billed=None, recomputed="API Calls"
    )
    marked = replace(billed[0], line=replace(billed[0].line, limit_exceeded=True))
    assert first_difference(billed, [marked]) == LineDifference(
        place=0, field="limit_exceeded", billed="false", recomputed="true"
    )


def test_a_meter_without_a_unit_has_a_name_all_the_same() -> None:
    assert meter(unit=None).name == "API Calls"
