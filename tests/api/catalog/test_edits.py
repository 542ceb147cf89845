"""When edits of a plan take effect, as the API tells it (CONTRACT 95)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import V1, Sold, post, sell

APRIL, MARCH, TODAY = "2026-04-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-02T08:00:00Z"


def reach_of(answer: Any) -> tuple[str, int]:
    """What the answer of an edit says of its reach."""
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["effective_from"], answer.json()["subscriptions"]


def edit_everything(sold: Sold, **options: Any) -> list[tuple[str, int]]:
    """What each kind of edit reaches."""
    owner, plan = sold.owner, f"{V1}/plans/{sold.plan['id']}"
    granted = owner.get(plan).json()["features"][0]
    fee = {"type": "FIXED", "unit_price": 99, **options}
    charge = owner.post(f"{plan}/charges", json=fee)
    by_meter = {"type": "USAGE", "meter_id": sold.feature["meter_id"], "unit_price": 1}
    inactive = {"status": "INACTIVE", **options}
    meter = f"{V1}/meters/{sold.feature['meter_id']}"
    return [
        reach_of(one)
        for one in (
            charge,
            owner.post(f"{plan}/charges", json=by_meter | options),
            owner.patch(f"{plan}/charges/{charge.json()['id']}", json=inactive),
            owner.patch(f"{plan}/features/{granted['id']}", json={"usage_limit": 7, **options}),
            owner.patch(
                meter,
                json={"usage_pricing_rules": {"model": "per_unit", "unit_price": 2}, **options},
            ),
        )
    ]


@pytest.mark.parametrize(
    ("options", "begin"),
    [({}, APRIL), ({"effective": "NEXT_period"}, APRIL), ({"effective": "running_period"}, MARCH)],
)
def test_every_edit_says_from_when_it_counts_and_for_how_many(
    owner: Person, options: dict[str, Any], begin: str
) -> None:
    sold = sell(owner)
    sold.subscribe()

    assert edit_everything(sold, **options) == [(begin, 1)] * 5


def test_name_acts_at_once(owner: Person) -> None:
    sold = sell(owner)
    subscription = sold.subscribe()

    renamed = owner.patch(f"{V1}/plans/{sold.plan['id']}", json={"name": "Studio"})

    shown = owner.get(f"{V1}/subscriptions/{subscription['id']}").json()
    assert reach_of(renamed) == (TODAY, 1)
    assert (shown["plan_name"], shown["plan"]["name"]) == ("Studio", "Studio")


def test_subscription_answers_the_version_of_its_running_period(owner: Person) -> None:
    sold = sell(owner)
    subscription = sold.subscribe()
    path = f"/plans/{sold.plan['id']}/charges"

    post(owner, path, {"type": "FIXED", "unit_price": 99})

    shown = owner.get(f"{V1}/subscriptions/{subscription['id']}").json()
    (listed,) = owner.get(f"{V1}/subscriptions").json()["data"]
    assert subscription["version"] == shown["version"] == listed["version"] == 2
    assert (shown["plan"]["version"], shown["plan_version"]) == (2, 3)


def test_removed_limit_is_still_kept_by_the_running_period(owner: Person) -> None:
    sold = sell(owner, usage_limit=10, reject_over_limit=True)
    sold.subscribe()
    plan = f"{V1}/plans/{sold.plan['id']}"
    granted = owner.get(plan).json()["features"][0]

    assert owner.delete(f"{plan}/features/{granted['id']}").status_code == 204
    refused = sold.use(11)

    assert sold.check()["limit"] == 10
    assert (refused.status_code, refused.json()["code"]) == (409, "limit_exceeded")


def test_limit_is_removed_from_the_running_period_if_asked(owner: Person) -> None:
    sold = sell(owner, usage_limit=10, reject_over_limit=True)
    sold.subscribe()
    plan = f"{V1}/plans/{sold.plan['id']}"
    granted = owner.get(plan).json()["features"][0]

    owner.delete(f"{plan}/features/{granted['id']}?effective=running_period")
    sold.used(11)

    assert sold.check()["reason"] == "not_on_plan"


@pytest.mark.parametrize("effective", ["now", 1, True, ""])
def test_other_words_are_refused(owner: Person, effective: Any) -> None:
    sold = sell(owner)

    answer = owner.post(
        f"{V1}/plans/{sold.plan['id']}/charges",
        json={"type": "FIXED", "unit_price": 1, "effective": effective},
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "effective"


def test_organization_sets_what_edits_reach(owner: Person) -> None:
    sold = sell(owner)
    sold.subscribe()

    changed = owner.patch(f"{V1}/organization", json={"plan_edits": "running_period"})

    assert changed.json()["plan_edits"] == "running_period"
    assert edit_everything(sold) == [(MARCH, 1)] * 5
