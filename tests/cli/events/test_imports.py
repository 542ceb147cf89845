"""``fluxrate events import``, run as an operator runs it."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.embedded.processes import wait_until
from tests.cli.events.import_runs import figures, rows, run_import, used, write_lines
from tests.cli.running import clean_environment
from tests.scenarios.account import Account
from tests.scenarios.product import Product


@pytest.fixture
def account(product: Product) -> Iterator[Account]:
    """An organization with a meter and three customers."""
    signed_up = Account(product.url).sign_up()
    signed_up.create_meter("api_calls")
    for number in range(3):
        name = f"acct_{number}"
        signed_up.post("/customers", {"name": name, "external_id": name, "email": "a@b.test"})
    yield signed_up
    signed_up.client.close()


@pytest.fixture
def key(account: Account) -> str:
    body = {"name": "Import", "scopes": ["usage.write", "usage.read"]}
    return str(account.post("/api-keys", body)["key"])


def test_a_packed_table_is_imported_once_however_often_it_is_sent(
    product: Product, account: Account, key: str, tmp_path: Path
) -> None:
    path = tmp_path / "events.csv.gz"
    with gzip.open(path, "wt", newline="") as file:
        columns = [*rows(1)[0], "properties.region", "idempotency_key"]
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for number, row in enumerate(rows(300)):
            extra = {"properties.region": "eu", "idempotency_key": f"k{number}" if number else ""}
            writer.writerow(row | extra)

    first = run_import(product, key, path)
    again = run_import(product, key, path)

    assert first.returncode == 0, first.stderr
    assert "300 accepted, 0 known already, 0 rejected" in first.stdout
    assert "0 accepted, 300 known already, 0 rejected" in again.stdout
    assert (used(account)["event_count"], used(account)["total_usage"]) == (300, 150)
    assert account.get("/usage", params={"page_size": 1})["data"][0]["meta_data"] == {
        "region": "eu"
    }
    assert [one.name for one in tmp_path.iterdir()] == ["events.csv.gz"]


def test_rejected_rows_are_kept_with_their_reasons(
    product: Product, account: Account, key: str, tmp_path: Path
) -> None:
    events = rows(5)
    events[1]["quantity"] = -1
    events[3]["meter_name"] = "nobody"
    path = write_lines(tmp_path / "events.ndjson", [*events, ["no event"]])
    with path.open("a") as file:
        file.write("{broken\n\n")

    result = run_import(product, key, path)

    assert result.returncode == 1
    assert "3 accepted, 0 known already, 4 rejected" in result.stdout, result.stderr
    rejected = tmp_path / "events.ndjson.rejected.ndjson"
    kept = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert [(one["rejected"]["row"], one["rejected"]["code"]) for one in kept] == [
        (2, "quantity_out_of_range"),
        (4, "meter_not_found"),
        (6, "unreadable"),
        (7, "unreadable"),
    ]
    assert {name: kept[0][name] for name in events[1]} == events[1]
    assert [one["rejected"].get("text") for one in kept] == [None, None, '["no event"]', "{broken"]
    assert "1 meter_not_found. Create the meters first" in result.stdout
    assert used(account)["event_count"] == 3


def test_rejected_rows_are_imported_once_they_are_mended(
    product: Product, account: Account, key: str, tmp_path: Path
) -> None:
    events = rows(5)
    events[1]["quantity"] = -1
    path = write_lines(tmp_path / "events.ndjson", events)
    with path.open("a") as file:
        file.write("{broken\n")
    run_import(product, key, path)
    rejected = tmp_path / "events.ndjson.rejected.ndjson"
    unmended = run_import(product, key, rejected)

    rejected.write_text(rejected.read_text().replace('"quantity":-1', '"quantity":"0.5"'))
    mended = run_import(product, key, rejected)
    events[1]["quantity"] = "0.5"
    corrected = run_import(product, key, write_lines(path, events))

    assert figures(unmended) == (0, 0, 2)
    assert figures(mended) == (1, 0, 1)
    assert figures(corrected) == (0, 5, 0)
    assert (used(account)["event_count"], used(account)["total_usage"]) == (5, 2.5)


def test_equal_rows_that_were_rejected_keep_their_places_among_equal_rows(
    product: Product, account: Account, key: str, tmp_path: Path
) -> None:
    lines = "".join(f"api_calls,acct_{n},1,2026-01-01T00:00:00Z\n" for n in (0, 0, 9, 9))
    path = tmp_path / "events.csv"
    path.write_text(f"meter_name,customer_external_id,quantity,timestamp\n{lines}")
    first = run_import(product, key, path)
    rejected = tmp_path / "events.csv.rejected.csv"
    table = list(csv.DictReader(rejected.read_text().splitlines()))

    account.post("/customers", {"name": "Nine", "external_id": "acct_9", "email": "a@b.test"})
    rejected.write_text("".join(line for n, line in enumerate(rejected.open()) if n != 1))
    one = run_import(product, key, rejected)
    all_of_them = run_import(product, key, path)

    assert [(row["rejected.row"], row["rejected.code"]) for row in table] == [
        ("4", "customer_not_found"),
        ("5", "customer_not_found"),
    ]
    assert (figures(first), figures(one)) == ((2, 0, 2), (1, 0, 0))
    assert figures(all_of_them) == (1, 3, 0)
    assert used(account)["event_count"] == 4


def test_one_bad_row_mended_in_place_is_the_only_new_one(
    product: Product, account: Account, key: str, tmp_path: Path
) -> None:
    header = "meter_name,customer_external_id,quantity,timestamp\n"
    lines = [f"api_calls,acct_0,2,2026-01-0{day}T00:00:00Z\n" for day in (1, 1, 2, 3)]
    path = tmp_path / "events.csv"
    path.write_text(header + "".join(lines[:2]) + lines[2].replace(",2,", ",two,") + lines[3])
    first = run_import(product, key, path)

    path.write_text(header + "".join(lines))
    mended = run_import(product, key, path)
    path.write_text(header + "".join(reversed(lines)) + lines[0])
    longer = run_import(product, key, path)

    assert (figures(first), figures(mended)) == ((3, 0, 1), (1, 3, 0))
    assert figures(longer) == (1, 4, 0)
    assert (used(account)["event_count"], used(account)["total_usage"]) == (5, 10)
    assert [one.name for one in tmp_path.iterdir()] == ["events.csv"]


def test_unknown_customers_are_refused_unless_they_are_to_be_created(
    product: Product, account: Account, key: str, tmp_path: Path
) -> None:
    events = rows(4)
    events[3]["customer_external_id"] = "acct_typo"
    path = write_lines(tmp_path / "events.ndjson", events)

    refused = run_import(product, key, path)
    created = run_import(product, key, path, "--create-customers")

    assert (figures(refused), figures(created)) == ((3, 0, 1), (1, 3, 0))
    assert "let --create-customers create them" in refused.stdout
    customers = account.get("/customers")["data"]
    assert [one["external_id"] for one in customers if one["auto_created"]] == ["acct_typo"]


def test_timestamps_without_a_zone_are_refused_until_one_is_named(
    product: Product, account: Account, key: str, tmp_path: Path
) -> None:
    # The clocks of Berlin skip 02:30 on 30 March 2025 and show it twice on 26 October.
    times = ("2025-03-30T02:30:00", "2025-10-26T02:30:00", "2025-07-01 12:00", "2025-07-01")
    events = [row | {"timestamp": time} for row, time in zip(rows(4), times, strict=True)]
    path = write_lines(tmp_path / "events.ndjson", events)

    refused = run_import(product, key, path)
    rejected = tmp_path / "events.ndjson.rejected.ndjson"
    placed = run_import(product, key, rejected, "--timezone", "Europe/Berlin")
    again = run_import(product, key, path, "--timezone", "Europe/Berlin")
    unknown = run_import(product, key, path, "--timezone", "Berlin")

    assert (figures(refused), figures(placed), figures(again)) == ((0, 0, 4), (4, 0, 0), (0, 4, 0))
    assert "4 timestamp_without_zone. Name their zone with --timezone" in refused.stdout
    assert [one["timestamp"] for one in account.get("/usage")["data"]] == [
        "2025-10-26T00:30:00Z",
        "2025-07-01T10:00:00Z",
        "2025-06-30T22:00:00Z",
        "2025-03-30T01:30:00Z",
    ]
    assert unknown.returncode == 1
    assert "'Berlin' is not an IANA time zone. Name one such as Europe/Berlin" in unknown.stderr


def test_rows_without_a_timestamp_count_once_and_that_is_said(
    product: Product, account: Account, key: str, tmp_path: Path
) -> None:
    events = [{name: row[name] for name in row if name != "timestamp"} for row in rows(3)]
    path = write_lines(tmp_path / "events.ndjson", events)
    run_import(product, key, path)

    again = run_import(product, key, path)

    assert figures(again) == (0, 3, 0)
    assert "3 rows have neither a timestamp nor an idempotency_key" in again.stdout


def test_an_interrupted_import_goes_on_and_doubles_nothing(
    product: Product, account: Account, key: str, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "events.ndjson", rows(30_000))
    progress = tmp_path / "events.ndjson.progress"
    words = ["events", "import", str(path), "--api-url", product.url, "--api-key", key]
    killed = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *words],
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
    )
    wait_until(progress.exists, timeout_seconds=60, pause_seconds=0.002)
    killed.kill()
    killed.wait()
    reached = json.loads(progress.read_text())["last_row"]

    result = run_import(product, key, path)

    assert result.returncode == 0, result.stderr
    assert f"Going on after row {reached:,}" in result.stdout
    assert used(account)["event_count"] == 30_000
    assert not progress.exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("events.csv", "meter_name,price\n", "Unknown column 'price'"),
        ("events.csv", "meter_name,meter_name\n", "names the column 'meter_name' twice"),
        ("events.ndjson.gz", "\x1f\x8bbroken", "cannot be read"),
    ],
)
def test_a_file_that_is_no_list_of_events_is_refused(
    product: Product, key: str, tmp_path: Path, name: str, content: str, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode("latin-1"))

    result = run_import(product, key, path)

    assert result.returncode == 1
    assert reason in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_file_and_a_bad_key_are_answered_with_a_sentence(
    product: Product, tmp_path: Path
) -> None:
    missing = run_import(product, "sk_live_x", tmp_path / "nothing.csv")
    refused = run_import(product, "sk_live_x", write_lines(tmp_path / "e.ndjson", rows(1)))

    assert (missing.returncode, refused.returncode) == (1, 1)
    assert "No such file" in missing.stderr
    assert "The API refuses the import: 401" in refused.stderr
    assert "Name a key of this installation with --api-key" in refused.stderr
