"""Files of events, and what an import says of them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.cli.running import fluxrate
from tests.scenarios.account import Account
from tests.scenarios.product import Product


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


def run_import(
    product: Product, key: str, path: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    words = ("events", "import", str(path), "--api-url", product.url, *options)
    return fluxrate(*words, FLUXRATE_API_KEY=key)


def figures(result: subprocess.CompletedProcess[str]) -> tuple[int, int, int]:
    """How many rows were accepted, known already, and rejected."""
    told = re.search(r"([\d,]+) accepted, ([\d,]+) known already, ([\d,]+) rej", result.stdout)
    assert told is not None, result.stderr
    accepted, known, rejected = (int(one.replace(",", "")) for one in told.groups())
    return accepted, known, rejected


def used(account: Account) -> Any:
    meter = account.get("/meters")["data"][0]["id"]
    query = {"start_date": "2026-01-01", "end_date": "2026-01-31"}
    return account.get(f"/meters/{meter}/usage", params=query)
