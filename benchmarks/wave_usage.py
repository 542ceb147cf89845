"""The usage that a wave bills: so many events of each meter, anywhere in the first period."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from benchmarks.backend import run_writers
from benchmarks.direct_writer import prepare_list

EVENTS_A_METER = 10
LIST_ROWS = 1000


def add_usage(
    database_url: str,
    organization_id: UUID,
    meter_ids: Sequence[UUID],
    customer_ids: Sequence[UUID],
    begins_at: datetime,
) -> None:
    """Every customer has used each meter, by the product's own statement."""
    now = datetime.now(UTC)
    customers = {str(one): str(one) for one in customer_ids}
    with psycopg.connect(database_url) as connection:
        for month in {begins_at.replace(day=1).date(), now.replace(day=1).date()}:
            connection.execute("SELECT ensure_usage_partition(%s)", [month])
    seconds = int((now - begins_at) / timedelta(seconds=1)) - 1
    numbers = random.Random(1)
    lists = []
    for meter_id in meter_ids:
        rows = [
            {
                "customer_external_id": customer,
                "quantity": numbers.randrange(1, 1000),
                "timestamp": (
                    begins_at + timedelta(seconds=numbers.randrange(seconds))
                ).isoformat(),
                "idempotency_key": str(uuid4()),
            }
            for customer in customers
            for _ in range(EVENTS_A_METER)
        ]
        lists += [
            prepare_list(str(organization_id), str(meter_id), rows[at : at + LIST_ROWS], customers)
            for at in range(0, len(rows), LIST_ROWS)
        ]
    with tempfile.TemporaryDirectory() as directory:
        run_writers(database_url, Path(directory), [lists])
