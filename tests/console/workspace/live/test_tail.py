"""The live tail of events: each report with what became of it, and by which it can be held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.console.browser import why_none

MISSING: Final = why_none()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

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
