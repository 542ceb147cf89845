"""An organization of the fuzzed product: callers of every kind, and things of every kind."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Final

import httpx2

from tests.api.access.furnished import Ids, add_things, post, store_method
from tests.api.fuzz.callers import V1, Callers
from tests.api.fuzz.ids import IdNames, IdPool
from tests.api.fuzz.site import Site, now

TELLING_SECONDS: Final = 20.0
HELD_FOR: Final = timedelta(hours=12)
SETS: Final = 2
"""Of each thing there are several, since requests end some."""


class Organization:
    """Its callers, and the ids of what it has."""

    def __init__(self, site: Site, names: IdNames) -> None:
        self.callers = Callers(site.url)
        self.is_lost = False
        self._site = site
        self.ids = IdPool(names, [self._furnish(number) for number in range(SETS)])

    def close(self) -> None:
        """Nothing is held open."""
        self.callers.close()

    def _furnish(self, number: int) -> Ids:
        owner = self.callers.owner
        held_until = (now() + HELD_FOR).isoformat()
        ids = add_things(owner, suffix=str(number), held_until=held_until)
        organization_id = self.callers.organization_id
        ids["method_id"] = store_method(self._site.transactions, organization_id, ids, now())
        live_in_test_time(owner, ids)
        ids["delivery_id"] = self._first_delivery(owner)
        return ids

    @staticmethod
    def _first_delivery(owner: httpx2.Client) -> str:
        """The first delivery that events have led to."""
        deadline = time.monotonic() + TELLING_SECONDS
        while not (rows := owner.get(f"{V1}/webhook-deliveries").json()["data"]):
            assert time.monotonic() < deadline, "nothing is delivered"
            time.sleep(0.05)
        return str(rows[0]["id"])


def live_in_test_time(owner: httpx2.Client, ids: Ids) -> None:
    """A customer lives through two months within seconds, and gets bills of usage."""
    clock = post(owner, "/test-clocks", name="Months", frozen_time="2026-01-01T00:00:00Z")
    customer: dict[str, Any] = post(
        owner,
        "/customers",
        name="Quay",
        email="ap@quay.test",
        billing_address_country="DE",
        test_clock_id=clock["id"],
    )
    post(
        owner,
        "/subscriptions",
        customer_id=customer["id"],
        plan_id=ids["plan_id"],
        start_date="2026-01-01T00:00:00Z",
    )
    for minute in (1, 2):
        post(
            owner,
            "/usage",
            customer_id=customer["id"],
            meter_id=ids["meter_id"],
            quantity=1200,
            timestamp=f"2026-01-01T00:0{minute}:00Z",
        )
    told = {"frozen_time": "2026-03-05T00:00:00Z"}
    answer = owner.post(f"{V1}/test-clocks/{clock['id']}/advance", json=told)
    assert answer.status_code == 202, answer.text
