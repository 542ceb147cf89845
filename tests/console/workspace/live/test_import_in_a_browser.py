"""Events out of a file: how far it is, and which lines were refused. Skipped without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.console.browser import why_none

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

PATIENCE_MILLISECONDS: Final = 180_000
LINES: Final = 1_200
"""More than a part holds."""
HOLD: Final = "**/api/v1/usage/batch*"


def line(number: int, **more: object) -> str:
    event = {"meter_name": "api_calls", "customer_external_id": "acct_77", "quantity": 1}
    key = {"idempotency_key": f"file-{number}", "timestamp": "2026-03-02T07:00:00Z"}
    return json.dumps(event | key | more)


def choose(page: Any, lines: list[str]) -> None:
    """The file of these lines is imported."""
    page.goto("/console/events")
    page.get_by_role("link", name="Import a file").click()
    content = "\n".join(lines).encode()
    chosen = {"name": "march.ndjson", "mimeType": "application/x-ndjson", "buffer": content}
    page.get_by_label("File", exact=True).set_input_files(chosen)
    page.get_by_role("button", name="Import").click()


def test_file_is_sent_in_parts_and_sent_again_counts_once(sign_in: Callable[..., Any]) -> None:
    page = sign_in()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    lines = [line(number) for number in range(LINES)]
    lines[3:3] = ["", "no event"]
    lines.append(line(0, idempotency_key="last", quantity="many"))
    parts: list[str] = []
    page.on("request", lambda one: parts.append(one.url) if "/usage/batch" in one.url else None)

    choose(page, lines)

    told = page.get_by_role("status")
    told.filter(has_text="1,200 taken, 0 there before, 2 refused. All lines were sent.").wait_for()
    assert len(parts) == 2
    refused = page.locator("#refused tbody tr").all_inner_texts()
    assert [one.split("\t")[0] for one in refused] == ["5", f"{LINES + 3:,}"]
    bar = page.get_by_role("progressbar")
    assert bar.evaluate("one => one.value === one.max")

    choose(page, lines)
    told.filter(has_text="0 taken, 1,200 there before, 2 refused.").wait_for()


def test_import_is_stopped_and_says_what_stays(sign_in: Callable[..., Any]) -> None:
    page = sign_in()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.route(HOLD, lambda _route: None)

    choose(page, [line(number, idempotency_key=f"never-{number}") for number in range(3)])
    page.get_by_role("button", name="Stop").click()

    page.get_by_role("status").filter(has_text="Stopped; what was taken stays.").wait_for()
    assert page.get_by_role("button", name="Import").is_enabled()
