"""How far a clock has come: told until it is ready, and no longer than somebody may wait."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from console.workspace.live import progress
from tests.api.people import Person
from tests.api.sold import V1, post
from tests.console.billed import meter_and_sell, words_of


def clock_of(owner: Person) -> str:
    return str(
        post(owner, "/test-clocks", {"name": "January", "frozen_time": "2026-01-01T00:00:00Z"})[
            "id"
        ]
    )


def test_clock_that_is_ready_is_told_of_once(owner: Person) -> None:
    told = owner.get(f"/console/test-clocks/{clock_of(owner)}/progress")

    assert told.headers["content-type"].startswith("text/event-stream")
    assert words_of(told.text).count("Ready") == 1
    assert told.text.endswith("event: done\ndata: done\n\n")


def test_clock_that_advances_is_told_of_until_nobody_waits(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(progress, "MOST_TIMES", 2)
    clock = clock_of(owner)
    customer = post(
        owner, "/customers", {"name": "Harbor", "email": "a@harbor.test", "test_clock_id": clock}
    )
    # No worker runs here, so the subscription never comes along.
    meter_and_sell(owner).subscribe("2026-01-01T00:00:00Z", customer_id=customer["id"])
    later = {"frozen_time": "2026-02-01T00:00:00Z"}
    assert owner.post(f"{V1}/test-clocks/{clock}/advance", json=later).status_code < 300

    page = owner.get("/console/test-clocks").text
    told = owner.get(f"/console/test-clocks/{clock}/progress").text

    assert f'hx-sse:connect="/console/test-clocks/{clock}/progress"' in page
    for one in (page, told):
        assert '<progress value="0" max="1"' in one
        assert "0 of 1 subscriptions and collections have come along" in words_of(one)
    assert words_of(told).count("Advancing") == 3
    assert "Look again" in words_of(page)


def test_progress_of_another_organization_is_nobodys(
    owner: Person, sign_up: Callable[[str], Person]
) -> None:
    clock = clock_of(owner)

    assert sign_up("Elsewhere").get(f"/console/test-clocks/{clock}/progress").status_code == 404


def test_chain_is_verified_when_somebody_asks_and_told_of_part_by_part(owner: Person) -> None:
    entries = owner.get(f"{V1}/audit").json()["data"]

    page = words_of(owner.get("/console/audit-chain").text)
    verified = words_of(owner.get("/console/audit-chain?after=0").text)
    told = owner.get("/console/audit-chain/progress?after=0")

    assert entries[0]["digest"] in page
    assert "as it was written" not in page
    assert "Every entry that was looked at is as it was written" in verified
    assert "Every entry that was looked at is as it was written" in words_of(told.text)
    assert told.text.endswith("event: done\ndata: done\n\n")


def test_verifying_goes_on_where_the_address_says(owner: Person) -> None:
    assert owner.get("/console/audit-chain/progress?after=x").status_code == 422
