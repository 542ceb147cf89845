"""So many subscriptions whose first period ends at one instant, made through the public API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from fluxrate_client import Fluxrate
from fluxrate_client.params import EventReportParams

from benchmarks.waves import running_period

METER: Final = "wave_calls"
UNIT_PRICE: Final = Decimal("0.01")
EVENTS: Final = 5
"""Of each customer in the period that the wave bills."""

AT_ONCE: Final = 8
BATCH_ROWS: Final = 5000
LEAD_SECONDS, LEAD_SHARE = 45, 4
LIVE_ROWS, LIVE_PAUSE_SECONDS = 20, 0.2

Count = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """What was sold; customers are numbered, and their usage follows from their number."""

    count: int
    begins_at: datetime
    ends_at: datetime
    plan_id: str
    meter_id: str


def calls_of(number: int) -> int:
    """How many calls each event of a customer stands for."""
    return number % 997 + 1


def total_of(number: int) -> Decimal:
    """What a customer owes for the period.

    Worked example: customer 41 sends 5 events of 42 calls, at 0.01 each: 2.10.
    """
    return EVENTS * calls_of(number) * UNIT_PRICE


def name_of(number: int) -> str:
    """The customer's external id."""
    return f"wave-{number:06}"


def sell_wave(client: Fluxrate, count: int, done: Count) -> Wave:
    """Customers, subscriptions and their usage are there, some time before the period ends.

    ``done`` is told how many subscriptions there are.
    """
    feature = client.features.create(
        name="Calls of the wave",
        lookup_key=METER,
        type="meter",
        meter_name=METER,
        property_name="calls",
        aggregation_type="SUM",
        unit="calls",
    )
    plan = client.plans.create(
        name="Wave", lookup_id="wave", type="USAGE", billing_interval="month", currency="USD"
    )
    meter_id = str(feature.meter_id)
    client.plans.add_charge(plan.id, type="USAGE", meter_id=meter_id, unit_price=UNIT_PRICE)
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as executor:
        customers = list(executor.map(lambda number: add_customer(client, number), range(count)))
    # As fast as this machine makes customers, it makes the rest; the period ends after that.
    lead = timedelta(seconds=LEAD_SECONDS + LEAD_SHARE * (time.monotonic() - began))
    begins_at, ends_at = running_period(datetime.now(UTC) + lead)
    wave = Wave(
        count=count,
        begins_at=begins_at,
        ends_at=ends_at,
        plan_id=str(plan.id),
        meter_id=meter_id,
    )
    with ThreadPoolExecutor(AT_ONCE) as executor:
        made = executor.map(lambda customer: subscribe(client, wave, customer), customers)
        for number, _ in enumerate(made, start=1):
            done(number)
    send_usage(client, wave)
    late = datetime.now(UTC) - ends_at
    assert late < timedelta(), f"The period ended {late} before all usage of it was there."
    return wave


def add_customer(client: Fluxrate, number: int) -> str:
    """The id of one more customer."""
    customer = client.customers.create(
        name=f"Customer {number}",
        email=f"{name_of(number)}@harbor.test",
        external_id=name_of(number),
    )
    return str(customer.id)


def subscribe(client: Fluxrate, wave: Wave, customer_id: str) -> None:
    """The customer's period began with everybody's."""
    client.subscriptions.create(
        customer_id=customer_id, plan_id=wave.plan_id, start_date=wave.begins_at
    )


def send_usage(client: Fluxrate, wave: Wave) -> None:
    """Every customer has used what they will be billed for."""
    rows: list[EventReportParams] = [
        {
            "customer_external_id": name_of(number),
            "meter_name": METER,
            "timestamp": wave.begins_at + timedelta(hours=event, seconds=number % 3600),
            "idempotency_key": f"{name_of(number)}-{event}",
            "properties": {"calls": calls_of(number)},
        }
        for number in range(wave.count)
        for event in range(EVENTS)
    ]
    for first in range(0, len(rows), BATCH_ROWS):
        batch = rows[first : first + BATCH_ROWS]
        answer = client.usage.track_all(batch, results="errors")
        assert answer.accepted == len(batch), answer.results[:3]


@contextmanager
def usage_going_on(client: Fluxrate, wave: Wave) -> Iterator[Callable[[], int]]:
    """Customers go on using the meter, from another thread; gives how many events were taken.

    Each list is repeated until it is acknowledged, under the same keys, whoever was killed.
    """
    is_over, taken = threading.Event(), 0

    def go_on() -> None:
        nonlocal taken
        while not is_over.is_set():
            now = datetime.now(UTC)
            rows: list[EventReportParams] = [
                {
                    "customer_external_id": name_of((taken + number) % wave.count),
                    "meter_name": METER,
                    "timestamp": now,
                    "idempotency_key": f"live-{taken + number}",
                    "properties": {"calls": 1},
                }
                for number in range(LIVE_ROWS)
            ]
            answer = client.usage.track_all(rows, results="errors")
            assert answer.accepted + answer.duplicates == len(rows), answer.results[:3]
            taken += len(rows)
            time.sleep(LIVE_PAUSE_SECONDS)

    with ThreadPoolExecutor(1) as executor:
        going = executor.submit(go_on)
        try:
            yield lambda: taken
        finally:
            is_over.set()
        going.result()
