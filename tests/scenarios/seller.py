"""One organization that sells calls to one customer, and what its tests ask of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.scenarios.account import Account

METER = "api_calls"
CUSTOMER = "acct_77"


class Seller:
    """One organization with one SUM meter at 1 a call, one customer on a clock from January."""

    def __init__(self, account: Account, price: str = "1", **meter: Any) -> None:
        self.account = account
        self.feature = account.create_meter(METER, **meter)
        self.plan = account.create_plan()
        account.add_usage_charge(self.plan, self.feature["meter_id"], unit_price=Decimal(price))
        self.clock = account.create_clock()
        self.customer = account.create_customer(CUSTOMER, clock=self.clock)
        self.now = "2025-01-01T00:00:00Z"

    def allow(self, units: int, reset: str) -> None:
        """The plan includes so many calls in each reset period."""
        grant = {
            "feature_id": self.feature["id"],
            "is_enabled": True,
            "usage_limit": units,
            "usage_reset_period": reset,
            "is_soft_limit": True,
        }
        self.account.post(f"/plans/{self.plan['id']}/features", grant)

    def subscribe(self, **options: Any) -> dict[str, Any]:
        return self.account.subscribe(self.customer, self.plan, **options)

    def use(self, calls: Any, at: str) -> dict[str, Any]:
        """An event; the clock comes along if it lies ahead."""
        if at > self.now:
            self.advance(at)
        return dict(self.account.track(METER, CUSTOMER, calls, at))

    def advance(self, to: str) -> None:
        self.account.advance(self.clock, to)
        self.now = to

    def void_event(self, event: dict[str, Any]) -> None:
        self.account.post(f"/usage/{event['id']}/void")

    def void(self, invoice: dict[str, Any], **options: Any) -> dict[str, Any]:
        body = {"status": "VOID", **options}
        return dict(self.account.patch(f"/invoices/{invoice['id']}/status", body))

    def totals(self, subscription: dict[str, Any]) -> list[Decimal]:
        return [Decimal(one["total"]) for one in self.account.invoices(subscription)]

    def notes(self, invoice: dict[str, Any]) -> list[tuple[str, Decimal]]:
        found = self.account.get(f"/invoices/{invoice['id']}/credit-notes")["data"]
        return [(note["kind"], Decimal(note["total"])) for note in found]


def late_lines(invoice: dict[str, Any]) -> list[Decimal]:
    """The totals of an invoice's late lines."""
    return [
        Decimal(line["line_total"])
        for line in invoice["line_items"]
        if line["type"] == "late_usage"
    ]


def wait_for(condition: Callable[[], bool]) -> None:
    """Return when the condition holds, within a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.1)
