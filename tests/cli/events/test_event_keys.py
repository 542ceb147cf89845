"""Keys of imported rows come from what the rows say, and from nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.events.files import EventRow, open_events
from cli.events.keys import identify, open_ordinals

ROW = {"meter_name": "calls", "customer_external_id": "a", "quantity": 5}
DATED = ROW | {"timestamp": "2026-01-01T00:00:00Z"}


def keys_of(*events: dict[str, Any], timezone: str | None = None) -> list[str]:
    rows = [EventRow(number=number, event=event) for number, event in enumerate(events, start=1)]
    with open_ordinals() as ordinals:
        return [
            str(event.get("idempotency_key"))
            for _, event in identify(rows, ordinals, timezone=timezone)
        ]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("order of fields", dict(reversed(DATED.items()))),
        ("quantity as text", DATED | {"quantity": "5"}),
        ("superfluous zeros", DATED | {"quantity": "5.00"}),
        ("another zone", DATED | {"timestamp": "2026-01-01T01:00:00+01:00"}),
        ("absent as null", DATED | {"properties": None}),
    ],
)
def test_other_words_for_the_same_event_have_its_key(name: str, other: dict[str, Any]) -> None:
    assert keys_of(DATED) == keys_of(other), name


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 6},
        {"quantity": "many"},
        {"customer_external_id": "b"},
        {"timestamp": "2026-01-01T00:00:00.000001Z"},
        {"timestamp": "0001-01-01T00:00:00+14:00"},
        {"properties": {"n": 5}},
        {"properties": {"n": "5"}},
    ],
)
def test_other_content_has_another_key(change: dict[str, Any]) -> None:
    assert keys_of(DATED) != keys_of(DATED | change)


def test_equal_rows_are_told_apart_by_their_ordinal_alone() -> None:
    other = DATED | {"quantity": 1}

    assert len(set(keys_of(DATED, DATED, DATED))) == 3
    assert set(keys_of(DATED, other, DATED)) == set(keys_of(other, DATED, DATED))
    assert set(keys_of(DATED, DATED)) < set(keys_of(DATED, other, DATED, DATED))


def test_row_with_a_key_of_its_own_keeps_it_and_takes_no_ordinal() -> None:
    assert keys_of(DATED | {"idempotency_key": "mine"}, DATED) == ["mine", *keys_of(DATED)]


def test_row_without_a_zone_gets_the_key_of_the_instant_that_is_named() -> None:
    local = DATED | {"timestamp": "2026-07-01T02:00"}

    assert keys_of(local) == ["None"]
    assert keys_of(local, timezone="Europe/Berlin") == keys_of(
        DATED | {"timestamp": "2026-07-01T00:00:00Z"}
    )


def test_table_and_lines_of_the_same_events_have_the_same_keys(tmp_path: Path) -> None:
    event = {**DATED, "quantity": "5.0", "properties": {"region": "eu"}}
    lines, table = tmp_path / "a.ndjson", tmp_path / "a.csv"
    lines.write_text(f"{json.dumps(event)}\n\n")
    table.write_text(
        "properties.region,meter_name,customer_external_id,quantity,timestamp\n"
        "eu,calls,a,5,2026-01-01T00:00:00Z\n"
    )

    found = []
    for path in (lines, table):
        with open_ordinals() as ordinals:
            rows = open_events(path, lambda _: None).rows()
            found.append(
                [event["idempotency_key"] for _, event in identify(rows, ordinals, timezone=None)]
            )

    assert found[0] == found[1]
    assert len(found[0]) == 1


@pytest.mark.parametrize("line", ['{"quantity": NaN}', '{"a": "\\ud800"}', "[" * 100_000])
def test_what_json_cannot_say_is_a_problem_of_its_row(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(f"{line}\n{json.dumps(DATED)}\n")

    rows = list(open_events(path, lambda _: None).rows())

    assert [row.problem.code if row.problem else None for row in rows] == ["unreadable", None]


def test_ordinals_stay_right_beyond_what_is_kept_in_memory() -> None:
    with open_ordinals() as ordinals:
        for turn in (1, 2):
            counted = {ordinals.next(number.to_bytes(16, "big")) for number in range(50_000)}
            assert counted == {turn}
