"""Hundreds of bad values in every ingestion form: a clear 4xx, the field named, nothing stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.api.bad_usage import ABYSS, BODIES, BadValue, bad_values
from tests.api.people import Clock, Person

JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}

# The free-form object and the value go by other names in other forms.
NAMES: Mapping[str, Mapping[str, str]] = {
    "track": {},
    "reference": {"metadata": "meta_data"},
    "properties": {"metadata": "properties", "quantity": "properties.minutes"},
}


SINGLE_ROUTES = {"track": "/sdk/track", "reference": "/usage", "properties": "/usage"}

ODD_NUMBERS = {
    "0.1000000000000000001": "0.1000000000000000001",
    "12345678901234567.89": "12345678901234567.89",
    "9" * 30: "9" * 30,
    "0." + "0" * 19 + "1": "0." + "0" * 19 + "1",
    '"2.50"': "2.5",
    "1e2": "100",
    "1E+29": "1" + "0" * 29,
    '"1e2"': "100",
    "1.000": "1",
}
"""JSON of quantities, and how they read once stored."""

FREE_FORM_NAMES = ("metadata", "meta_data", "properties")


class Backend:
    """A customer's backend: one meter, one customer, a key that writes usage."""

    def __init__(self, owner: Person, visitor: Person, clock: Clock) -> None:
        self.owner, self.visitor, self.clock = owner, visitor, clock
        feature = {
            "name": "Render minutes",
            "lookup_key": "render_minutes",
            "type": "meter",
            "meter_name": "render_minutes",
            "property_name": "minutes",
            "aggregation_type": "SUM",
        }
        assert owner.post("/api/v1/features", json=feature).status_code == 201
        meter = owner.get("/api/v1/meters").json()["data"][0]
        customer = owner.post(
            "/api/v1/customers",
            json={"name": "Harbor", "email": "ap@harbor.test", "external_id": "acct_77"},
        ).json()
        key = json.dumps
        self.forms: dict[str, dict[str, str]] = {
            "track": {
                "meter_token": key(meter["meter_token"]),
                "customer_external_id": key("acct_77"),
                "quantity": "1",
            },
            "reference": {
                "meter_id": key(meter["id"]),
                "customer_id": key(customer["id"]),
                "quantity": "1",
            },
            "properties": {
                "meter_name": key("render_minutes"),
                "customer_external_id": key("acct_77"),
                "properties": '{"minutes":1}',
            },
        }
        self.key = {"X-API-Key": owner.make_key("usage.write")}

    def row(self, form: str, bad: BadValue) -> tuple[str, str] | None:
        """The row's JSON and the field to blame, or None if the form has no such field."""
        fields = dict(self.forms[form])
        name = NAMES[form].get(bad.field, bad.field)
        known = {"timestamp", "idempotency_key", *fields, "metadata", "meta_data"}
        if name == "properties.minutes":
            fields["properties"] = f'{{"minutes":{bad.json}}}'
        elif bad.field.startswith(("meter_", "customer_")) and name not in fields:
            return None
        else:
            fields[name] = bad.json
        assert name in known or name.startswith("properties") or bad.json in ("1", '"x"', "null")
        return "{" + ",".join(
            f"{json.dumps(key)}:{text}" for key, text in fields.items()
        ) + "}", name

    def post(self, path: str, body: str, headers: Mapping[str, str] = JSON) -> Any:
        content = body.encode("utf-8", "surrogatepass")
        return self.visitor.post(f"/api/v1{path}", content=content, headers={**self.key, **headers})

    def stored(self) -> tuple[int, int]:
        """How many events and customers there are."""
        events = self.owner.get("/api/v1/usage").json()["meta"]["total"]
        return events, self.owner.get("/api/v1/customers").json()["meta"]["total"]


@pytest.fixture
def backend(owner: Person, visitor: Person, clock: Clock) -> Iterator[Backend]:
    """One event loop for all its requests, as a server has."""
    with visitor:
        yield Backend(owner, visitor, clock)


def test_the_corpus_is_large() -> None:
    assert len(bad_values()) + len(BODIES) >= 300


@pytest.mark.parametrize(("form", "path"), SINGLE_ROUTES.items())
def test_a_single_event_with_a_bad_value_names_its_field(
    backend: Backend, form: str, path: str
) -> None:
    complaints = []
    for bad in bad_values():
        row = backend.row(form, bad)
        if row is None:
            continue
        answer = backend.post(path, row[0])
        if not 400 <= answer.status_code < 500:
            complaints.append(f"{bad}: {answer.status_code} {answer.text[:200]}")
        elif is_no_text(bad):
            assert answer.json()["code"] == "invalid_json"
        elif not is_blamed(answer.json().get("errors", [{}])[0], row[1]):
            complaints.append(f"{bad}: {answer.text[:300]}")

    assert "\n".join(complaints) == ""
    assert backend.stored() == (0, 1)


@pytest.mark.parametrize("form", ["track", "reference", "properties"])
@pytest.mark.parametrize(
    ("headers", "join"),
    [(JSON, lambda rows: "[" + ",".join(rows) + "]"), (LINES, "\n".join)],
    ids=["array", "lines"],
)
def test_every_bad_row_of_a_batch_names_its_field(
    backend: Backend,
    form: str,
    headers: Mapping[str, str],
    join: Callable[[list[str]], str],
) -> None:
    rows = [
        (bad, row)
        for bad in bad_values()
        if (row := backend.row(form, bad)) is not None
        # What cannot be read as JSON at all spoils an array; the single routes are asked above.
        and not is_no_text(bad)
        and bad.json != ABYSS
    ]

    answer = backend.post("/usage/batch", join([text for _, (text, _) in rows]), headers)

    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["accepted"], found["duplicates"], found["rejected"]) == (0, 0, len(rows))
    complaints = [
        f"{bad}: {result}"
        for (bad, (_, name)), result in zip(rows, found["results"], strict=True)
        if not is_blamed(result.get("error", {}), name)
    ]
    assert "\n".join(complaints) == ""
    assert backend.stored() == (0, 1)


@pytest.mark.parametrize("path", ["/sdk/track", "/usage", "/usage/batch"])
def test_a_body_that_is_no_event_is_refused(backend: Backend, path: str) -> None:
    complaints = []
    for body in BODIES:
        for headers in (JSON, LINES) if path.endswith("batch") else (JSON,):
            answer = backend.post(path, body, headers)
            if answer.status_code == 200:
                assert answer.json()["accepted"] == 0
            elif not 400 <= answer.status_code < 500:
                complaints.append(f"{body[:40]!r}: {answer.status_code} {answer.text[:200]}")

    assert "\n".join(complaints) == ""
    assert backend.stored() == (0, 1)


def test_bytes_that_are_no_text_are_refused(backend: Backend) -> None:
    for content in (b"\xff\xfe", b'{"quantity":"\xc3"}', b"\x80" * 100, b'"\xed\xa0\x80"'):
        for path in ("/sdk/track", "/usage", "/usage/batch"):
            answer = backend.visitor.post(
                f"/api/v1{path}", content=content, headers={**backend.key, **JSON}
            )
            assert 400 <= answer.status_code < 500, answer.text

    assert backend.stored() == (0, 1)


def test_odd_but_good_numbers_are_stored_exactly(backend: Backend) -> None:
    for quantity, stored in ODD_NUMBERS.items():
        backend.clock.advance(seconds=1)
        for form, path in SINGLE_ROUTES.items():
            row = backend.row(form, BadValue("quantity", quantity))
            assert row is not None
            answer = backend.post(path, row[0])
            assert answer.status_code == 201, answer.text
        listed = backend.owner.get("/api/v1/usage?page_size=3").json()["data"]
        assert [event["quantity"] for event in listed] == [stored] * 3


def is_blamed(error: Mapping[str, Any], name: str) -> bool:
    """Whether the error names the field, a place inside it, or the free-form object it lies in."""
    field = error.get("field") or ""
    if error.get("code") == "too_deep":
        # Too deep to be read at all: which of the free-form names it had is not known.
        return field.split(".")[0] in FREE_FORM_NAMES and name in FREE_FORM_NAMES
    return field == name or field.startswith(f"{name}.") or name.startswith(f"{field}.")


def is_no_text(bad: BadValue) -> bool:
    """Half of a surrogate pair makes the whole body no JSON text, so no field is to blame."""
    return "\\ud" in bad.json
