"""A customer subscribes again, told through the REST API: nothing is billed twice (CONTRACT 86)."""

from __future__ import annotations

import pytest

from tests.scenarios.account import Account, Refused
from tests.scenarios.seller import Seller


def test_subscribing_again_from_the_start_bills_no_instant_twice(account: Account) -> None:
    seller = Seller(account)
    first = seller.subscribe()
    seller.use(5, "2025-01-05T00:00:00Z")
    seller.advance("2025-01-11T00:00:00Z")
    account.post(f"/subscriptions/{first['id']}/cancel", {"cancel_at_period_end": False})

    with pytest.raises(Refused) as caught:
        seller.subscribe()
    second = seller.subscribe(start_date="2025-01-11T00:00:00Z")
    seller.use(2, "2025-01-12T00:00:00Z")
    seller.advance("2025-03-01T00:00:00Z")

    problem = caught.value.body
    assert (caught.value.status, problem["code"]) == (409, "meter_already_billed")
    assert problem["subscription_id"] == first["id"]
    assert problem["free_from"] == "2025-01-11T00:00:00Z"
    assert seller.totals(first) == [5]
    assert seller.totals(second) == [2]
