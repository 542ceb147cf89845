"""Numbers keep their digits from the request to the answer (CONTRACT 1)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from api.transport.exact_json import depth_of, dump_json, load_json
from billing.errors import InvalidInput
from tests.api.people import Person

JSON = {"Content-Type": "application/json"}
API = "/api/v1"
PLANS = "/api/v1/plans"
PLAN = {
    "name": "Studio",
    "lookup_id": "studio",
    "type": "FIXED",
    "billing_interval": "month",
    "currency": "USD",
}


@pytest.fixture
def charges(owner: Person) -> str:
    """Where charges of a plan are added."""
    plan = owner.post(PLANS, json=PLAN).json()
    return f"{PLANS}/{plan['id']}/charges"


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("0.1000000000000000001", "0.1000000000000000001"),
        ("12345678901234567.89", "12345678901234567.89"),
        ("0.00000000000000000001", "0.00000000000000000001"),
        ("0.000000000000000000000000000001", "0.000000000000000000000000000001"),
        ("1E-30", "0.000000000000000000000000000001"),
        ("1.0000000000000000000000000012", "1.0000000000000000000000000012"),
        ("999999999999999999999999999999", "999999999999999999999999999999"),
        ("49.00", "49"),
        ("1e2", "100"),
        ("1E-3", "0.001"),
        ("0", "0"),
        ("-0.0", "0"),
        ('"0.1000000000000000001"', "0.1000000000000000001"),
        ('"5"', "5"),
    ],
)
def test_price_comes_back_with_exactly_its_digits(
    owner: Person, charges: str, sent: str, answered: str
) -> None:
    answer = owner.post(
        charges, content=f'{{"type":"FIXED","unit_price":{sent}}}'.encode(), headers=JSON
    )

    assert answer.status_code == 201
    assert f'"unit_price":{answered},' in answer.text
    shown = owner.get(charges.removesuffix("/charges")).text
    assert f'"unit_price":{answered},' in shown


@pytest.mark.parametrize(
    "sent",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "true",
        "null",
        "[]",
        "{}",
        '""',
        '" "',
        '"1_000"',
        '"1,000"',
        '"NaN"',
        '"Infinity"',
        '"0x10"',
        '"١٢"',
        "1e31",
        "1e-31",
        "1e308",
        "1e400000000",
        '"1e999999999"',
        "0.0000000000000000000000000000001",
        "9999999999999999999999999999999",
        "-1",
        '"1 000"',
        '"1e"',
        '"--1"',
        '"+"',
        '"."',
    ],
)
def test_what_is_not_a_price_is_refused_by_field(owner: Person, charges: str, sent: str) -> None:
    answer = owner.post(
        charges, content=f'{{"type":"FIXED","unit_price":{sent}}}'.encode(), headers=JSON
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "unit_price"
    assert owner.get(charges.removesuffix("/charges")).json()["charges"] == []


@pytest.mark.parametrize(
    "pricing",
    [
        '{"model":"per_unit","unit_price":0.000000000000000000000000000123}',
        (
            '{"model":"graduated","tiers":[{"up_to":null,"flat_fee":0.000000000000000000000000000456'
            ',"unit_price":0.000000000000000000000000000123}]}'
        ),
        '{"model":"package","package_size":10,"unit_price":0.000000000000000000000000000123}',
        '{"model":"percentage","rate":0.000000000000000000000000000123,"fixed_fee":0.000000000000000000000000000456}',
    ],
)  # fmt: skip
def test_prices_rates_and_fees_take_thirty_places(owner: Person, pricing: str) -> None:
    answer = owner.post(
        f"{API}/meters",
        content=f'{{"meter_name":"tokens","aggregation_type":"SUM","usage_pricing_rules":{pricing}}}',
        headers=JSON,
    )  # fmt: skip

    assert answer.status_code == 201, answer.text
    for digits in ("123", "456"):
        assert (f"000{digits}" in pricing) == (
            f"0.000000000000000000000000000{digits}" in answer.text
        )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+3"), b"1000"),
        (Decimal("1.10"), b"1.1"),
        (Decimal("-0.00"), b"0"),
        (Decimal("0E-7"), b"0"),
        (Decimal("1E-7"), b"0.0000001"),
        ({"a": [Decimal("0.30"), 7, None, True, "x"]}, b'{"a":[0.3,7,null,true,"x"]}'),
        (2**80, b"1208925819614629174706176"),
    ],
)
def test_numbers_are_written_plainly(value: Any, text: bytes) -> None:
    assert dump_json(value) == text


def test_floats_have_no_place_in_an_answer() -> None:
    with pytest.raises(TypeError, match="float"):
        dump_json({"amount": 0.1})


def test_numbers_are_read_without_loss() -> None:
    assert load_json(b"[0.1000000000000000001, 12345678901234567890, 1e2]") == [
        Decimal("0.1000000000000000001"),
        12345678901234567890,
        Decimal("1E+2"),
    ]


@pytest.mark.parametrize("body", [b"", b"{", b"nope", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_json(body)

    assert caught.value.code == "invalid_json"


@pytest.mark.parametrize(
    ("document", "depth"), [(7, 0), ({}, 1), ([], 1), ({"a": [{}]}, 3), ([[], [[[]]]], 4)]
)
def test_depth_counts_nested_objects_and_lists(document: Any, depth: int) -> None:
    assert depth_of(document) == depth
