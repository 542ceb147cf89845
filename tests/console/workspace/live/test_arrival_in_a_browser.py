"""What came of a clock stands on its page as the clock has arrived. Skipped without a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from console.workspace.live import progress
from tests.console.browser import why_none

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

PATIENCE_MILLISECONDS: Final = 180_000
RENAME: Final = """async (subscription) => {
    const path = "/api/v1/customers/";
    const { customer_id } = await (await fetch(`/api/v1/subscriptions/${subscription}`)).json();
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ name: "Ashore" });
    return (await fetch(path + customer_id, { method: "PATCH", headers, body })).status;
}"""
"""Nothing else changes while a clock is on its way."""


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
