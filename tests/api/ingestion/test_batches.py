"""Large batches: one bad row, repeated keys, packed bombs (faults 24, 25 and 50)."""

from __future__ import annotations

import gzip
import json
import random
import resource
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import CALLS, post

ROWS = 10_000
JSON = {"Content-Type": "application/json"}
PACKED = {**JSON, "Content-Encoding": "gzip"}


@pytest.fixture
def backend(owner: Person) -> Iterator[Person]:
    """The owner of a meter, on one event loop."""
    with owner:
        post(owner, "/features", CALLS)
        yield owner


def calls(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "meter_name": "calls",
        "customer_external_id": f"acct_{number % 7}",
        "quantity": 1,
        "timestamp": f"2026-02-{number % 28 + 1:02}T{number % 24:02}:00:00Z",
        "idempotency_key": f"call-{number}",
        **fields,
    }


def send(backend: Person, rows: list[Any], query: str = "") -> Any:
    return backend.post(
        f"/api/v1/usage/batch{query}",
        content=gzip.compress(json.dumps(rows).encode()),
        headers=PACKED,
    )


def count_stored(backend: Person) -> int:
    meter = backend.get("/api/v1/meters").json()["data"][0]["id"]
    return int(backend.get(f"/api/v1/meters/{meter}/stats").json()["total_events"])


def test_ten_thousand_events_with_one_bad_row_anywhere(backend: Person) -> None:
    places = (0, ROWS // 2, ROWS - 1, random.Random(1).randrange(ROWS))
    stored = 0
    for turn, place in enumerate(places):
        rows = [calls(number, idempotency_key=f"{turn}-{number}") for number in range(ROWS)]
        rows[place]["quantity"] = -1

        refused = send(backend, rows, "?atomic=true")
        assert refused.status_code == 422, refused.text
        assert [one["index"] for one in refused.json()["errors"]] == [place]
        assert count_stored(backend) == stored

        answer = send(backend, rows, "?results=errors").json()
        assert (answer["accepted"], answer["rejected"]) == (ROWS - 1, 1)
        assert [(one["index"], one["error"]["field"]) for one in answer["results"]] == [
            (place, "quantity")
        ]
        stored += ROWS - 1
        assert count_stored(backend) == stored


def test_of_rows_with_one_key_the_first_wins(backend: Person) -> None:
    chance = random.Random(2)
    rows = [calls(key) for key in range(300) for _ in range(chance.randrange(1, 5))]
    chance.shuffle(rows)
    other = [{**row, "quantity": 2} for row in rows[:50]]

    answer = send(backend, rows + other).json()

    firsts: dict[str, str] = {}
    for row, result in zip(rows, answer["results"], strict=False):
        expected = "duplicate" if row["idempotency_key"] in firsts else "created"
        assert result["status"] == expected
        assert firsts.setdefault(row["idempotency_key"], result["id"]) == result["id"]
    assert [one["error"]["code"] for one in answer["results"][len(rows) :]] == [
        "idempotency_key_reused"
    ] * 50
    assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (
        300,
        len(rows) - 300,
        50,
    )
    assert count_stored(backend) == 300


def test_one_row_too_many_is_refused(backend: Person) -> None:
    answer = send(backend, [calls(number) for number in range(ROWS + 1)])

    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_rows")
    assert count_stored(backend) == 0


def test_a_packed_bomb_is_refused_before_it_unfolds(backend: Person) -> None:
    bomb = gzip.compress(b"[" + b" " * (300 * 1024 * 1024), compresslevel=9)
    assert len(bomb) < 1024 * 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    answer = backend.post("/api/v1/usage/batch", content=bomb, headers=PACKED)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    grown_kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kibibytes < 200 * 1024


WRONG_BODIES = {
    "too_large": (b"x" * (16 * 1024 * 1024 + 1), JSON, 413),
    "not_packed": (b"no gzip", PACKED, 422),
    "cut_off": (gzip.compress(b"[]", mtime=0)[:-4], PACKED, 422),
    "unknown_encoding": (b"[]", {**JSON, "Content-Encoding": "br"}, 422),
    "empty": (b"[]", JSON, 422),
    "table": (b"[]", {"Content-Type": "text/csv"}, 415),
    "form": (b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
}


@pytest.mark.parametrize("name", WRONG_BODIES)
def test_a_body_of_the_wrong_kind_is_refused(backend: Person, name: str) -> None:
    content, headers, status = WRONG_BODIES[name]

    answer = backend.post("/api/v1/usage/batch", content=content, headers=headers)

    assert answer.status_code == status, answer.text
    assert isinstance(answer.json()["detail"], str)
