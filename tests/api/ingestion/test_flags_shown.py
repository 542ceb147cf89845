"""Whoever reports an event is told what it counts for: filtered out, late, of a pause."""

from __future__ import annotations

from api.ingestion.views import encode, view_batch
from services.ingestion.submissions import EventResult, EventStatus
from tests.api.people import Person
from tests.api.sold import V1, sell


def flags(event: dict[str, object]) -> tuple[object, object, object]:
    return event["counted"], event["late"], event["paused"]


def test_an_event_of_a_pause_says_so_and_its_repeat_too(owner: Person) -> None:
    sold = sell(owner)
    charge = {"type": "USAGE", "meter_id": sold.feature["meter_id"], "unit_price": 1}
    owner.post(f"{V1}/plans/{sold.plan['id']}/charges", json=charge)
    subscription = sold.subscribe()
    before = sold.used(1)
    paused = owner.post(f"{V1}/subscriptions/{subscription['id']}/pause", json={})
    assert paused.status_code == 200, paused.text

    within = sold.used(1, idempotency_key="within")
    owner.post(f"{V1}/subscriptions/{subscription['id']}/resume", json={})
    again = sold.used(1, idempotency_key="within")

    assert flags(before) == (True, False, False)
    assert flags(within) == flags(again) == (True, False, True)
    assert again["duplicate"] is True


def test_an_event_that_a_filter_leaves_out_says_so(owner: Person) -> None:
    eu = {"property": "region", "operator": "eq", "value": "eu"}
    sold = sell(owner, meter={"filters": [eu]})

    inside = sold.used(1, properties={"region": "eu"})
    outside = sold.used(1, properties={"region": "us"})

    assert flags(inside) == (True, False, False)
    assert flags(outside) == (False, False, False)


def test_a_row_of_a_batch_says_that_it_is_late_and_no_other_does() -> None:
    results = [
        EventResult(status=EventStatus.CREATED, event_id="a", is_late=True),
        EventResult(status=EventStatus.CREATED, event_id="b"),
    ]

    told = encode(view_batch(results, only_errors=False)).decode()

    assert '{"index":0,"status":"created","id":"a","late":true}' in told
    assert '{"index":1,"status":"created","id":"b"}' in told


def test_a_row_whose_key_is_taken_names_the_event_that_has_it(owner: Person) -> None:
    sold = sell(owner)
    first = sold.used(1, idempotency_key="job-1")
    row = {"meter_name": "api_calls", "customer_external_id": "acct_77", "quantity": 2}

    answer = owner.post(f"{V1}/usage/batch", json=[row | {"idempotency_key": "job-1"}])

    (refused,) = answer.json()["results"]
    assert refused["error"]["code"] == "idempotency_key_reused"
    assert refused["error"]["event_id"] == first["id"]
