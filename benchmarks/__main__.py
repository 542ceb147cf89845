"""Run the benchmarks, print them beside their limits and write ``benchmarks/results.json``.

A benchmark is a module with ``measure() -> list[Result]``. Name some to run only those:
``python -m benchmarks rating closing``.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import re
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

from runtime.exit import leave

MODULES = (
    "rating",
    "drawing",
    "ingestion",
    "entitlements",
    "holds",
    "credit_closes",
    "reads",
    "closing",
    "killed_wave",
    "busy_wave",
    "open_workflows",
    "fairness",
    "idle",
)
RESULTS = Path(__file__).parent / "results.json"

WORDS: dict[bool | None, str] = {True: "yes", False: "no", None: "-"}

Result = dict[str, Any]
"""``{"id","name","value","unit","limit","ratio","goal","met"}``; its limit is measured beside."""


def main() -> None:
    """Measure what the arguments name, or everything."""
    signal.signal(signal.SIGTERM, _end)
    names = sys.argv[1:] or MODULES
    results: list[Result] = []
    for name in names:
        started = time.monotonic()
        results.extend(importlib.import_module(f"benchmarks.{name}").measure())
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    write(results)
    show(results)
    leave(0)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """What was begun is ended first: servers and processes lead sessions of their own."""
    raise SystemExit(128 + number)


def write(results: list[Result]) -> None:
    """Keep the results, with those of benchmarks that did not run this time, and the machine."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    fresh = {one["id"] for one in results}
    merged = [one for one in kept if one["id"] not in fresh] + results
    merged.sort(key=lambda one: _place(str(one["id"])))
    RESULTS.write_text(json.dumps(merged, indent=2, default=str) + "\n")


def _place(identifier: str) -> tuple[int, str]:
    digits = re.findall(r"\d+", identifier)
    return int(digits[0]), identifier


def show(results: list[Result]) -> None:
    """Print the results as a table."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    table = Table(title=f"Benchmarks on {machine}")
    for column in ("id", "what", "value", "limit", "ratio", "goal", "met"):
        table.add_column(column, justify="left" if column in {"id", "what", "goal"} else "right")
    for one in results:
        met = WORDS[one.get("met")]
        value = f"{_short(one['value'])} {one['unit']}"
        limit, ratio = _short(one.get("limit")), _short(one.get("ratio"))
        table.add_row(one["id"], one["name"], value, limit, ratio, str(one.get("goal", "")), met)
    Console().print(table)


def _short(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, (int, float)):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


if __name__ == "__main__":
    main()
