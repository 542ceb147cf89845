"""What comes by itself, in a browser: events, a file's progress, a clock's arrival.

Skipped where there is no browser.
These tests change the house that they look at, so it is their own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from anyio.from_thread import BlockingPortal

from console.workspace.live import progress
from console.workspace.metering import importing
from repositories.transactions import Transactions
from runtime.security import Security
from tests.console.browser import why_none
from tests.console.workspace.conftest import House, furnished_house

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

PATIENCE_MILLISECONDS: Final = 180_000
SEND: Final = """async (rows) => {
    const meter = {meter_name: "api_calls", customer_external_id: "acct_77"};
    const answers = [];
    for (const row of rows) {
        const answer = await fetch("/api/v1/usage", {
            method: "POST", headers: {"Content-Type": "application/json"},
            body: JSON.stringify({...meter, ...row}),
        });
        answers.push(answer.status);
    }
    return answers;
}"""
LINES: Final = 1_200
"""More than a part holds."""
RENAME: Final = """async (subscription) => {
    const path = "/api/v1/customers/";
    const { customer_id } = await (await fetch(`/api/v1/subscriptions/${subscription}`)).json();
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ name: "Ashore" });
    return (await fetch(path + customer_id, { method: "PATCH", headers, body })).status;
}"""
"""Nothing else changes while a clock is on its way."""


@pytest.fixture(scope="module")
def house(
    transactions: Transactions, security: Security, one_event_loop: BlockingPortal
) -> Iterator[House]:
    with furnished_house(transactions, security, one_event_loop) as shown:
        yield shown


def test_reports_appear_as_they_are_taken_and_are_held_with_the_keyboard(
    sign_in: Callable[..., Any],
) -> None:
    page = sign_in()
    page.goto("/console/events")
    told = page.locator("#told tr")
    page.wait_for_timeout(500)

    row = {"quantity": 7, "idempotency_key": "live-1"}
    statuses = page.evaluate(SEND, [row, row])
    told.filter(has_text="Duplicate").wait_for()

    assert statuses == [201, 200]
    assert told.filter(has_text="live-1").count() == 2
    assert told.filter(has_text="Counted").count() == 1
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    page.evaluate(SEND, [{"quantity": 8, "idempotency_key": "live-2"}])
    page.wait_for_timeout(1_500)
    assert told.count() == 2


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


def test_file_is_told_of_as_it_is_taken_and_sent_again_counts_once(
    sign_in: Callable[..., Any],
) -> None:
    page = sign_in()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    lines = [line(number) for number in range(LINES)]
    lines[3:3] = ["", "no event"]
    lines.append(line(0, idempotency_key="last", quantity="many"))
    kinds: list[str] = []
    page.on("response", lambda one: kinds.append(one.headers.get("content-type", "")))

    choose(page, lines)

    told = page.get_by_role("status")
    told.filter(has_text="1,200 taken, 0 there before, 2 refused. All lines were sent.").wait_for()
    assert any(one.startswith("text/event-stream") for one in kinds)
    refused = page.locator("#refused tbody tr").all_inner_texts()
    assert [one.split("\t")[0] for one in refused] == ["5", f"{LINES + 3:,}"]
    bar = page.get_by_role("progressbar")
    assert bar.evaluate("one => one.value === one.max")
    page.get_by_role("button", name="Stop").wait_for(state="hidden")

    choose(page, lines)
    told.filter(has_text="0 taken, 1,200 there before, 2 refused.").wait_for()


def test_import_is_stopped_and_says_what_stays(
    sign_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hold(*_given: object) -> None:
        await asyncio.sleep(PATIENCE_MILLISECONDS / 1000)

    monkeypatch.setattr(importing, "_send", hold)
    page = sign_in()
    page.set_default_timeout(PATIENCE_MILLISECONDS)

    choose(page, [line(number, idempotency_key=f"never-{number}") for number in range(3)])
    page.get_by_role("button", name="Stop").click()

    page.get_by_role("status").filter(has_text="Stopped; what was taken stays.").wait_for()
    assert page.get_by_role("button", name="Import").is_enabled()


def test_page_of_a_clock_shows_what_came_of_it_without_being_asked(
    sign_in: Callable[..., Any],
    house: tuple[str, str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.1)
    monkeypatch.setattr(progress, "MOST_TIMES", 1_000_000)
    page = sign_in()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.goto(house[2]["test-clock"])
    page.get_by_label("To", exact=True).fill("2026-02-10T00:00:00Z")
    page.get_by_role("button", name="Advance").click()
    page.get_by_role("status").filter(has_text="Advancing").wait_for()
    effects = page.get_by_role("region", name="What happened to these")
    effects.wait_for()
    there = page.url
    subscription = page.locator("#came th a").first.get_attribute("href").rpartition("/")[2]
    assert page.evaluate(RENAME, subscription) == 200
    assert page.get_by_text("Ashore").count() == 0

    # No worker runs here, so the clock arrives by being said to.
    monkeypatch.setattr(progress, "READY", "advancing")

    effects.get_by_text("Ashore").first.wait_for()
    page.get_by_role("region", name="Subscriptions").get_by_text("Ashore").wait_for()
    assert page.url == there
