"""Which period ``generate-invoice`` bills is a whole number and nothing that looks like one."""

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
