"""A change of the plan that restarts the cycle is refused where it means nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import V1, sell


@pytest.mark.parametrize(
    ("begun", "when", "code"),
    [
        ({}, "period_end", "anchor_at_period_end"),
        ({"billing_anchor": "calendar"}, "now", "calendar_anchor"),
    ],
)
def test_a_restart_that_means_nothing_is_refused(
    owner: Person, begun: dict[str, Any], when: str, code: str
) -> None:
    sold = sell(owner)
    subscription = sold.subscribe(**begun)

    answer = owner.post(
        f"{V1}/subscriptions/{subscription['id']}/change-plan",
        json={"plan_id": sold.plan["id"], "when": when, "anchor": "now"},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["field"] == "anchor"
