"""Usage as the API shows it: by unit, at a glance, as a list of events, and corrected."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.api.people import Clock, Person

EVENTS: list[dict[str, Any]] = [
    {"minutes": 30, "at": "2026-02-01T00:00:00Z", "customer": "ada", "key": "a"},
    {"minutes": 7, "at": "2026-02-01T23:59:59.999999Z", "customer": "ada", "key": "b"},
    {"minutes": 3, "at": "2026-02-01T12:00:00Z", "customer": "ben", "key": "c"},
    {"minutes": 870, "at": "2026-02-28T23:59:59Z", "customer": "ben", "key": "d"},
    {"minutes": 5, "at": "2026-03-02T07:30:00Z", "customer": "ada", "key": "e"},
]


class Studio:
    """An organization with a meter and five recorded events of two customers."""

    def __init__(self, owner: Person) -> None:
        self.owner = owner
        feature = {
            "name": "Render minutes",
            "lookup_key": "render_minutes",
            "type": "meter",
            "meter_name": "render_minutes",
            "property_name": "minutes",
            "aggregation_type": "SUM",
            "unit": "minutes",
            "filters": [{"property": "region", "operator": "ne", "value": "test"}],
        }
        assert owner.post("/api/v1/features", json=feature).status_code == 201
        self.meter: dict[str, Any] = owner.get("/api/v1/meters").json()["data"][0]
        answer = self.record(
            [
                event(one["customer"], one["minutes"], one["at"], idempotency_key=one["key"])
                for one in EVENTS
            ]
        )
        self.ids = [one["id"] for one in answer["results"]]
        customers = owner.get("/api/v1/customers").json()["data"]
        self.customers = {one["external_id"]: one["id"] for one in customers}

    def record(self, rows: list[dict[str, Any]]) -> Any:
        answer = self.owner.post("/api/v1/usage/batch", json=rows)
        assert answer.status_code == 200, answer.text
        assert answer.json()["rejected"] == 0, answer.text
        return answer.json()

    def get(self, path: str, **query: Any) -> Any:
        answer = self.owner.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=Decimal)

    def usage(self, **query: Any) -> Any:
        return self.get(f"/meters/{self.meter['id']}/usage", **query)


def event(customer: str, minutes: Any, at: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "customer_external_id": customer,
        "meter_name": "render_minutes",
        "properties": {"minutes": minutes, **more.pop("properties", {})},
        **({"timestamp": at} if at else {}),
        **more,
    }


@pytest.fixture
def studio(owner: Person) -> Studio:
    return Studio(owner)


def test_a_meters_usage_has_the_documented_shape(studio: Studio) -> None:
    found = studio.usage(start_date="2026-02-01", end_date="2026-02-28")

    assert found == {
        "meter_id": studio.meter["id"],
        "total_usage": 910,
        "event_count": 4,
        "unique_customers": 2,
        "period_start": "2026-02-01T00:00:00Z",
        "period_end": "2026-02-28T23:59:59Z",
        "grouped_data": [
            {"period": "2026-02-01", "usage": 40, "event_count": 3},
            {"period": "2026-02-28", "usage": 870, "event_count": 1},
        ],
    }


def test_usage_of_one_customer_by_month_in_any_case_of_letters(studio: Studio) -> None:
    found = studio.usage(
        start_date="2026-02-01T00:00:00Z",
        end_date="2026-03-31T00:00:00+02:00",
        customer_id=studio.customers["ada"],
        group_by="MONTH",
    )

    assert [(one["period"], one["usage"]) for one in found["grouped_data"]] == [
        ("2026-02-01", 37),
        ("2026-03-01", 5),
    ]
    assert found["period_end"] == "2026-03-30T22:00:00Z"


def test_usage_keeps_every_digit(studio: Studio) -> None:
    minutes = "123456789012345678.00000000000000000001"
    studio.record([event("cyd", minutes, "2026-03-01T00:00:00Z")])

    found = studio.usage(start_date="2026-03-01", end_date="2026-03-01")

    assert found["total_usage"] == Decimal(minutes)


def test_what_was_acknowledged_is_counted_at_once(studio: Studio, clock: Clock) -> None:
    for number in range(1, 4):
        studio.record([event("ada", 2)])
        clock.advance(microseconds=1)
        assert studio.usage()["total_usage"] == 915 + 2 * number


def test_statistics_have_the_documented_shape(studio: Studio) -> None:
    # It is Monday, 2 March 2026.
    assert studio.get(f"/meters/{studio.meter['id']}/stats") == {
        "meter_id": studio.meter["id"],
        "total_events": 5,
        "unique_customers": 2,
        "first_event_date": "2026-02-01T00:00:00Z",
        "last_event_date": "2026-03-02T07:30:00Z",
        "today_usage": 5,
        "this_week_usage": 5,
        "this_month_usage": 5,
    }


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
    ],
)
def test_events_are_selected(studio: Studio, query: dict[str, str], keys: list[str]) -> None:
    query = dict(query)
    if customer := query.pop("customer", None):
        query["customer_id"] = studio.customers[customer]

    found = studio.get("/usage", **query)

    assert [one["idempotency_key"] for one in found["data"]] == keys
    assert found["meta"]["total"] == len(keys)


def test_an_event_that_a_filter_refuses_is_visible_and_not_counted(studio: Studio) -> None:
    studio.record([event("ada", 99, properties={"region": "test"}, idempotency_key="filtered")])

    (listed,) = studio.get("/usage", counted="false")["data"]
    assert (listed["idempotency_key"], listed["counted"]) == ("filtered", False)
    assert studio.usage(end_date="2026-03-02")["total_usage"] == 915
    assert studio.get(f"/meters/{studio.meter['id']}/stats")["total_events"] == 6


def test_a_customers_usage_has_the_documented_shape(studio: Studio) -> None:
    found = studio.get(f"/customers/{studio.customers['ada']}/usage", start_date="2026-02-01")

    assert found == {
        "period_start": "2026-02-01T00:00:00Z",
        "period_end": "2026-03-02T08:00:00Z",
        "data": [
            {
                "meter_id": studio.meter["id"],
                "meter_name": "render_minutes",
                "name": "Render minutes",
                "unit": "minutes",
                "usage": 42,
                "event_count": 3,
            }
        ],
    }


def test_a_void_event_counts_no_more_and_stays_listed(studio: Studio) -> None:
    first = studio.owner.post(f"/api/v1/usage/{studio.ids[3]}/void")
    again = studio.owner.post(f"/api/v1/usage/{studio.ids[3]}/void")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert (first.json()["voided"], first.json()["amended"]) == (True, False)
    assert studio.usage(start_date="2026-02-01", end_date="2026-02-28")["total_usage"] == 40
    listed = {one["id"]: one["voided"] for one in studio.get("/usage")["data"]}
    assert [identifier for identifier, voided in listed.items() if voided] == [studio.ids[3]]


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


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/meters/{meter}/usage", {"start_date": "yesterday"}, "start_date"),
        ("/meters/{meter}/usage", {"end_date": "2026-02-30"}, "end_date"),
        ("/meters/{meter}/usage", {"group_by": "year"}, "group_by"),
        ("/meters/{meter}/usage", {"customer_id": "ada"}, "customer_id"),
        (
            "/meters/{meter}/usage",
            {"start_date": "2026-02-02", "end_date": "2026-02-01"},
            "start_date",
        ),
        (
            "/meters/{meter}/usage",
            {"start_date": "1900-01-01", "end_date": "9998-01-01"},
            "group_by",
        ),
        ("/meters/{meter}/usage", {"end_date": "9999-12-31T23:59:59Z"}, "end_date"),
        ("/meters/{meter}/usage", {"end_date": "9999-12-31"}, "end_date"),
        ("/meters/{meter}/events", {"page_size": "101"}, "page_size"),
        ("/meters/{meter}/events", {"page": "0"}, "page"),
        ("/usage", {"cursor": "!"}, "cursor"),
        ("/usage", {"late": "perhaps"}, "late"),
        ("/usage", {"meter_id": "x"}, "meter_id"),
        ("/usage", {"through": "-1"}, "through"),
        ("/meters/{meter}/usage", {"start_date": "0001-01-01"}, "start_date"),
        ("/meters/{meter}/usage", {"end_date": "0001-01-01"}, "end_date"),
        ("/meters/{meter}/events", {"end_date": "0001-01-01T00:00:00+23:59"}, "end_date"),
        ("/usage", {"start_date": "9999-01-01"}, "start_date"),
        ("/usage", {"through": "9223372036854775808"}, "through"),
    ],
)
def test_a_bad_query_names_its_field(
    studio: Studio, path: str, query: dict[str, str], field: str
) -> None:
    answer = studio.owner.get(f"/api/v1{path.format(meter=studio.meter['id'])}", params=query)

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field


def test_another_organization_sees_nothing(
    studio: Studio, sign_up: Callable[[str], Person]
) -> None:
    stranger = sign_up("Strangers")
    meter, customer, recorded = studio.meter["id"], studio.customers["ada"], studio.ids[0]

    answers = [
        stranger.get(f"/api/v1/meters/{meter}/usage"),
        stranger.get(f"/api/v1/meters/{meter}/stats"),
        stranger.get(f"/api/v1/meters/{meter}/events"),
        stranger.get(f"/api/v1/customers/{customer}/usage"),
        stranger.get("/api/v1/usage", params={"meter_id": meter}),
        stranger.get("/api/v1/usage", params={"customer_id": customer}),
        stranger.post(f"/api/v1/usage/{recorded}/void"),
        stranger.post(f"/api/v1/usage/{recorded}/amend", json={"quantity": 1}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 8
    assert stranger.get("/api/v1/usage").json()["data"] == []
    assert studio.usage(start_date="2026-02-01", end_date="2026-02-28")["total_usage"] == 910


def test_scopes_hold(studio: Studio, visitor: Person) -> None:
    reader = {"X-API-Key": studio.owner.make_key("usage.read")}
    biller = {"X-API-Key": studio.owner.make_key("billing.write")}
    path = f"/api/v1/meters/{studio.meter['id']}/usage"

    assert visitor.get(path).status_code == 401
    assert visitor.get(path, headers=reader).status_code == 200
    assert visitor.get(path, headers=biller).status_code == 403
    voiding = f"/api/v1/usage/{studio.ids[0]}/void"
    assert visitor.post(voiding, headers=reader).status_code == 403
    assert visitor.post(f"/api/v1/usage/{uuid4()}/void").status_code == 401


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
