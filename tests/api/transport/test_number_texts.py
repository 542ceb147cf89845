"""With ``Fluxrate-Numbers: string`` every number of an answer is a decimal text (CONTRACT 100)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.transport.number_texts import with_number_texts
from tests.api.access.furnished import fill, furnish
from tests.api.credentials import least_credentials
from tests.api.people import Person
from tests.api.sold import V1, post, sell

AS_TEXTS = {"Fluxrate-Numbers": "string"}


def numbers_in(value: Any) -> list[Any]:
    """Every number of a document."""
    match value:
        case dict():
            return [number for inner in value.values() for number in numbers_in(inner)]
        case list():
            return [number for inner in value for number in numbers_in(inner)]
        case bool():
            return []
        case int() | float() | Decimal():
            return [value]
    return []


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b'{"a":1,"b":-0.10}', b'{"a":"1","b":"-0.10"}'),
        (b"[0.1000000000000000001,1e3,1.5E-7]", b'["0.1000000000000000001","1000","0.00000015"]'),
        (b'{"1":"2","a\\"3":"\\\\","b":4}', b'{"1":"2","a\\"3":"\\\\","b":"4"}'),
        (b'{"a":[true,false,null,{"b":[[7]]}]}', b'{"a":[true,false,null,{"b":[["7"]]}]}'),
        ('{"n":"né 5","m":5}'.encode(), '{"n":"né 5","m":"5"}'.encode()),
        (b"42", b'"42"'),
    ],
)
def test_numbers_become_texts_of_the_same_digits(document: bytes, expected: bytes) -> None:
    assert with_number_texts(document) == expected


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers() | st.decimals(-(10**9), 10**9, places=7),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON_VALUES)
def test_nothing_but_numbers_changes(value: Any) -> None:
    document = json.dumps(value, default=float).encode()

    shown = json.loads(with_number_texts(document))

    as_text = json.loads(
        document, parse_int=str, parse_float=lambda text: format(Decimal(text), "f")
    )
    assert shown == as_text


def test_every_json_answer_keeps_all_digits_as_texts(owner: Person) -> None:
    ids = furnish(owner) | {"lookup_key": "nothing"}
    seen = 0
    for method, path in least_credentials():
        if method != "GET" or path.endswith("/coverage"):
            continue
        plain = owner.get(fill(path, ids))
        if not plain.headers["content-type"].endswith(("application/json", "+json")):
            continue
        answer = owner.get(fill(path, ids), headers=AS_TEXTS)
        document = json.loads(answer.text, parse_float=Decimal)
        expected = json.loads(plain.text, parse_int=str, parse_float=str)
        for volatile in ("request_id", "updated_at"):
            document.pop(volatile, None), expected.pop(volatile, None)
        assert numbers_in(document) == [], path
        assert document.keys() == expected.keys(), path
        assert answer.headers["content-length"] == str(len(answer.content))
        seen += 1
    assert seen > 30


def test_price_meta_and_version_are_texts_to_the_last_digit(owner: Person) -> None:
    plan = sell(owner).plan
    price = "0.1000000000000000001"
    body = f'{{"type":"FIXED","unit_price":{price}}}'.encode()
    headers = {"Content-Type": "application/json"} | AS_TEXTS

    charge = owner.post(f"{V1}/plans/{plan['id']}/charges", content=body, headers=headers).json()
    listed = owner.get(f"{V1}/plans", headers=AS_TEXTS).json()

    assert charge["unit_price"] == price
    assert listed["data"][0]["version"] == "3"
    assert listed["meta"] == {
        "page": "1",
        "page_size": "20",
        "total": "1",
        "total_pages": "1",
    }


def test_repeat_gives_the_numbers_as_it_asks_for_them(owner: Person) -> None:
    plan = sell(owner).plan
    path, body = f"/plans/{plan['id']}/charges", {"type": "FIXED", "unit_price": 2.5}
    key = {"Idempotency-Key": "once"}

    first = owner.post(V1 + path, json=body, headers=key | AS_TEXTS)
    second = owner.post(V1 + path, json=body, headers=key)
    third = owner.post(V1 + path, json=body, headers=key | AS_TEXTS)

    assert first.json()["unit_price"] == "2.5"
    assert second.json()["unit_price"] == 2.5
    assert third.json() == first.json()
    assert third.headers["Idempotent-Replayed"] == "true"


def test_checks_and_batches_in_front_of_the_framework_take_it_too(owner: Person) -> None:
    sold = sell(owner)
    sold.subscribe()
    rows = [{"meter_name": "api_calls", "customer_external_id": "acct_77", "quantity": 3}]

    batch = owner.post(f"{V1}/usage/batch", json=rows, headers=AS_TEXTS).json()
    path = f"{V1}/customers/acct_77/entitlements/api_calls"
    check = owner.get(path, headers=AS_TEXTS).json()

    assert (batch["accepted"], batch["results"][0]["index"]) == ("1", "0")
    assert (check["usage"], check["limit"], check["remaining"]) == ("3", "1000", "997")
    assert owner.get(path).json()["usage"] == 3
    assert owner.head(path, headers=AS_TEXTS).headers["content-length"] == str(
        len(owner.get(path, headers=AS_TEXTS).content)
    )


@pytest.mark.parametrize("value", ["", "number", "String", "string, string", "1"])
@pytest.mark.parametrize("path", ["/plans", "/customers/acct_77/entitlements", "/usage"])
def test_another_value_is_400_and_nothing_is_done(owner: Person, value: str, path: str) -> None:
    answer = owner.get(V1 + path, headers={"Fluxrate-Numbers": value})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_header")
    assert answer.json()["errors"][0]["field"] == "Fluxrate-Numbers"
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]
    post(owner, "/customers", {"name": "A", "email": "a@a.test"})
    refused = owner.post(
        f"{V1}/customers",
        json={"name": "B", "email": "b@b.test"},
        headers={"Fluxrate-Numbers": value},
    )
    assert refused.status_code == 400
    assert owner.get(f"{V1}/customers").json()["meta"]["total"] == 1
