"""The comparison notices what it is there for: each fault is made, found, and undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import psycopg

from deploy.cluster.site import Site
from tests.faults.cluster.verdicts import find_database_differences
from tests.faults.cluster.wave import Wave

FAULTS: Final[Mapping[str, str]] = {
    "an invoice is missing": """
        DELETE FROM invoice WHERE id = (
            SELECT invoice.id FROM invoice
            JOIN subscription ON subscription.id = invoice.subscription_id
            WHERE subscription.plan_id = %(plan)s LIMIT 1)
    """,
    "somebody is billed twice": """
        UPDATE invoice SET subscription_id = other.subscription_id, period_index = 7
        FROM (
            SELECT min(invoice.subscription_id::text)::uuid AS subscription_id FROM invoice
            JOIN subscription ON subscription.id = invoice.subscription_id
            WHERE subscription.plan_id = %(plan)s) AS other
        WHERE invoice.id = (
            SELECT invoice.id FROM invoice
            JOIN subscription ON subscription.id = invoice.subscription_id
            WHERE subscription.plan_id = %(plan)s
                AND subscription.id <> other.subscription_id LIMIT 1)
    """,
    "a cent is missing": """
        UPDATE invoice SET total = total - 0.01, subtotal = subtotal - 0.01,
            amount_due = amount_due - 0.01
        WHERE id = (
            SELECT invoice.id FROM invoice
            JOIN subscription ON subscription.id = invoice.subscription_id
            WHERE subscription.plan_id = %(plan)s LIMIT 1)
    """,
    "a number is missing": """
        UPDATE invoice SET invoice_number = left(invoice_number, 9) || '999999'
        WHERE id = (SELECT id FROM invoice WHERE invoice_number IS NOT NULL
            ORDER BY invoice_number LIMIT 1)
    """,
    "an event is lost": """
        DELETE FROM usage_event WHERE id = (
            SELECT id FROM usage_event WHERE meter_id = %(meter)s LIMIT 1)
    """,
    "an event counts twice": """
        UPDATE usage_event SET quantity = 2 * quantity WHERE id = (
            SELECT id FROM usage_event WHERE meter_id = %(meter)s LIMIT 1)
    """,
}


def find_blind_spots(site: Site, wave: Wave, *, live: int) -> Iterator[str]:
    """The faults of which the comparison says nothing."""
    with psycopg.connect(site.postgres.url("fluxrate")) as connection:
        for fault, statement in FAULTS.items():
            # As rows that no constraint and no trigger of the product guarded.
            connection.execute("SET LOCAL session_replication_role = replica")
            changed = connection.execute(
                statement.encode(), {"plan": wave.plan_id, "meter": wave.meter_id}
            )
            if changed.rowcount != 1 or not list(find_database_differences(connection, wave, live)):
                yield f"the comparison does not notice that {fault}"
            connection.rollback()
