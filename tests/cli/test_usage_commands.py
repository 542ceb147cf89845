"""``fluxrate usage`` and ``fluxrate events``, run as an operator runs them."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runtime.processes import wait_until
from tests.cli.running import clean_environment, fluxrate
from tests.scenarios.account import Account
from tests.scenarios.product import Product, settings_for

NO_TEMPORAL = "127.0.0.1:1"


@pytest.fixture(scope="module")
def product(module_database_url: str) -> Iterator[Product]:
    """An API without a worker: events need neither a worker nor Temporal."""
    running = Product(settings_for(module_database_url, NO_TEMPORAL), with_worker=False).start()
    yield running
    running.stop()


@pytest.fixture
def account(product: Product) -> Iterator[Account]:
    """An organization with a meter."""
    signed_up = Account(product.url).sign_up()
    signed_up.create_meter("api_calls")
    yield signed_up
    signed_up.client.close()


@pytest.fixture
def key(account: Account) -> str:
    body = {"name": "Import", "scopes": ["usage.write", "usage.read"]}
    return str(account.post("/api-keys", body)["key"])


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "meter_name": "api_calls",
            "customer_external_id": f"acct_{number % 3}",
            "quantity": "0.5",
            "timestamp": f"2026-01-{number % 28 + 1:02}T00:00:00Z",
        }
        for number in range(count)
    ]


def write_lines(path: Path, events: list[Any]) -> Path:
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return path


def run_import(product: Product, key: str, path: Path) -> subprocess.CompletedProcess[str]:
    return fluxrate("events", "import", str(path), "--api-url", product.url, FLUXRATE_API_KEY=key)


def used(account: Account) -> Any:
    meter = account.get("/meters")["data"][0]["id"]
    query = {"start_date": "2026-01-01", "end_date": "2026-01-31"}
    return account.get(f"/meters/{meter}/usage", params=query)


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
    kept = [
        json.loads(line)
        for line in (tmp_path / "events.ndjson.rejected.ndjson").read_text().splitlines()
    ]
    assert sorted((one["row"], one["error"]["code"]) for one in kept) == [
        (2, "quantity_out_of_range"),
        (4, "meter_not_found"),
        (6, "unreadable"),
        (7, "unreadable"),
    ]
    assert used(account)["event_count"] == 3


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


def test_verify_finds_what_rebuild_corrects(account: Account, module_database_url: str) -> None:
    account.post("/usage/batch", rows(50))
    organization = account.organization["id"]
    words = ("--organization", organization)
    database = {"DATABASE_URL": module_database_url}

    equal = fluxrate("usage", "verify", *words, **database)
    assert equal.returncode == 0, equal.stderr
    assert "of 50 events are equal to the last digit" in equal.stdout

    with psycopg.connect(module_database_url) as connection:
        spoiled = connection.execute(
            "UPDATE usage_rollup SET total = total + 0.00000001 WHERE organization_id = %s"
            " AND hour = '2026-01-01T00:00:00Z'",
            [organization],
        )
        assert spoiled.rowcount > 0
    differing = fluxrate("usage", "verify", *words, **database)
    assert differing.returncode == 1
    assert "2026-01-01T00:00:00+00:00" in differing.stdout
    assert "fluxrate usage rebuild" in differing.stdout

    rebuilt = fluxrate("usage", "rebuild", *words, **database)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "roll-ups written" in rebuilt.stdout
    assert fluxrate("usage", "verify", **database).returncode == 0


def test_an_unknown_organization_is_refused(module_database_url: str) -> None:
    unknown = "00000000-0000-0000-0000-000000000000"

    result = fluxrate(
        "usage", "verify", "--organization", unknown, DATABASE_URL=module_database_url
    )

    assert result.returncode == 1
    assert f"There is no organization {unknown}" in result.stderr


def test_without_a_database_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    result = fluxrate("usage", "verify", "--data-dir", str(tmp_path))

    assert result.returncode == 1
    assert "fluxrate up" in result.stderr
