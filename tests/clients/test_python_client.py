"""The Python client when answers fail: what is repeated, with what, and what is raised."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import httpx2
import pytest
from fluxrate_client import (
    NEVER,
    Conflict,
    ConnectionFailed,
    EventsRejected,
    Invalid,
    Retries,
    ServerFailed,
    exact,
)
from fluxrate_client.errors import error_of
from fluxrate_client.models import PriceModel
from fluxrate_client.usage import AsyncBatch, Batch

from tests.clients.answering import CUSTOMER, QUICK, Api, answer, lost, page, problem


def test_a_lost_answer_is_asked_for_again_under_the_same_key() -> None:
    api = Api(lost(), problem(503, "unavailable"), answer(201, CUSTOMER))

    api.client().customers.create(name="Harbor Labs", email="ap@harbor.test")

    keys = {request.headers["Idempotency-Key"] for request in api.asked}
    assert (len(api.asked), len(keys)) == (3, 1)
    assert {request.content for request in api.asked} == {
        b'{"name":"Harbor Labs","email":"ap@harbor.test"}'
    }
    assert api.asked[0].headers["X-API-Key"] == "sk_live_1"


def test_two_calls_have_two_keys_unless_one_is_given() -> None:
    api = Api(*[answer(201, CUSTOMER)] * 3)
    create = api.client().customers.create

    for key in (None, None, "mine"):
        create(name="Harbor Labs", email="ap@harbor.test", idempotency_key=key)

    first, second, third = [request.headers["Idempotency-Key"] for request in api.asked]
    assert first != second
    assert third == "mine"


def test_an_event_keeps_its_own_key_when_it_is_sent_again() -> None:
    api = Api(lost(), answer(201, {"id": "e1"}))

    api.client().usage.track(customer_external_id="a", meter_name="calls", properties={"n": 1})

    first, second = [json.loads(request.content)["idempotency_key"] for request in api.asked]
    assert first == second


def test_what_is_refused_is_not_repeated_and_says_why() -> None:
    fields = [{"in": "body", "field": "email", "code": "missing", "detail": "Field required"}]
    api = Api(problem(422, "invalid_input", errors=fields))

    with pytest.raises(Invalid, match="email: Field required") as caught:
        api.client().customers.create(name="", email="")

    assert (caught.value.code, caught.value.request_id) == ("invalid_input", "r1")
    assert len(api.asked) == 1


def test_a_conflict_tells_what_is_in_the_way() -> None:
    api = Api(problem(409, "meter_already_billed", free_from=None))

    with pytest.raises(Conflict) as caught:
        api.client().subscriptions.resume("s1")

    assert caught.value.problem["free_from"] is None


def test_a_request_that_still_runs_is_waited_for() -> None:
    api = Api(problem(409, "idempotency_key_in_use"), answer(201, CUSTOMER))

    assert api.client().customers.create(name="", email="").id == "c1"


@pytest.mark.parametrize(("failure", "raised"), [(lost(), ConnectionFailed), (None, ServerFailed)])
def test_patience_ends(failure: Exception | None, raised: type[Exception]) -> None:
    api = Api(*[failure or problem(503, "unavailable")] * 5)

    with pytest.raises(raised):
        api.client().customers.get("a")

    assert len(api.asked) == QUICK.attempts


@pytest.mark.parametrize(
    ("attempt", "asked", "least", "most"),
    [(1, "", 0.25, 0.5), (4, "", 2, 4), (1, "7", 7, 7), (1, "Sun, 06 Nov 1994", 0.25, 0.5)],
)
def test_pauses_double_or_are_what_is_asked(
    attempt: int, asked: str, least: float, most: float
) -> None:
    busy = error_of(429, {}, {"retry-after": asked})
    pause = Retries(attempts=9).pause_after(attempt, busy)

    assert pause is not None
    assert least <= pause <= most


def test_nobody_waits_longer_than_they_allow() -> None:
    assert Retries().pause_after(1, error_of(503, {}, {"retry-after": "61"})) is None
    assert NEVER.pause_after(1, None) is None


def test_a_list_is_all_its_pages_each_when_it_is_needed() -> None:
    api = Api(page(1, 3), page(2, 3), page(3, 3))
    customers = iter(api.client().customers.list(q="harbor", page_size=1))

    assert next(customers).id == "c1"
    assert len(api.asked) == 1
    assert [one.id for one in customers] == ["c2", "c3"]
    assert [dict(one.url.params) for one in api.asked] == [
        {"q": "harbor", "page_size": "1"},
        {"q": "harbor", "page_size": "1", "page": "2"},
        {"q": "harbor", "page_size": "1", "page": "3"},
    ]


def test_a_list_that_grows_goes_on_by_its_cursor() -> None:
    metas = [{"next_cursor": "x", "page_size": 100}, {"next_cursor": None, "page_size": 100}]
    api = Api(*[answer(body={"data": [], "meta": meta}) for meta in metas])

    assert list(api.client().usage.list_unbilled()) == []
    assert api.asked[1].url.params["cursor"] == "x"


def test_the_first_page_knows_how_many_there_are() -> None:
    first = Api(page(1, 3)).client().customers.list().first()

    assert (len(first), first.total) == (1, 3)


async def test_the_same_from_an_event_loop() -> None:
    api = Api(lost(), page(1, 2), page(2, 2))

    assert [one.id async for one in api.async_client().customers.list()] == ["c1", "c2"]


def test_numbers_keep_their_digits_both_ways() -> None:
    digits = Decimal("0.1000000000000000001")

    sent = exact.dump({"unit_price": digits, "at": datetime(2025, 1, 1, tzinfo=UTC)})
    assert sent == b'{"unit_price":0.1000000000000000001,"at":"2025-01-01T00:00:00+00:00"}'
    read = exact.read(PriceModel, exact.load(b'{"model":"per_unit","unit_price":%s}' % sent[14:35]))
    assert read.unit_price == digits


def test_a_time_without_a_zone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        exact.dump({"at": datetime(2025, 1, 1)})  # noqa: DTZ001  it is what is refused


def test_a_newer_api_may_say_more() -> None:
    client = Api(answer(body=CUSTOMER | {"shoe_size": 46})).client()

    assert client.customers.get("a/b").name == "Harbor Labs"


def test_names_in_addresses_are_quoted() -> None:
    api = Api(answer(body=CUSTOMER))

    api.client().customers.get("org/1")

    assert api.asked[0].url.raw_path == b"/api/v1/customers/org%2F1"
    with pytest.raises(ValueError, match="cannot stand"):
        api.client().customers.get("..")


def test_a_preview_needs_no_body() -> None:
    api = Api(answer(body={"id": None, "total": 1}))

    api.client().subscriptions.preview_invoice("s1")

    assert api.asked[0].content == b"{}"


def test_a_batch_is_sent_together_and_again_until_it_is_stored() -> None:
    stored = {"accepted": 2, "duplicates": 0, "rejected": 0, "results": []}
    api = Api(lost(), answer(body=stored), answer(body=stored | {"accepted": 1}))

    with api.client().usage.batching(size=2, seconds=60) as batch:
        for number in range(3):
            batch.track(meter_name="calls", customer_external_id="a", properties={"n": number})

    first, again, last = [json.loads(request.content) for request in api.asked]
    assert first == again
    assert [event["properties"]["n"] for event in again + last] == [0, 1, 2]
    assert len({event["idempotency_key"] for event in again + last}) == 3


def test_a_batch_says_which_events_were_refused() -> None:
    error = {"code": "unknown_meter", "detail": "There is none."}
    rows = [{"index": 0, "status": "rejected", "id": None, "error": error}]
    api = Api(answer(body={"accepted": 0, "duplicates": 0, "rejected": 1, "results": rows}))

    with pytest.raises(EventsRejected) as caught, api.client().usage.batching() as batch:
        batch.track(meter_name="none", customer_external_id="a")

    [row] = caught.value.rows
    [sent] = json.loads(api.asked[0].content)
    assert (row.event, row.idempotency_key) == (sent, sent["idempotency_key"])
    assert (row.error.code, row.index) == ("unknown_meter", 0)
    assert str(caught.value) == (
        f"1 events were rejected, the first ({row.idempotency_key}): unknown_meter: There is none."
    )


def refuse_odd(request: httpx2.Request) -> httpx2.Response:
    """The answer to a batch whose events are numbered by their keys: every other one is refused."""
    sent = json.loads(request.content)
    error = {"code": "invalid_quantity", "detail": "No number."}
    places = [at for at, one in enumerate(sent) if int(one["idempotency_key"]) % 2]
    rows = [{"index": at, "status": "rejected", "error": error} for at in places]
    counts = {"accepted": len(sent) - len(rows), "duplicates": 0, "rejected": len(rows)}
    return answer(body={**counts, "results": rows})


NAMES = [str(number) for number in range(6)]


def track_each(batch: Batch | AsyncBatch) -> None:
    """One event under each name."""
    for name in NAMES:
        batch.track(meter_name="calls", customer_external_id="a", idempotency_key=name)


def test_refused_events_are_told_whatever_was_sent_together() -> None:
    api = Api(*[refuse_odd] * len(NAMES))

    with (
        pytest.raises(EventsRejected) as caught,
        api.client().usage.batching(size=3, seconds=60) as batch,
    ):
        track_each(batch)

    assert [row.idempotency_key for row in caught.value.rows] == ["1", "3", "5"]


async def test_refused_events_are_told_in_an_event_loop_too() -> None:
    api = Api(*[refuse_odd] * len(NAMES))

    async with api.async_client() as client:
        batch = client.usage.batching(size=3, seconds=60)
        track_each(batch)
        with pytest.raises(EventsRejected) as caught:
            await batch.flush()

    assert [row.event.get("idempotency_key") for row in caught.value.rows] == ["1", "3", "5"]


def test_key_that_is_none_is_no_key() -> None:
    api = Api(answer(201, {"id": "e1"}))

    api.client().usage.track(meter_name="calls", customer_external_id="a", idempotency_key=None)

    assert json.loads(api.asked[0].content)["idempotency_key"]
