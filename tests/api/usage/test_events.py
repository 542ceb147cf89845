"""Events as the API shows them: listed, selected, and corrected."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.api.usage.studio import Studio, event


def test_a_listed_event_says_what_it_is(studio: Studio) -> None:
    found = studio.get(f"/meters/{studio.meter['id']}/events", page_size=1)

    assert found["meta"]["total"] == 5
    assert found["data"] == [
        {
            "id": studio.ids[4],
            "customer_id": studio.customers["ada"],
            "meter_id": studio.meter["id"],
            "quantity": "5",
            "timestamp": "2026-03-02T07:30:00Z",
            "ingested_at": "2026-03-02T08:00:00Z",
            "created_at": "2026-03-02T08:00:00Z",
            "idempotency_key": "e",
            "meta_data": {"minutes": 5},
            "late": False,
            "paused": False,
            "counted": True,
            "voided": False,
            "amended": False,
        }
    ]


@pytest.mark.parametrize("path", ["/usage", "/meters/{}/events"])
def test_a_cursor_walks_through_every_event_once(studio: Studio, path: str) -> None:
    path, cursor, walked = path.format(studio.meter["id"]), None, []
    while True:
        found = studio.get(path, page_size=2, **({"cursor": cursor} if cursor else {}))
        walked += [one["idempotency_key"] for one in found["data"]]
        cursor = found["meta"]["next_cursor"]
        if cursor is None:
            break

    assert walked == ["e", "d", "b", "c", "a"]


@pytest.mark.parametrize("path", ["/usage", "/meters/{}/events"])
def test_a_span_that_ends_before_it_begins_is_refused(studio: Studio, path: str) -> None:
    query = {"start_date": "2026-03-01", "end_date": "2026-01-31"}

    answer = studio.owner.get(f"/api/v1{path.format(studio.meter['id'])}", params=query)

    assert (answer.status_code, answer.json()["code"]) == (422, "empty_span")


def test_a_page_beyond_the_end_is_empty(studio: Studio) -> None:
    found = studio.get("/usage", page=99)

    assert found["data"] == []
    assert found["meta"]["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({"customer": "ben"}, ["d", "c"]),
        ({"start_date": "2026-02-02"}, ["e", "d"]),
        ({"end_date": "2026-02-01"}, ["b", "c", "a"]),
        ({"start_date": "2026-02-01T12:00:00Z", "end_date": "2026-02-28T23:59:59Z"}, ["b", "c"]),
        ({"late": "true"}, []),
        ({"late": "false", "end_date": "2026-02-01T12:00:00Z"}, ["a"]),
        ({"counted": "false"}, []),
        ({"idempotency_key": "d"}, ["d"]),
        ({"idempotency_key": " d "}, ["d"]),
        ({"idempotency_key": "D"}, []),
        ({"idempotency_key": "d", "end_date": "2026-02-01"}, []),
    ],
)
def test_events_are_selected(studio: Studio, query: dict[str, str], keys: list[str]) -> None:
    query = dict(query)
    if customer := query.pop("customer", None):
        query["customer_id"] = studio.customers[customer]

    found = studio.get("/usage", **query)

    assert [one["idempotency_key"] for one in found["data"]] == keys
    assert found["meta"]["total"] == len(keys)


def test_an_event_without_a_key_is_not_found_by_the_one_that_its_id_is(studio: Studio) -> None:
    [stored] = studio.record([event("ada", 1)])["results"]

    assert studio.get("/usage", idempotency_key=stored["id"])["data"] == []


def test_an_event_that_a_filter_refuses_is_visible_and_not_counted(studio: Studio) -> None:
    studio.record([event("ada", 99, properties={"region": "test"}, idempotency_key="filtered")])

    (listed,) = studio.get("/usage", counted="false")["data"]
    assert (listed["idempotency_key"], listed["counted"]) == ("filtered", False)
    assert studio.usage(end_date="2026-03-02")["total_usage"] == 915
    assert studio.get(f"/meters/{studio.meter['id']}/stats")["total_events"] == 6


def test_a_void_event_counts_no_more_and_stays_listed(studio: Studio) -> None:
    first = studio.owner.post(f"/api/v1/usage/{studio.ids[3]}/void")
    again = studio.owner.post(f"/api/v1/usage/{studio.ids[3]}/void")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert (first.json()["voided"], first.json()["amended"]) == (True, False)
    assert studio.usage(start_date="2026-02-01", end_date="2026-02-28")["total_usage"] == 40
    listed = {one["id"]: one["voided"] for one in studio.get("/usage")["data"]}
    assert [identifier for identifier, voided in listed.items() if voided] == [studio.ids[3]]
    (void,) = studio.get("/usage", voided="true")["data"]
    assert void["id"] == studio.ids[3]
    assert len(studio.get("/usage", voided="false")["data"]) == len(listed) - 1


def test_an_amended_event_answers_as_it_now_counts(studio: Studio) -> None:
    answer = studio.owner.post(f"/api/v1/usage/{studio.ids[0]}/amend", json={"quantity": "31.50"})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["quantity"], answer.json()["amended"]) == ("31.5", True)
    assert studio.usage(start_date="2026-02-01", end_date="2026-02-01")["total_usage"] == Decimal(
        "41.5"
    )


@pytest.mark.parametrize(
    "body", ["{}", '{"quantity":0}', '{"quantity":-1}', '{"quantity":true}', '{"quantity":"a"}']
)
def test_a_bad_amendment_is_refused(studio: Studio, body: str) -> None:
    answer = studio.owner.post(
        f"/api/v1/usage/{studio.ids[0]}/amend",
        content=body,
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "quantity"


def test_free_form_numbers_of_any_size_are_shown(studio: Studio) -> None:
    huge = {"big": 10**29, "fine": Decimal("0.00000000000000000001"), "negative": -(2**63) - 1}
    body = json.dumps(event("ada", 1, idempotency_key="huge")).replace(
        '"minutes": 1',
        '"minutes": 1, '
        + ", ".join(
            f'"{name}": {number:f}' if isinstance(number, Decimal) else f'"{name}": {number}'
            for name, number in huge.items()
        ),
    )
    answer = studio.owner.post(
        "/api/v1/usage", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201, answer.text

    listed = studio.get("/usage", page_size=1)["data"][0]["meta_data"]

    assert {name: Decimal(listed[name]) for name in huge} == huge
