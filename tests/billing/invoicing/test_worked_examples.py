"""The tables of docs/concepts, row by row: what the documentation says is what the code does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final
from uuid import UUID

import pytest

from billing.entitlements import crossed_thresholds, decide_access
from billing.errors import InvalidInput
from billing.identifiers import TaxRateId
from billing.invoicing.bounds import credit_note
from billing.invoicing.invoices import InvoiceTotals, assemble_invoice
from billing.invoicing.taxes import Address, TaxAmount, TaxRate
from billing.metering.aggregations import Aggregation, Measurement, aggregate
from billing.metering.filters import parse_filters
from billing.money import allocate, find_currency, plain_text
from billing.periods import Alignment, Anchor, Cadence, Interval, Period, boundary, period
from billing.pricing import Price, parse_pricing
from billing.pricing.per_unit import PerUnit
from billing.rating.charge_bounds import Bounds, EarlierParts, hold
from billing.rating.lines import LineType, PricedLine
from billing.rating.parts import Part, add_part, without_bounds
from billing.rating.periods import rate_period
from billing.rating.proration import ProrationBasis, Share, share_of
from billing.rating.quantities import measure_quantities
from billing.rating.terms import FeatureTerms, OverLimit
from billing.rating.wording import describe_line
from tests.billing.builders import (
    ANCHOR,
    JANUARY,
    USD,
    answer,
    fixed_charge,
    limit,
    plan,
    usage_charge,
    utc,
)
from tests.billing.markdown_tables import Row, read_rows

Cells = dict[str, str]
Check = Callable[[Row], None]


def number(text: str) -> Decimal:
    """Read a number as people write it: 1,000 and a real minus sign."""
    return Decimal(text.replace(",", "").replace("−", "-"))


def maybe(text: str) -> Decimal | None:
    return number(text) if text else None


def listed(text: str) -> list[Decimal]:
    return [number(one) for one in text.split(", ")] if text else []


def exact(text: str) -> object:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def check_price(row: Row) -> None:
    pricing = parse_pricing(exact(row.json_above or ""))
    events = int(row.cells.get("events", "0"))

    price = pricing.price(number(row.cells["quantity"]), events)

    assert price.amount == number(row.cells["amount"])


def check_bounds(row: Row) -> None:
    cells = row.cells

    held = hold(
        Price(amount=number(cells["model amount"])),
        Decimal(1),
        Bounds(minimum=maybe(cells["minimum"]), maximum=maybe(cells["maximum"])),
    )

    assert held.price.amount == number(cells["amount"])


def check_parts(row: Row) -> None:
    terms = plan(
        replace(
            usage_charge(PerUnit(unit_price=Decimal(1))),
            minimum=maybe(row.cells["minimum"]),
            maximum=maybe(row.cells["maximum"]),
        )
    )
    earlier: tuple[EarlierParts, ...] = ()
    billed = []
    for days, usage in zip(listed(row.cells["days"]), listed(row.cells["usage"]), strict=True):
        part = Part(share=Share(covered=int(days), total=31), earlier=earlier)
        used = answer(terms, JANUARY, [usage])
        lines = rate_period(terms, JANUARY, used, part)
        unbounded = rate_period(without_bounds(terms), JANUARY, used, part)
        earlier = add_part(earlier, lines, unbounded, part.share)
        billed.append(USD.round(lines[0].exact_amount))

    assert billed == listed(row.cells["billed"])


def check_refused(row: Row) -> None:
    with pytest.raises(InvalidInput, match=row.cells["reason"]) as refused:
        parse_pricing({"tiers": exact(row.cells["tiers"])})

    assert refused.value.field == row.cells["field"]


def _boundary(cells: Cells, alignment: Alignment) -> datetime:
    anchor = Anchor(starts_at=utc(cells["start"]), timezone=cells["zone"], alignment=alignment)
    cadence = Cadence(interval=Interval(cells["interval"]), count=int(cells["count"]))
    return boundary(anchor, cadence, int(cells["n"]))


def check_boundary(row: Row) -> None:
    assert _boundary(row.cells, Alignment.START) == utc(row.cells["boundary"])


def check_calendar_boundary(row: Row) -> None:
    assert _boundary(row.cells, Alignment.CALENDAR) == utc(row.cells["boundary"])


def check_proration(row: Row) -> None:
    cells = row.cells

    share = share_of(
        Period(starts_at=utc(cells["from"]), ends_at=utc(cells["to"])),
        Period(starts_at=utc(cells["regular from"]), ends_at=utc(cells["regular to"])),
        timezone=cells["zone"],
        basis=ProrationBasis(cells["by"]),
    )

    assert Fraction(share.covered, share.total) == Fraction(cells["share"])
    assert str(USD.round(share.of(number(cells["amount"])))) == cells["rounded"]


def _feature(cells: Cells) -> FeatureTerms:
    feature = limit(
        soft=cells["limit"] == "soft", over=OverLimit(cells.get("over_limit") or "bill")
    )
    return replace(feature, usage_limit=maybe(cells["usage_limit"]))


def check_limits(row: Row) -> None:
    cells = row.cells
    charge = replace(usage_charge(), included_units=maybe(cells["included_units"]))
    terms = plan(charge, features=[_feature(cells)] if cells["limit"] else [])

    (line,) = rate_period(terms, JANUARY, answer(terms, JANUARY, [number(cells["usage"])]))

    assert line.usage_quantity == number(cells["measured"])
    assert line.included_quantity == number(cells["included"])
    assert line.quantity == number(cells["billed"])
    assert line.exact_amount == number(cells["amount"])
    assert line.over_limit_quantity == maybe(cells["over the limit"])
    assert line.limit_exceeded is bool(cells["over the limit"])


def check_windows(row: Row) -> None:
    terms = plan(usage_charge(), features=[limit("1000")], interval=Interval.QUARTER)
    quarter = period(ANCHOR, terms.cadence, 0)
    usage = [number(row.cells[f"{name} month"]) for name in ("first", "second", "third")]

    (quantity,) = measure_quantities(terms, quarter, answer(terms, quarter, usage))

    assert quantity.included == number(row.cells["included"])
    assert quantity.billable == number(row.cells["billed"])


def check_shared_window(row: Row) -> None:
    terms = plan(usage_charge(), features=[limit("1000", reset=Interval.YEAR)])
    march = period(ANCHOR, terms.cadence, 2)
    usage = [number(row.cells["used before"]), number(row.cells["used this month"])]

    (quantity,) = measure_quantities(terms, march, answer(terms, march, usage))

    assert quantity.included == number(row.cells["included"])
    assert quantity.billable == number(row.cells["billed"])


def check_access(row: Row) -> None:
    answered = decide_access(_feature(row.cells), usage=number(row.cells["usage"]))

    assert answered.has_access is (row.cells["has_access"] == "true")
    assert answered.remaining == maybe(row.cells["remaining"])


def check_thresholds(row: Row) -> None:
    told = crossed_thresholds(
        maybe(row.cells["usage_limit"]), number(row.cells["before"]), number(row.cells["after"])
    )

    assert list(told) == listed(row.cells["told"])


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
                percentage=number(cells["rate (%)"]),
                is_inclusive=False,
                taxable=number("0"),
                amount=number("0"),
            )
        ],
        currency=USD,
    )

    assert note.tax == number(cells["tax given back"])


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
