"""Usage as the API shows it: by unit, at a glance, as a list of events, and corrected."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.api.people import Clock, Person
from tests.api.usage.studio import Studio, event


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
