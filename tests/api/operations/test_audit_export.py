"""The audit log is exported, and anybody verifies it: by the API, and without it by a script."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.api.people import Clock, Person

V1 = "/api/v1"
SCRIPT = Path(__file__).parents[3] / "docs" / "verify" / "audit.py"


@pytest.fixture
def changed(owner: Person, clock: Clock) -> Person:
    """An organization with five changes, one of which came with a request id like a formula."""
    for number in range(4):
        clock.advance(seconds=1)
        owner.patch(f"{V1}/organization", json={"payment_terms_days": number})
    clock.advance(seconds=1)
    meter = {"name": "=1+1", "meter_name": "calls", "aggregation_type": "SUM"}
    owner.post(f"{V1}/meters", json=meter, headers={"X-Request-ID": "-1-1-1-1-1"})
    return owner


def exported(owner: Person, **query: Any) -> list[dict[str, Any]]:
    """The entries of an export."""
    text = owner.get(f"{V1}/exports/audit", params=query).text
    return [json.loads(line) for line in text.splitlines()]


def run(file: Path, entries: list[dict[str, Any]], *words: str) -> tuple[int, str]:
    """What the script says of a file with these entries."""
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in entries]
    file.write_text("".join(lines), encoding="utf-8")
    command = [sys.executable, "-S", str(SCRIPT), str(file), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_chain_holds_and_says_where_it_ends(changed: Person) -> None:
    found = changed.get(f"{V1}/audit/chain").json()

    assert found["holds"] is True
    assert found["first_broken"] is None
    assert found["checked"] == found["head"]["position"] == 6
    assert found["checked_through"] == found["head"]
    assert (found["next_after"], found["linked_before"]) == (None, 0)


def test_list_shows_the_place_of_each_entry(changed: Person) -> None:
    head = changed.get(f"{V1}/audit/chain").json()["head"]

    newest, before, *_ = changed.get(f"{V1}/audit").json()["data"]

    assert (newest["position"], newest["digest"]) == (head["position"], head["digest"])
    assert newest["previous_digest"] == before["digest"]


def test_head_that_was_kept_is_compared(changed: Person) -> None:
    kept = changed.get(f"{V1}/audit/chain").json()["head"]
    right = f"{kept['position']}:{kept['digest']}"
    changed.patch(f"{V1}/organization", json={"payment_terms_days": 40})

    assert changed.get(f"{V1}/audit/chain", params={"head": right}).json()["holds"] is True
    for head, fault, position in (
        (f"3:{kept['digest']}", "head_differs", 3),
        (f"100:{kept['digest']}", "tail_cut", 8),
    ):
        found = changed.get(f"{V1}/audit/chain", params={"head": head}).json()
        assert found["holds"] is False
        assert found["first_broken"]["fault"] == fault
        assert found["first_broken"]["position"] == position


def test_chain_is_looked_at_from_any_place(changed: Person) -> None:
    found = changed.get(f"{V1}/audit/chain", params={"after": 4}).json()

    assert (found["holds"], found["checked"]) == (True, 2)
    assert changed.get(f"{V1}/audit/chain", params={"after": 99}).json()["holds"] is False


@pytest.mark.parametrize("query", [{"after": -1}, {"after": "x"}, {"head": "5"}, {"head": "x:y"}])
def test_places_that_are_none_are_refused(owner: Person, query: dict[str, str]) -> None:
    assert owner.get(f"{V1}/audit/chain", params=query).status_code == 422


def test_export_has_every_entry_in_order_and_the_script_comes_to_the_head(
    changed: Person, tmp_path: Path
) -> None:
    head = changed.get(f"{V1}/audit/chain").json()["head"]
    entries = exported(changed)

    code, said = run(tmp_path / "audit.ndjson", entries)

    assert [one["position"] for one in entries] == [1, 2, 3, 4, 5, 6]
    assert (code, said) == (
        0,
        f"6 entries hold; the head is {head['position']}:{head['digest']}\n",
    )


def without(entries: list[dict[str, Any]], position: int) -> list[dict[str, Any]]:
    return [one for one in entries if one["position"] != position]


@pytest.mark.parametrize(
    ("name", "position", "says"),
    [
        ("actor", 4, "position 4, entry"),
        ("digest", 4, "position 4, entry"),
        ("previous_digest", 4, "position 4, entry"),
        ("gone", 4, "position 4: is gone"),
        ("first", 1, "position 1: is gone"),
        ("moved", 4, "position 4, entry"),
    ],
)
def test_script_names_the_first_broken_link(
    changed: Person, tmp_path: Path, name: str, position: int, says: str
) -> None:
    entries = exported(changed)
    entry = entries[position - 1]
    match name:
        case "gone" | "first":
            entries = without(entries, position)
        case "moved":
            entries.insert(0, entries.pop(position - 1))
            says = "position 1: is gone"
        case _:
            entry[name] = "0" * 64

    code, said = run(tmp_path / "audit.ndjson", entries)

    assert code == 1
    assert said.startswith(says)


def test_script_misses_a_tail_that_was_cut_only_without_the_head(
    changed: Person, tmp_path: Path
) -> None:
    entries = exported(changed)
    head = f"6:{entries[-1]['digest']}"
    file = tmp_path / "audit.ndjson"

    assert run(file, entries, "--head", head)[0] == 0
    assert run(file, entries[:-1])[0] == 0
    code, said = run(file, entries[:-1], "--head", head)
    assert (code, said) == (1, "position 6: is gone; the head that was kept is at 6\n")
    assert run(file, entries, "--head", f"6:{'0' * 64}")[0] == 1


def test_file_of_something_else_cannot_be_used(tmp_path: Path) -> None:
    assert run(tmp_path / "audit.ndjson", [{"position": "x"}])[0] == 2
    assert run(tmp_path / "audit.ndjson", [{"digest": "x"}])[0] == 2


def test_filtered_export_is_checked_as_a_part(changed: Person, tmp_path: Path) -> None:
    entries = exported(changed, action="organization.updated")
    file = tmp_path / "audit.ndjson"

    assert [one["position"] for one in entries] == [2, 3, 4, 5]
    assert run(file, without(entries, 3))[0] == 1
    assert run(file, without(entries, 3), "--part")[0] == 0
    entries[-1]["actor"] = "somebody"
    assert run(file, without(entries, 3), "--part")[0] == 1


def test_table_has_no_cell_that_a_spreadsheet_computes(changed: Person) -> None:
    answer = changed.get(f"{V1}/exports/audit", params={"format": "csv"})

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert [row["position"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert rows[-1]["request_id"] == "'-1-1-1-1-1"
    assert json.loads(rows[1]["after"]) == {"payment_terms_days": 0}
    assert not [cell for row in rows for cell in row.values() if cell[:1] in set("=+-@\t\r")]


def test_list_shows_what_is_asked_for(changed: Person, clock: Clock) -> None:
    everything = changed.get(f"{V1}/audit").json()["data"]
    meter = everything[0]

    def found(**query: str) -> list[int]:
        answer = changed.get(f"{V1}/audit", params=query).json()
        assert answer["meta"]["total"] == len(answer["data"])
        return [one["position"] for one in answer["data"]]

    assert found(object=meter["object_id"]) == found(object_type="meter") == [6]
    assert found(action="organization.updated") == [5, 4, 3, 2]
    assert found(actor=everything[1]["actor"], since=everything[1]["at"]) == [6, 5]
    assert found(until=everything[1]["at"]) == [4, 3, 2, 1]
    assert found(actor="nobody") == []
