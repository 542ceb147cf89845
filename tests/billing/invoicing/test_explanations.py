"""What people read when something is refused: sentence, code and place, word by word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from billing import entitlements, periods, pricing
from billing.errors import BillingError
from billing.identifiers import TaxRateId
from billing.invoicing import credit_notes, taxes
from billing.invoicing.invoices import assemble_invoice, round_line
from billing.invoicing.plain_lines import credit_line
from billing.invoicing.taxes import Address
from billing.metering import aggregations, filters
from billing.metering.aggregations import Aggregation
from billing.money import Currency, allocate, find_currency, parse_decimal
from billing.periods import Cadence, Interval, Period
from billing.pricing.percentage import Percentage
from billing.rating import proration
from billing.rating.periods import price_quantities
from billing.rating.quantities import measure_quantities
from billing.rating.terms import ChargeType, FeatureType, PlanType
from tests.billing.builders import (
    ANCHOR,
    DOCUMENTED_TIERS,
    JANUARY,
    METER,
    USD,
    d,
    fixed_charge,
    limit,
    plan,
    unmeasured,
    usage_charge,
    utc,
)

Refusal = tuple[Callable[[], object], str, str | None, str]


def tier_table(*bounds: object, model: str = "graduated", **row: object) -> dict[str, object]:
    return {"model": model, "tiers": [{"up_to": bound, **row} for bound in bounds]}


def table_from(start: int) -> dict[str, object]:
    return {"tiers": [{"up_to": 5}, {"from": start, "up_to": None}]}


def parse(document: object) -> Callable[[], object]:
    return lambda: pricing.parse_pricing(document)


def parse_filter(**row: object) -> Callable[[], object]:
    return lambda: filters.parse_filters([row])


def event(kind: Aggregation, quantity: object = None, **properties: object) -> Callable[[], object]:
    return lambda: aggregations.read_event_value(
        kind, "seat", quantity=quantity, properties=properties
    )


def credit(amount: str) -> Callable[[], object]:
    return lambda: credit_notes.require_creditable(left=d(2), amount=d(amount), unit=USD)


def tax_rate(percentage: str, country: str) -> Callable[[], object]:
    return lambda: taxes.TaxRate(
        tax_rate_id=TaxRateId(METER), name="VAT", country=country, percentage=d(percentage)
    )


YEN = find_currency("JPY")
ODD_LINE = replace(credit_line(d(1), USD), tiers=DOCUMENTED_TIERS.price(d(1000)).tiers)
MODELS = "per_unit, graduated, volume, package, stairstep, percentage"
WINDOW_SENTENCE = (
    "Included units and limits of a MAX meter reset with the billing period: its parts cannot be"
    " added up."
)
OPERATORS = "eq, ne, in, not_in, gt, gte, lt, lte, contains, exists"

REFUSALS: Final[list[Refusal]] = [
    (lambda: find_currency("XAU"), "unknown_currency", "currency",
     "'XAU' is not an ISO 4217 currency with a minor unit."),
    (lambda: find_currency(7), "unknown_currency", "currency",
     "7 is not an ISO 4217 currency with a minor unit."),
    (lambda: Currency(code="USD", exponent=3), "unknown_currency", "currency",
     "'USD' is not an ISO 4217 currency with a minor unit."),
    (lambda: parse_decimal("x", field="price"), "invalid_number", "price",
     "price must be a finite decimal number."),
    (lambda: parse_decimal("9" * 31, field="price"), "number_out_of_range", "price",
     "price takes at most 30 digits before the point and at most 20 decimal places."),
    (lambda: allocate(d(1), [d(0)], USD), "invalid_input", "weights",
     "Weights must not be negative, and not all zero."),
    (lambda: allocate(d("0.001"), [d(1)], USD), "invariant_broken", None,
     "0.001 has more than 2 decimal places."),
    (lambda: replace(usage_charge(), minimum=d(-1)), "negative_number", "minimum",
     "minimum must not be negative."),
    (lambda: periods.as_utc(JANUARY.starts_at.replace(tzinfo=None)), "naive_datetime", "instant",
     "instant needs a time zone."),
    (lambda: periods.find_zone("Mars"), "unknown_timezone", "timezone",
     "'Mars' is not an IANA time zone."),
    (lambda: Cadence(interval=Interval.DAY, count=0), "invalid_input", "interval_count",
     "interval_count must be 1 to 1000."),
    (lambda: Period(starts_at=JANUARY.ends_at, ends_at=JANUARY.starts_at), "invalid_input",
     "ends_at", "A period cannot end before it starts."),
    (lambda: periods.boundary(ANCHOR, Cadence(interval=Interval.DAY), -1), "invalid_input", "n",
     "A period's number starts at 0."),
    (lambda: periods.boundary(ANCHOR, Cadence(interval=Interval.YEAR), 9000), "date_out_of_range",
     "n", "The date lies beyond year 9999."),
    (lambda: periods.index_containing(ANCHOR, Cadence(interval=Interval.DAY), utc("2024-12-31")),
     "invalid_input", "instant", "The instant lies before the first period."),
    (parse([]), "invalid_input", "pricing", "pricing must be an object."),
    (parse({"model": "x"}), "unknown_price_model", "pricing.model",
     f"'x' is not a price model; there are {MODELS}."),
    (parse({"model": 7}), "unknown_price_model", "pricing.model",
     f"7 is not a price model; there are {MODELS}."),
    (parse({"model": "per_unit", "unit_price": 1, "x": 1}), "unknown_field", "pricing.x",
     "'x' is not a field here."),
    (parse({"model": "per_unit", "unit_price": "-1"}), "negative_number", "pricing.unit_price",
     "unit_price must not be negative."),
    (parse({"model": "package", "unit_price": 1, "package_size": 0}), "invalid_input",
     "pricing.package_size", "package_size must be above 0."),
    (parse({"tiers": 1}), "invalid_input", "pricing.tiers", "tiers must be a list."),
    (parse({"tiers": [{"up_to": 1}] * 10_001}), "invalid_tiers", "pricing.tiers",
     "At most 10000 tiers."),
    (parse({"tiers": [1]}), "invalid_input", "pricing.tiers.0", "tiers.0 must be an object."),
    (parse({"tiers": [{}]}), "invalid_input", "pricing.tiers.0.up_to",
     "tiers.0.up_to is missing; null marks the open end."),
    (parse(tier_table("x")), "invalid_number", "pricing.tiers.0.up_to",
     "tiers.0.up_to must be a finite decimal number."),
    (parse({"tiers": [{"up_to": None, "from": "x"}]}), "invalid_number", "pricing.tiers.0.from",
     "tiers.0.from must be a finite decimal number."),
    (parse(tier_table(None, flat_fee=-1)), "negative_number", "pricing.tiers.0.flat_fee",
     "tiers.0.flat_fee must not be negative."),
    (parse(tier_table()), "invalid_tiers", "pricing.tiers",
     "A tier table needs at least one tier."),
    (parse(tier_table(None, None)), "invalid_tiers", "pricing.tiers.0.up_to",
     "Tier 1 is open-ended but is not the last tier."),
    (parse(tier_table(0, None)), "invalid_tiers", "pricing.tiers.0.up_to",
     "Tier 1 must end above 0."),
    (parse(tier_table(5, 5, None)), "invalid_tiers", "pricing.tiers.1.up_to",
     "Tier 2 overlaps the tier before: both end at 5."),
    (parse(tier_table(5, 4, None)), "invalid_tiers", "pricing.tiers.1.up_to",
     "Tier 2 is out of order: it ends below the tier before."),
    (parse(tier_table(5)), "invalid_tiers", "pricing.tiers.0.up_to",
     "Tier 1, the last, must be open-ended: its up_to must be null."),
    (parse(table_from(6)), "invalid_tiers", "pricing.tiers.1.from",
     "Tier 2 starts at 6, which leaves a gap after the tier before, ending at 5."),
    (parse(table_from(4)), "invalid_tiers", "pricing.tiers.1.from",
     "Tier 2 starts at 4, which leaves an overlap with the tier before, ending at 5."),
    (parse(tier_table(None, model="stairstep", unit_price=1)), "invalid_tiers",
     "pricing.tiers.0.unit_price",
     "Tier 1 has a unit price, but stairstep tiers have only a flat fee."),
    (lambda: pricing.resolve_pricing(pricing=None, usage_pricing_rules=None, unit_price=None),
     "missing_price", "unit_price",
     "A usage charge needs pricing, unit_price, or a meter with usage_pricing_rules."),
    (lambda: pricing.Flat(amount=d(-1)), "negative_number", "unit_price",
     "unit_price must not be negative."),
    (lambda: filters.parse_filters(1), "invalid_filter", "filters", "filters must be a list."),
    (lambda: filters.parse_filters([1] * 6), "invalid_filter", "filters", "At most 5 filters."),
    (lambda: filters.parse_filters([1]), "invalid_filter", "filters.0",
     "A filter has property, operator and value."),
    (parse_filter(operator="eq"), "invalid_filter", "filters.0.property",
     "A filter needs a property."),
    (parse_filter(property=" ", value="1"), "invalid_filter", "filters.0.property",
     "A filter needs a property."),
    (parse_filter(property="x", operator="like"), "invalid_filter", "filters.0.operator",
     f"'like' is not an operator; there are {OPERATORS}."),
    (parse_filter(property="x", operator="in", value="a"), "invalid_filter", "filters.0.value",
     "The value does not fit the operator in."),
    (parse_filter(property="x", operator="in", value=[None]), "invalid_filter", "filters.0.value",
     "filters.0.value must be a finite decimal number."),
    (lambda: filters.Filter(property="x", operator=filters.Operator.EQ, value=7),  # type: ignore[arg-type]  # what a test says by name
     "invalid_filter", "value", "A filter compares with strings, numbers or booleans."),
    (event(Aggregation.SUM), "missing_value", "properties.seat", "The event has no value."),
    (event(Aggregation.SUM, "0"), "quantity_out_of_range", "quantity",
     "quantity must be above 0 on a SUM meter."),
    (event(Aggregation.MAX, "-1"), "quantity_out_of_range", "quantity",
     "quantity must be 0 or more on a MAX meter."),
    (event(Aggregation.UNIQUE_COUNT), "missing_distinct_value", "properties.seat",
     "A UNIQUE_COUNT meter needs 'seat' or 'user_id' in the event."),
    (lambda: aggregations.MeterTerms(meter_id=METER, name="m", aggregation=Aggregation.SUM,
                                 carry_forward=True),
     "invalid_input", "carry_forward", "carry_forward has no meaning for SUM."),
    (lambda: proration.Share(covered=2, total=1), "invalid_input", "covered",
     "A share lies between none and all."),
    (lambda: proration.share_of(Period(starts_at=utc("2024-12-31"), ends_at=JANUARY.ends_at),
                                JANUARY, timezone="UTC", basis=proration.ProrationBasis.DAY),
     "invalid_input", "part", "The part lies outside its regular period."),
    (credit("0.001"), "invalid_amount", "amount", "A credit is a positive amount of USD."),
    (credit("2.01"), "credit_exceeds_line", "amount", "Of this line 2.00 can still be credited."),
    (tax_rate("1001", "CA"), "invalid_input", "percentage", "percentage is above 1,000."),
    (tax_rate("-1", "CA"), "negative_number", "percentage", "percentage must not be negative."),
    (tax_rate("1", "CAN"), "invalid_input", "country", "country is an ISO 3166-1 alpha-2 code."),
    (lambda: entitlements.most_generous([]), "invalid_input", "answers",
     "There is no answer to choose from."),
    (lambda: entitlements.require_within_limit(limit("5", reject=True), d(6)), "limit_exceeded",
     "quantity", "The usage limit of 'API Calls' is 5."),
    (lambda: replace(usage_charge(), type=ChargeType.FIXED), "invalid_charge", "pricing",
     "FIXED charges are flat, USAGE charges are not."),
    (lambda: replace(usage_charge(), meter=None), "invalid_charge", "meter_id",
     "A USAGE charge needs a meter, a FIXED one has none."),
    (lambda: usage_charge(minimum="2", maximum="1"), "invalid_charge", "minimum",
     "minimum is above maximum."),
    (lambda: usage_charge(Percentage(rate=d(1)), aggregation=Aggregation.MAX),
     "invalid_charge", "pricing.model", "A percentage needs a SUM meter of amounts."),
    (lambda: replace(limit("1"), type=FeatureType.SWITCH), "invalid_charge", "usage_limit",
     "Only meter features have a usage limit."),
    (lambda: plan(usage_charge(), fixed_charge(), kind=PlanType.USAGE), "invalid_charge",
     "charges.1.type", "A plan of type USAGE takes no FIXED charge."),
    (lambda: plan(usage_charge(aggregation=Aggregation.MAX), features=[limit("1")], count=2),
     "invalid_charge", "charges.0.included_units",
     WINDOW_SENTENCE),
    (lambda: assemble_invoice([ODD_LINE], [], Address(), USD), "invariant_broken", None,
     "The tiers of a line do not add up to its amount."),
    (lambda: unmeasured(-1), "invariant_broken", None, "A count of events cannot be negative."),
    (lambda: measure_quantities(plan(usage_charge()), JANUARY, []), "invariant_broken", None,
     "The usage of a charge does not cover its period exactly once."),
    (lambda: price_quantities(plan(usage_charge()), JANUARY, []), "invariant_broken", None,
     "A usage charge was not measured."),
    (lambda: round_line(credit_line(d(1), USD), YEN), "invariant_broken", None,
     "A USD line cannot stand on a JPY invoice."),
    (lambda: replace(assemble_invoice([credit_line(d(0), USD)], [], Address(),
                                      USD), currency="EUR"), "invariant_broken", None,
     "An invoice has one currency."),
    (lambda: replace(assemble_invoice([], [], Address(), USD), total=d(1)), "invariant_broken",
     None, "The lines and taxes of an invoice do not add up to its total."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("refuse", "code", "field", "sentence"), REFUSALS, ids=[sentence for *_, sentence in REFUSALS]
)
def test_refusals(
    *, refuse: Callable[[], object], code: str, field: str | None, sentence: str
) -> None:
    with pytest.raises(BillingError) as refused:
        refuse()

    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.detail == sentence
