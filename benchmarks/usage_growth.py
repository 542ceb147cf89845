"""P5 and P10: what reading and rebuilding usage cost as a month grows to ten million events."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import tuple_row
from sqlalchemy import Connection, event

from benchmarks.figures import Result, figure
from billing.identifiers import ChargeId, MeterId
from billing.rating.quantities import UsageWindow
from repositories.transactions import Transactions
from repositories.usage.properties import rollups as group_rollups
from runtime.database.engine import create_application_engine
from services.catalog.group_prices import parse_grouping, tell_apart
from services.usage.measure import look_at_usage
from services.usage.rollups import rebuild_rollups, verify_rollups

LARGE = int(os.environ.get("BENCHMARK_EVENTS", "10000000"))
SMALL = LARGE // 10
MONTH = datetime(2026, 1, 1, tzinfo=UTC)
NEXT_MONTH = datetime(2026, 2, 1, tzinfo=UTC)
READS = 60

EVENTS = """
INSERT INTO usage_event (organization_id, timestamp, id, meter_id, customer_id, quantity,
    meta_data, arrival_sequence, counted, late, paused, ingested_at)
SELECT %(organization)s, moment, gen_random_uuid(), %(meter)s, %(customer)s,
    (1 + n %% 97)::numeric / 4, jsonb_build_object('model', 'model-' || n %% 8),
    n, true, false, false, moment
FROM (
    SELECT n, %(start)s + n * (interval '31 days' / %(count)s) AS moment
    FROM generate_series(0, %(count)s - 1) AS n
) AS numbered
"""

GROUPED = [f"model-{number}" for number in range(5)]
"""The values that have prices of their own; the events say eight."""

RAW_SUM = """
SELECT sum(quantity), count(*) FROM usage_event
WHERE organization_id = %s AND customer_id = %s AND meter_id = %s
    AND timestamp >= %s AND timestamp < %s
"""

BARE_GROUP_BY = """
SELECT customer_id, meter_id, date_trunc('hour', timestamp, 'UTC') AS hour, count(*),
    sum(quantity), min(quantity), max(quantity), max(timestamp),
    (array_agg(quantity ORDER BY timestamp DESC, arrival_sequence DESC))[1]
FROM usage_event WHERE organization_id = %s GROUP BY 1, 2, 3
"""


class Month:
    """An organization whose one customer used one meter in January, so and so often."""

    def __init__(self, database_url: str, count: int) -> None:
        self.count = count
        self.organization, self.meter, self.customer = uuid4(), uuid4(), uuid4()
        self.database_url = database_url
        with psycopg.connect(database_url, autocommit=True) as connection:
            insert_tenant(connection, self.organization, self.meter, self.customer)
            connection.execute("SELECT ensure_usage_partition('2026-01-01')")
            connection.execute(EVENTS, self._values | {"start": MONTH, "count": count})
            connection.execute("VACUUM ANALYZE usage_event")
        self.transactions = Transactions(create_application_engine(database_url, pool_size=1))

    @property
    def _values(self) -> dict[str, UUID]:
        return {
            "organization": self.organization,
            "meter": self.meter,
            "customer": self.customer,
        }

    def rebuild(self) -> float:
        """Seconds that it takes to write all roll-ups anew."""
        with self.transactions.for_organization(self.organization) as session:
            return timed(lambda: rebuild_rollups(session, self.organization))

    def is_equal(self) -> bool:
        """Whether every roll-up is what its events come to."""
        with self.transactions.for_organization(self.organization) as session:
            return verify_rollups(session, self.organization).is_equal

    def read(self, starts_at: datetime = MONTH, *, group_by: tuple[str, ...] = ()) -> float:
        """Median seconds that the database plans and executes one reading of the month's usage."""
        window = UsageWindow(
            charge_id=ChargeId(uuid4()),
            meter_id=MeterId(self.meter),
            starts_at=starts_at,
            ends_at=NEXT_MONTH + (starts_at - MONTH),
            group_by=group_by,
        )
        table = "usage_group_rollup" if group_by else "usage_rollup"
        with self.transactions.for_organization(self.organization) as session:
            connection = session.connection()
            with noted_statements(connection) as statements:
                look_at_usage(session, self.organization, self.customer, [window])
            sql, parameters = next(one for one in statements if table in one[0])
            explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}"
            return median(
                explained_seconds(connection.exec_driver_sql(explain, parameters).scalar_one())
                for _ in range(READS)
            )

    def tell_apart(self) -> None:
        """Roll-ups tell the month's usage apart by a property of its events."""
        prices = [{"values": [one], "unit_price": 1} for one in GROUPED]
        with self.transactions.for_organization(self.organization) as session:
            grouping = parse_grouping(["model"], prices)
            tell_apart(session, self.organization, self.meter, grouping, now=MONTH)
            group_rollups.write_all(session, self.organization)
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE usage_group_rollup")

    def query(self, sql: str, *more: object) -> float:
        """Seconds that a statement of the month takes, without row-level security."""
        with psycopg.connect(self.database_url, row_factory=tuple_row) as connection:
            return timed(lambda: connection.execute(sql, [self.organization, *more]).fetchall())


def measure_growth(database_url: str) -> list[Result]:
    """Load both months, then read, aggregate and rebuild them."""
    small = Month(database_url, SMALL)
    # Before the large month is loaded: what that leaves to clean up goes on beside what follows.
    rebuild = measure_rebuild(small)
    large = Month(database_url, LARGE)
    large.rebuild()
    results = [*measure_reading(small, large), rebuild]
    return [*results, *measure_groups(small, large)]


def measure_groups(small: Month, large: Month) -> list[Result]:
    """P5 by property: what the same costs where a charge names five values of eight."""
    small.tell_apart()
    large.tell_apart()
    by = ("model",)
    rounds = [(small.read(group_by=by), large.read(group_by=by)) for _ in range(3)]
    growth = median(after / before for before, after in rounds)
    milliseconds = median(after for _, after in rounds) * 1000
    return [
        figure(
            "P5e",
            f"reading the usage of a month of {LARGE:,} events by six groups, in the database",
            value=milliseconds,
            unit="ms",
            limit=2,
            ratio=milliseconds / 2,
            goal="<= 2 ms",
            met=milliseconds <= 2,
        ),
        figure(
            "P5f",
            f"the same against a month of {SMALL:,} events",
            value=growth,
            unit="times",
            limit=1.2,
            ratio=growth / 1.2,
            goal="<= 1.2 times",
            met=growth <= 1.2,
        ),
    ]


def measure_rebuild(month: Month) -> Result:
    """P10: writing all roll-ups anew beside the bare GROUP BY, rounds alternating."""
    rounds = [(month.query(BARE_GROUP_BY), month.rebuild()) for _ in range(3)]
    bare = median(one for one, _ in rounds)
    rebuilt = median(one for _, one in rounds)
    equal = month.is_equal()
    return figure(
        "P10",
        f"rebuilding the roll-ups of {SMALL:,} events; equal afterwards: {equal}",
        value=rebuilt,
        unit="s",
        limit=bare,
        ratio=rebuilt / bare,
        goal="<= 1.5",
        met=rebuilt / bare <= 1.5 and equal,
    )


def measure_reading(small: Month, large: Month) -> list[Result]:
    """P5: reading a large month beside a small one, its raw rows, and from within an hour."""
    rounds = [(small.read(), large.read()) for _ in range(3)]
    growth = median(after / before for before, after in rounds)
    milliseconds = median(after for _, after in rounds) * 1000
    ragged = large.read(MONTH + timedelta(minutes=17, seconds=31)) * 1000
    raw = large.query(RAW_SUM, large.customer, large.meter, MONTH, NEXT_MONTH) * 1000
    read = f"reading the usage of a month of {LARGE:,} events"
    return [
        figure(
            "P5",
            f"{read}, in the database",
            value=milliseconds,
            unit="ms",
            limit=2,
            ratio=milliseconds / 2,
            goal="<= 2 ms",
            met=milliseconds <= 2,
        ),
        figure(
            "P5b",
            f"the same against a month of {SMALL:,} events",
            value=growth,
            unit="times",
            limit=1.2,
            ratio=growth / 1.2,
            goal="<= 1.2 times",
            met=growth <= 1.2,
        ),
        figure(
            "P5c",
            "the same against aggregating raw rows in SQL",
            value=raw / milliseconds,
            unit="times faster",
            limit=1000,
            ratio=raw / milliseconds / 1000,
            goal=">= 1,000 times",
            met=raw / milliseconds >= 1000,
        ),
        figure("P5d", f"{read}, edges ragged", value=ragged, unit="ms"),
    ]


@contextmanager
def noted_statements(connection: Connection) -> Iterator[list[tuple[str, Any]]]:
    """The statements that run meanwhile, with their parameters."""
    noted: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:  # noqa: ANN401  (an event hands over anything)
        noted.append((arguments[2], arguments[3]))

    event.listen(connection, "before_cursor_execute", note)
    yield noted
    event.remove(connection, "before_cursor_execute", note)


def explained_seconds(plan: list[dict[str, Any]]) -> float:
    """Planning and execution."""
    return float(plan[0]["Planning Time"] + plan[0]["Execution Time"]) / 1000


def insert_tenant(
    connection: psycopg.Connection[Any], organization: UUID, meter: UUID, customer: UUID
) -> None:
    """The rows that usage belongs to."""
    values: dict[str, Any] = {
        "id": organization,
        "name": "Growth",
        "slug": str(organization),
        "timezone": "UTC",
        "currency": "USD",
        "payment_terms_days": 30,
        "grace_period_minutes": 60,
        "proration": "day",
        "late_usage": "next_invoice",
        "number_at": "draft",
        "plan_edits": "next_period",
        "auto_create_customers": True,
        "auto_email": False,
        "bank_details": "{}",
        "document_language": "en",
        "created_at": MONTH,
    }
    places = ", ".join(["%s"] * len(values))
    connection.execute(
        f"INSERT INTO organization ({', '.join(values)}) VALUES ({places})", list(values.values())
    )
    connection.execute(
        "INSERT INTO meter (organization_id, id, name, meter_name, meter_token, aggregation_type,"
        " filters, carry_forward, status, created_at)"
        " VALUES (%s, %s, 'Calls', 'calls', gen_random_uuid(), 'SUM', '[]', false, 'ACTIVE', %s)",
        [organization, meter, MONTH],
    )
    connection.execute(
        "INSERT INTO customer (organization_id, id, name, created_at, updated_at)"
        " VALUES (%s, %s, 'Harbor', %s, %s)",
        [organization, customer, MONTH, MONTH],
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    began = perf_counter()
    work()
    return perf_counter() - began
