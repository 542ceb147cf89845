"""The plainest table that takes events once and rolls them up, to compare ingestion with."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread
from time import perf_counter
from typing import Any

import psycopg

from benchmarks.backend import Backend

SINGLE_TABLE = """
DROP TABLE IF EXISTS single_event, single_rollup;
CREATE TABLE single_event (
    key text PRIMARY KEY, customer uuid NOT NULL, timestamp timestamptz NOT NULL,
    quantity numeric NOT NULL
);
CREATE TABLE single_rollup (
    customer uuid, hour timestamptz, count bigint, total numeric, PRIMARY KEY (customer, hour)
);
"""


WRITE_SINGLE_TABLE = """
WITH stored AS (
    INSERT INTO single_event
    SELECT * FROM unnest(%s::text[], %s::uuid[], %s::timestamptz[], %s::numeric[])
    ON CONFLICT DO NOTHING
    RETURNING customer, timestamp, quantity
)
INSERT INTO single_rollup
SELECT customer, date_trunc('hour', timestamp, 'UTC'), count(*), sum(quantity) FROM stored
GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (customer, hour) DO UPDATE SET
    count = single_rollup.count + excluded.count, total = single_rollup.total + excluded.total
"""


def prepare_single_table(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SINGLE_TABLE)


def write_single_table(client: Backend) -> float:
    """Seconds that two writers take for a round with the plainest statement that rolls up."""
    lists = [sorted(rows, key=lambda row: str(row["idempotency_key"])) for rows in client.lists()]
    columns = [
        (
            [row["idempotency_key"] for row in rows],
            [client.customers[row["customer_external_id"]] for row in rows],
            [row["timestamp"] for row in rows],
            [row["quantity"] for row in rows],
        )
        for rows in lists
    ]

    def write(share: Sequence[Any]) -> None:
        with psycopg.connect(client.database_url, autocommit=True) as connection:
            for parameters in share:
                connection.execute(WRITE_SINGLE_TABLE, parameters)

    writers = [Thread(target=write, args=(columns[start::2],)) for start in range(2)]
    began = perf_counter()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return perf_counter() - began
