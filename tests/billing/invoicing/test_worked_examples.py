"""The tables of docs/concepts, row by row: what the documentation says is what the code does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final
from uuid import UUID

import pytest

from billing.identifiers import TaxRateId
from billing.invoicing.credit_notes import credit_note
from billing.invoicing.invoices import InvoiceTotals, assemble_invoice
from billing.invoicing.taxes import Address, TaxAmount, TaxRate
from billing.metering.aggregations import Aggregation, Measurement, aggregate
from billing.metering.filters import parse_filters
from billing.money import allocate, find_currency, plain_text
from billing.periods import Period
from billing.pricing import parse_pricing
from billing.rating.lines import LineType, PricedLine
from billing.rating.parts import Part
from billing.rating.periods import rate_period
from billing.rating.proration import Share
from billing.rating.wording import describe_line
from tests.billing.builders import (
    JANUARY,
    USD,
    answer,
    fixed_charge,
    plan,
    usage_charge,
)
from tests.billing.discounts.worked_examples import check_coupons
from tests.billing.markdown_tables import Row, read_rows
from tests.billing.rating.worked_examples import (
    Cells,
    Check,
    check_access,
    check_boundary,
    check_bounds,
    check_calendar_boundary,
    check_limits,
    check_parts,
    check_price,
    check_proration,
    check_refused,
    check_shared_window,
    check_thresholds,
    check_windows,
    exact,
    listed,
    maybe,
    number,
)


def check_rounding(row: Row) -> None:
    currency = find_currency(row.cells["currency"])

    rounded = currency.round(number(row.cells["exact amount"]))

    assert str(rounded) == str(number(row.cells["rounded"]))


def check_allocation(row: Row) -> None:
    parts = allocate(number(row.cells["total"]), listed(row.cells["weights"]), USD)

    assert list(parts) == listed(row.cells["parts"])


def _line(amount: Decimal) -> PricedLine:
    return PricedLine(
        type=LineType.USAGE,
        currency="USD",
        name="API Calls",
        description="API Calls",
        quantity=Decimal(1),
        exact_amount=amount,
    )


def _bill(cells: Cells) -> InvoiceTotals:
    rates = [
        TaxRate(
            tax_rate_id=TaxRateId(UUID(int=1)),
            name="VAT",
            country="CA",
            percentage=percentage,
            is_inclusive=kind == "inclusive %",
        )
        for kind in ("exclusive %", "inclusive %")
        for percentage in listed(cells.get(kind, ""))
    ]
    lines = [_line(amount) for amount in listed(cells["lines"])]
    return assemble_invoice(lines, rates, Address(country="CA"), USD)


def check_tax(row: Row) -> None:
    totals = _bill(row.cells)

    for name in ("subtotal", "tax", "total"):
        assert str(getattr(totals, name)) == str(number(row.cells[name]))


def check_negative_bills(row: Row) -> None:
    totals = _bill(row.cells)

    assert totals.total == number(row.cells["total"])
    assert totals.carried_credit == number(row.cells["carried to the next"])


def check_credits(row: Row) -> None:
    cells = row.cells

    note = credit_note(
        amount=number(cells["credit"]),
        credited_before=number(cells["credited before"]),
        rates=[
            TaxAmount(
                tax_rate_id=TaxRateId(UUID(int=1)),
                name="VAT",
                percentage=number(cells[column]),
                is_inclusive=column == "inclusive %",
                taxable=number("0"),
                amount=number("0"),
            )
            for column in ("exclusive %", "inclusive %")
            if cells[column]
        ],
        currency=USD,
    )

    expected = tuple(number(cells[name]) for name in ("subtotal", "tax", "total"))
    assert (note.subtotal, note.tax, note.total) == expected


def _measurements(kind: Aggregation, events: Sequence[str]) -> list[Measurement]:
    found = []
    for sequence, event in enumerate(events):
        second, _, value = event.partition("=")
        is_text = kind is Aggregation.UNIQUE_COUNT
        found.append(
            Measurement(
                at=JANUARY.starts_at + timedelta(milliseconds=int(Decimal(second) * 1000)),
                sequence=sequence,
                value=Decimal(1) if is_text else Decimal(value),
                distinct_key=value if is_text else None,
            )
        )
    return found


def check_aggregation(row: Row) -> None:
    kind = Aggregation(row.cells["aggregation"])
    window = Period(starts_at=JANUARY.starts_at, ends_at=JANUARY.starts_at + timedelta(seconds=100))

    usage = aggregate(
        kind,
        _measurements(kind, row.cells["events"].split()),
        window,
        carried=maybe(row.cells["carried"]),
    )

    assert Fraction(str(usage)) == Fraction(row.cells["usage"])


def check_filters(row: Row) -> None:
    (one,) = parse_filters(
        [
            {
                "property": "name",
                "operator": row.cells["operator"],
                "value": exact(row.cells["filter value"]),
            }
        ]
    )

    counted = one.matches({"name": exact(row.cells["property value"])})

    assert counted is (row.cells["counted"] == "true")


def dollars(amount: Decimal) -> str:
    return f"${plain_text(amount)}"


def check_line_text(row: Row) -> None:
    charge = replace(
        usage_charge(parse_pricing(exact(row.cells["pricing"]))),
        included_units=maybe(row.cells["included_units"]),
    )
    terms = plan(charge)

    (line,) = rate_period(terms, JANUARY, answer(terms, JANUARY, [number(row.cells["usage"])]))

    assert describe_line(line, price=dollars) == row.cells["text"]


def check_fixed_text(row: Row) -> None:
    share = Share(covered=int(row.cells["covered"]), total=int(row.cells["total"]))

    (line,) = rate_period(plan(fixed_charge()), JANUARY, [], Part(share=share))

    assert describe_line(line, price=dollars) == row.cells["text"]


CHECKS: Final[dict[str, Check]] = {
    "price": check_price,
    "bounds": check_bounds,
    "parts of a period": check_parts,
    "refused": check_refused,
    "boundary": check_boundary,
    "calendar boundary": check_calendar_boundary,
    "proration": check_proration,
    "limits": check_limits,
    "monthly windows of a quarter": check_windows,
    "a year's allowance": check_shared_window,
    "access": check_access,
    "thresholds": check_thresholds,
    "rounding": check_rounding,
    "allocation": check_allocation,
    "tax": check_tax,
    "negative bills": check_negative_bills,
    "credits": check_credits,
    "coupons": check_coupons,
    "aggregation": check_aggregation,
    "filters": check_filters,
    "line text": check_line_text,
    "fixed text": check_fixed_text,
}

ROWS: Final = read_rows()


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.place}-{row.check}" for row in ROWS])
def test_what_the_documentation_says(row: Row) -> None:
    CHECKS[row.check](row)


def test_every_check_is_used_by_a_page() -> None:
    assert {row.check for row in ROWS} == set(CHECKS)
    assert len(ROWS) > 100
