"""What must be there after a wave, read past the product and by the product's own proofs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import psycopg
from fluxrate_client import Fluxrate

from deploy.cluster.site import Site
from tests.faults.cluster.wave import EVENTS, Wave, calls_of, name_of, total_of

SETTLED_WITHIN_SECONDS: Final = 180.0

BILLED: Final = """
SELECT count(*) FROM invoice JOIN subscription ON subscription.id = invoice.subscription_id
WHERE subscription.plan_id = %s AND invoice.status = 'OPEN'
"""

INVOICES: Final = """
SELECT customer.external_id, array_agg(invoice.total ORDER BY invoice.period_index),
    array_agg(invoice.status ORDER BY invoice.period_index)
FROM subscription
JOIN customer ON customer.id = subscription.customer_id
LEFT JOIN invoice ON invoice.subscription_id = subscription.id
WHERE subscription.plan_id = %s
GROUP BY customer.external_id
"""

NUMBERS: Final = """
SELECT left(invoice_number, 8), array_agg(substr(invoice_number, 10)::int ORDER BY 1)
FROM invoice WHERE invoice_number IS NOT NULL GROUP BY 1
"""

EVENTS_STORED: Final = """
SELECT count(*), count(DISTINCT idempotency_key), coalesce(sum(quantity), 0)
FROM usage_event WHERE meter_id = %s AND counted
"""

PROOFS: Final = ("invoices verify --all", "usage verify", "doctor")
"""Commands of the product that end with 1 if anything is wrong."""


def count_billed(connection: psycopg.Connection, wave: Wave) -> int:
    """How many final invoices the wave's subscriptions have."""
    found = connection.execute(BILLED, [wave.plan_id]).fetchone()
    return 0 if found is None else int(found[0])


def find_differences(
    site: Site, client: Fluxrate, wave: Wave, *, live: int
) -> tuple[list[str], dict[str, str]]:
    """What is not as it must be, and what each proof of the product said.

    ``live`` events of one call each were acknowledged while the wave closed.
    """
    with psycopg.connect(site.postgres.url("fluxrate"), autocommit=True) as connection:
        differences = list(find_database_differences(connection, wave, live))
    differences += find_uncovered(client)
    checks = {}
    for command in PROOFS:
        code, said = site.try_to_run(command)
        checks[command] = verdict_in(said)
        if code != 0:
            differences.append(f"fluxrate {command}: {said}")
    return differences, checks


def find_database_differences(
    connection: psycopg.Connection, wave: Wave, live: int
) -> Iterator[str]:
    """What the rows say that they must not."""
    yield from find_wrong_invoices(connection, wave)
    yield from find_number_gaps(connection)
    yield from find_wrong_events(connection, wave, live)


def verdict_in(said: str) -> str:
    """The last line of what a command says that is neither a bar nor the frame of a table."""
    lines = [one.strip() for one in said.splitlines()]
    spoken = [one for one in lines if one and not set(one) & set("━│╰└")]
    return spoken[-1] if spoken else "nothing was said"


def find_wrong_invoices(connection: psycopg.Connection, wave: Wave) -> Iterator[str]:
    """Who was not billed exactly once, what they owe."""
    found = {
        name: list(zip(totals, states, strict=True))
        for name, totals, states in connection.execute(INVOICES, [wave.plan_id])
    }
    for number in range(wave.count):
        name = name_of(number)
        wanted = [(total_of(number), "OPEN")]
        if found.get(name) != wanted:
            yield f"{name}: {found.get(name)} and not {wanted}"


def find_number_gaps(connection: psycopg.Connection) -> Iterator[str]:
    """The numbers of each series and year, the demo's too, are 1 to as many as there are."""
    for series, numbers in connection.execute(NUMBERS):
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            yield f"{series}: {len(numbers)} numbers, up to {max(numbers)}"


def find_wrong_events(connection: psycopg.Connection, wave: Wave, live: int) -> Iterator[str]:
    """Every event that was acknowledged is there, once, and counts."""
    calls = sum(EVENTS * calls_of(number) for number in range(wave.count)) + live
    events = EVENTS * wave.count + live
    wanted = (events, events, Decimal(calls))
    found = connection.execute(EVENTS_STORED, [wave.meter_id]).fetchone()
    if found != wanted:
        yield f"events, keys, calls: {found} and not {wanted}"


def find_uncovered(client: Fluxrate) -> list[str]:
    """What the product itself finds missing, once work that is under way is done."""
    deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
    while (findings := client.audit.coverage().findings) and time.monotonic() < deadline:
        time.sleep(1)
    return [f"coverage: {finding}" for finding in findings]
