"""Which period ``generate-invoice`` bills: a whole number, and nothing that looks like one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import V1, sell


@pytest.mark.parametrize("index", [True, "0", 1.5, -1, 2_147_483_648])
def test_period_is_named_by_a_whole_number(owner: Person, index: Any) -> None:
    subscription = sell(owner).subscribe()

    answer = owner.post(
        f"{V1}/subscriptions/{subscription['id']}/generate-invoice", json={"period_index": index}
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "period_index"


def test_overdue_period_that_is_named_is_answered_with_its_bill(owner: Person) -> None:
    subscription = sell(owner).subscribe("2026-01-01T00:00:00Z")
    path = f"{V1}/subscriptions/{subscription['id']}/generate-invoice"

    answer = owner.post(path, json={"period_index": 1})

    assert answer.status_code == 201, answer.text
    assert [one["period_start"][:10] for one in answer.json()["data"]] == ["2026-02-01"]
    again = owner.post(path, json={"period_index": 1})
    assert (again.status_code, again.json()["code"]) == (409, "period_already_billed")
