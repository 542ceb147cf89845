"""Copies of what customers have: every row of theirs, by one statement a table.

An id of a copy is made of the id that it copies, so whatever refers to a copied row refers to its
copy, without anybody keeping a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import psycopg

OF_CUSTOMERS: Final = (
    *("customer", "customer_account", "account_posting"),
    *("subscription", "subscription_period", "subscription_action"),
    *("billing_run", "invoice", "invoice_line", "invoice_parties", "invoice_receipt"),
    *("signed_receipt", "payment", "collection"),
    *("credit_grant", "credit_posting", "wallet", "alert"),
    *("webhook_event", "webhook_delivery", "audit_entry"),
    *("usage_event", "usage_event_key", "usage_rollup"),
)
SHARED: Final = {
    *("organization_id", "plan_id", "next_plan_id", "meter_id", "charge_id", "endpoint_id"),
    *("test_clock_id", "connection_id"),
}
"""Columns whose ids are of things that all customers have together."""
DISTINCT: Final = {"external_id", "key", "idempotency_key", "digest", "name"}
"""Columns whose texts are to differ."""

OBJECTS: Final = ("customer", "subscription", "invoice", "payment")
"""What entries of the audit log are copied of; entries about a plan are no customer's."""

COLUMNS: Final = """
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = CAST(%s AS regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""

NUMBERED: Final = """
UPDATE invoice_sequence SET last_number = found.highest FROM (
    SELECT max(split_part(invoice_number, '-', 3)::integer) AS highest FROM invoice
    WHERE invoice_number IS NOT NULL
) AS found
"""
LINKED: Final = """
WITH new AS (
    INSERT INTO audit_link (organization_id, position, entry_id, previous_digest, digest)
    SELECT organization_id, last_position + row_number() OVER (ORDER BY at, id), id, md5(id || 'p'),
        md5(id || 'd')
    FROM audit_entry JOIN audit_chain USING (organization_id)
    WHERE NOT EXISTS (SELECT FROM audit_link WHERE entry_id = audit_entry.id)
    RETURNING position, digest
)
UPDATE audit_chain SET (last_position, last_digest) =
    (SELECT position, digest FROM new ORDER BY position DESC LIMIT 1)
"""
"""The log has as many links as entries. Their digests are none: nobody verifies copies."""


UNDELIVERED: Final = "DELETE FROM outbox_message"
"""Messages to workflows, which are a worker's: a relay without Temporal would try them for ever."""


def copy_customers(database_url: str, copies: int) -> None:
    """Everything that customers have, so and so many times beside it; nothing is to be told."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Every row is a copy of one that constraints and triggers have seen.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        steps = {
            "invoice": _count(connection, "invoice WHERE invoice_number IS NOT NULL"),
            "signed_receipt": _count(connection, "signed_receipt"),
        }
        for table in OF_CUSTOMERS:
            statement = _statement(connection, table, steps)
            connection.execute(statement, {"copies": copies})
        connection.execute(NUMBERED)
        connection.execute(LINKED)
        connection.execute(UNDELIVERED)
        connection.execute("VACUUM ANALYZE")


def _count(connection: psycopg.Connection, rows: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {rows}".encode()).fetchone()
    assert found is not None
    return int(found[0])


def _statement(connection: psycopg.Connection, table: str, steps: Mapping[str, int]) -> bytes:
    """The rows of a table again, once for each copy."""
    columns = [
        (str(name), str(kind)) for name, kind in connection.execute(COLUMNS, [table]).fetchall()
    ]
    names = ", ".join(f'"{name}"' for name, _ in columns)
    values = ", ".join(_value(table, name, kind, steps) for name, kind in columns)
    only = f"WHERE object_type IN {OBJECTS}" if table == "audit_entry" else ""
    return (
        f"INSERT INTO {table} ({names}) SELECT {values}"
        f" FROM (SELECT * FROM {table} {only}) AS row, generate_series(1, %(copies)s) AS copy"
    ).encode()


def _value(table: str, name: str, kind: str, steps: Mapping[str, int]) -> str:
    """What a copy says in a column."""
    column = f'row."{name}"'
    if kind == "uuid" and name not in SHARED:
        return f"md5({column} || copy::text)::uuid"
    if name == "invoice_number":
        number = f"split_part({column}, '-', 3)::integer + copy * {steps['invoice']}"
        return f"regexp_replace({column}, '[0-9]+$', ({number})::text)"
    if table == "signed_receipt" and name == "sequence":
        return f"{column} + copy * {steps['signed_receipt']}"
    if table == "signed_receipt" and name == "previous_digest":
        return f"coalesce({column}, 'begin') || copy"
    return f"{column} || '-' || copy" if kind == "text" and name in DISTINCT else column
