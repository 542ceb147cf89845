"""Whatever a plain bill is made of, both ways of looking at it say the same."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from repositories.previews import running
from tests.api.invoicing.previewed import GRADUATED, TIERS, both, charge
from tests.api.people import Person
from tests.api.sold import V1, post, sell

PRICES: list[dict[str, Any]] = [
    GRADUATED,
    {"pricing": {"model": "volume", "tiers": TIERS}},
    {"unit_price": "0.333333333333333333"},
    {"pricing": {"model": "package", "package_size": 7, "unit_price": "1.1"}},
]


@pytest.mark.parametrize("seed", range(8))
def test_any_plain_bill_is_looked_at_alike(owner: Person, seed: int) -> None:
    chosen = Random(seed)
    sold = sell(owner, usage_limit=chosen.choice([None, 0, 3, 9]))
    charge(sold, **chosen.choice(PRICES))
    if chosen.random() < 0.7:
        where = {"billing_address_country": "US"}
        owner.patch(f"{V1}/customers/{sold.customer['id']}", json=where)
        rate = {"percentage": f"{chosen.uniform(0, 30):.2f}", "inclusive": chosen.random() < 0.5}
        post(owner, "/tax-rates", {"name": "Sales", "country": "US"} | rate)
    starts_at = chosen.choice(["2026-03-01T00:00:00Z", "2026-02-11T13:45:00Z"])
    subscription = sold.subscribe(
        starts_at, billing_anchor=chosen.choice(["start", "calendar"]), timezone=None
    )
    for _ in range(chosen.randrange(7)):
        sold.used(f"{chosen.uniform(0, 50):.3f}", f"2026-03-01T0{chosen.randrange(9)}:07:00Z")

    is_in_front, (status, _, _) = both(owner, subscription["id"])

    assert (is_in_front, status) == (True, 200)


def test_an_event_is_seen_by_the_next_preview(owner: Person) -> None:
    sold = sell(owner, usage_limit=1)
    charge(sold, unit_price=1)
    subscription = sold.subscribe()
    totals = []
    for _ in range(5):
        sold.used(1, "2026-03-01T05:00:00Z")
        shown = owner.post(f"{V1}/subscriptions/{subscription['id']}/preview-invoice").json()
        totals.append(shown["total"])

    assert totals == [0, 1, 2, 3, 4]


def test_a_preview_of_much_is_left_to_a_thread(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MOST_SPANS", 10)
    sold = sell(owner, usage_limit=2, usage_reset_period="day")
    charge(sold)
    subscription = sold.subscribe()
    sold.used(5, "2026-03-01T05:00:00Z")

    is_in_front, (status, _, _) = both(owner, subscription["id"])

    assert (is_in_front, status) == (False, 200)
