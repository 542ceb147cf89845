"""Invariant 3, and digests that do not depend on platform, context or order of keys."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.invoicing.invoices import InvoiceTotals, assemble_invoice
from billing.invoicing.receipts import (
    Document,
    canonical_bytes,
    digest,
    from_document,
    instant_text,
    to_document,
)
from billing.invoicing.taxes import Address
from billing.metering.aggregations import MeterTerms
from billing.metering.filters import parse_filters
from billing.pricing import UsagePricing
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.stairstep import Stairstep
from billing.pricing.volume import Volume
from billing.rating.periods import PlanTerms, PricedLine, price_quantities, rate_period
from billing.rating.quantities import ChargeQuantity, MeteredUsage, UsageWindow, measure_quantities
from billing.rating.terms import OverLimit
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
    usage_charge,
    utc,
)
from tests.billing.profiles import supporting, thorough
from tests.billing.strategies import models, quantities

KEY = UUID(int=1)


class Color(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    amount: Decimal
    at: datetime
    color: Color
    day: date | None = None
    count: int = 0
    flag: bool = False
    names: tuple[str, ...] = ()
    key: UUID = KEY


SAMPLE = Sample(amount=d("1.50"), at=utc("2025-01-31T23:00"), color=Color.RED, day=date(2025, 2, 1))


def rebuilt(value: object) -> object:
    """Send a value through JSON text and back."""
    return from_document(type(value), json.loads(json.dumps(to_document(value))))


@thorough
@given(models, quantities, st.booleans())
def test_invariant_03_every_step_of_a_close_survives_json(
    pricing: UsagePricing, quantity: Decimal, waive: bool
) -> None:
    feature = limit("40", over=OverLimit.WAIVE if waive else OverLimit.BILL)
    terms = plan(usage_charge(pricing), features=[feature])
    usage = answer(terms, JANUARY, [quantity])
    totals = assemble_invoice(rate_period(terms, JANUARY, usage), [], Address(), USD)

    assert rebuilt(totals) == totals
    assert rebuilt(terms) == terms


def test_each_document_of_a_close_can_be_loaded_by_the_next_step() -> None:
    terms = plan(usage_charge(DOCUMENTED_TIERS), fixed_charge(), features=[limit("1000")])
    usage = answer(terms, JANUARY, ["15000"])
    measured = measure_quantities(terms, JANUARY, usage)
    lines = price_quantities(terms, JANUARY, measured)

    assert from_document(tuple[MeteredUsage, ...], to_document(usage)) == usage
    assert from_document(tuple[ChargeQuantity, ...], to_document(measured)) == measured
    assert from_document(tuple[PricedLine, ...], to_document(lines)) == lines
    assert from_document(UsageWindow, to_document(usage[0].window)) == usage[0].window
    assert from_document(PlanTerms, to_document(terms)) == terms


def test_documents_are_plain_json() -> None:
    assert to_document(SAMPLE) == {
        "amount": "1.5", "at": "2025-01-31T23:00:00Z", "color": "red", "day": "2025-02-01",
        "count": 0, "flag": False, "names": [], "key": "00000000-0000-0000-0000-000000000001",
    }  # fmt: skip
    assert rebuilt(SAMPLE) == SAMPLE
    assert to_document({"a": (1, None, "x", True)}) == {"a": [1, None, "x", True]}


def test_price_models_carry_their_name() -> None:
    document = to_document(usage_charge(Package(package_size=d(100), unit_price=d(5))))

    assert isinstance(document, dict)
    assert document["pricing"] == {"model": "package", "package_size": "100", "unit_price": "5"}
    table = DOCUMENTED_TIERS.tiers
    free = tuple(replace(tier, unit_price=d(0)) for tier in table)
    for pricing in (Graduated(tiers=table), Volume(tiers=table), Stairstep(tiers=free)):
        charge = usage_charge(pricing)
        assert rebuilt(charge) == charge


def test_filters_survive() -> None:
    filters = parse_filters(
        [
            {"property": "a", "operator": "in", "value": ["x", True, "5"]},
            {"property": "b", "operator": "exists", "value": False},
            {"property": "c", "operator": "eq", "value": "1.0"},
        ]
    )
    terms = MeterTerms(
        meter_id=meter().meter_id, name="m", aggregation=meter().aggregation, filters=filters
    )

    assert rebuilt(terms) == terms


def test_equal_values_have_equal_bytes_in_any_spelling_and_order() -> None:
    other = replace(
        SAMPLE,
        amount=d("1.5"),
        at=SAMPLE.at.astimezone(timezone(timedelta(hours=5, minutes=45))),
    )

    assert canonical_bytes(other) == canonical_bytes(SAMPLE)
    assert digest({"b": 1, "a": d("2.0")}) == digest({"a": d("2"), "b": 1})
    assert canonical_bytes({"b": "ü", "a": [1, 2]}) == '{"a":[1,2],"b":"ü"}'.encode()


def test_digests_are_pinned() -> None:
    # Receipts are compared years later: these must not change, whatever fields are added.
    terms = plan(usage_charge(PER_CALL), fixed_charge(), features=[limit("1000")])
    lines = rate_period(terms, JANUARY, answer(terms, JANUARY, ["82450"]))

    assert digest(SAMPLE) == "51e47ed4081f0cb080d19b09d0db4239998f664bc87315cabaad7f9793cd1bee"
    assert digest(terms) == "da2cd85d34f674c944bfe6297c5806e0b18ebe984d313a46df80051b5c2bb658"
    assert digest(lines) == "c4b31c88b16632c603b66cc1525dcfdad2eb3d97e5e87ee44dcff04a31e82ca8"


@supporting
@given(
    st.dictionaries(st.text(max_size=3), st.integers(-9, 9), min_size=2, max_size=4),
    st.integers(0, 3),
)
def test_digests_do_not_depend_on_the_order_of_keys(values: dict[str, int], turn: int) -> None:
    keys = list(values)
    keys = keys[turn:] + keys[:turn]

    assert digest({key: values[key] for key in keys}) == digest(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown(Sample):
    later: str | None = None


def test_a_field_added_later_does_not_change_the_digest() -> None:
    grown = Grown(amount=SAMPLE.amount, at=SAMPLE.at, color=SAMPLE.color, day=SAMPLE.day)

    assert digest(grown) == digest(SAMPLE)
    assert digest(replace(grown, later="x")) != digest(SAMPLE)
    assert b"count" not in canonical_bytes(SAMPLE)
    assert b"count" in canonical_bytes(replace(SAMPLE, count=1))


@pytest.mark.parametrize("value", [0.5, {"a": 1.0}, [float("nan")], {1: 2}, object(), b"x", {1, 2}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"has no canonical form\.$|^The keys of a document"):
        to_document(value)
    with pytest.raises(TypeError, match=r"^float has"):
        to_document(0.5)


def test_the_zone_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        assert instant_text(SAMPLE.at) == "2025-01-31T23:00:00Z"
        assert from_document(Sample, to_document(SAMPLE)).at.tzinfo is UTC
    finally:
        monkeypatch.undo()
        time.tzset()


def test_naive_instants_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^An instant needs a zone\.$"):
        instant_text(SAMPLE.at.replace(tzinfo=None))
    assert instant_text(datetime(2025, 1, 1, 0, 0, 0, 5, tzinfo=UTC)) == (
        "2025-01-01T00:00:00.000005Z"
    )


def _without(key: str) -> dict[str, Document]:
    document = to_document(SAMPLE)
    assert isinstance(document, dict)
    return {name: value for name, value in document.items() if name != key}


def _with(key: str, value: object) -> dict[str, object]:
    return {**_without(key), key: value}


@pytest.mark.parametrize(
    ("document", "field"),
    [([], None), ("x", None), (None, None), (_without("amount"), "amount"),
     (_with("amount", 1.5), "amount"), (_with("amount", "x"), "amount"),
     (_with("amount", None), "amount"), (_with("at", "yesterday"), "at"), (_with("at", 5), "at"),
     (_with("at", "2025-01-01T00:00:00"), "at"),
     (_with("color", "blue"), "color"), (_with("day", "2025-13-01"), "day"),
     (_with("count", True), "count"), (_with("count", "1"), "count"), (_with("flag", 1), "flag"),
     (_with("names", "abc"), "names"), (_with("names", ["a", 1]), "names.1"),
     (_with("key", "zz"), "key"), (_with("extra", 1), "extra")],
)  # fmt: skip
def test_documents_that_do_not_fit_are_refused_with_the_place(
    document: object, field: str | None
) -> None:
    with pytest.raises(InvalidInput) as refused:
        from_document(Sample, document)
    assert (refused.value.code, refused.value.field) == ("invalid_document", field)


@pytest.mark.parametrize(
    ("kind", "document", "sentence"),
    [(Sample, [], "The document does not hold a Sample at its top."),
     (Sample, _with("amount", "x"), "The document does not hold a Decimal at amount."),
     (Sample, _with("count", "1"), "The document does not hold a int at count."),
     (Sample, _without("at"), "The document does not hold a Sample at at."),
     (Sample, _with("names", "x"), "The document does not hold a tuple at names."),
     (Sample, _with("extra", "x"), "The document does not hold a Sample at extra."),
     (dict[str, int], [], "The document does not hold a dict at its top."),
     (Sample | Color, {}, "The document does not hold a (<class 'test_receipts.Sample'>")],
)  # fmt: skip
def test_misfits_say_what_was_expected_and_where(
    kind: type[object], document: object, sentence: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        from_document(kind, document)
    assert refused.value.detail.replace("tests.billing.invoicing.", "").startswith(sentence)


@pytest.mark.parametrize("pricing", [None, {}, {"model": "tiered"}, "per_unit", [], {"tiers": []}])
def test_price_models_without_their_name_are_refused(pricing: object) -> None:
    document = to_document(usage_charge())
    assert isinstance(document, dict)
    with pytest.raises(InvalidInput) as refused:
        from_document(type(usage_charge()), {**document, "pricing": pricing})
    assert refused.value.field == "pricing"


def test_missing_optional_fields_take_their_defaults() -> None:
    document = {"amount": "1.5", "at": "2025-01-31T23:00:00Z", "color": "red"}

    assert from_document(Sample, document) == replace(SAMPLE, day=None)


def test_mappings_are_read_key_by_key() -> None:
    assert from_document(dict[str, int], {"a": 1}) == {"a": 1}
    misfits: list[object] = [[], {"a": "1"}]
    for broken in misfits:
        with pytest.raises(InvalidInput):
            from_document(dict[str, int], broken)


def test_totals_keep_their_type() -> None:
    totals = assemble_invoice([], [], Address(country="CA"), USD)

    assert isinstance(rebuilt(totals), InvoiceTotals)
