"""The database keeps the claims of one customer on one meter apart, and old data is claimed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, pool, text
from sqlalchemy.exc import IntegrityError

from models.base import new_id
from runtime.database.engine import sqlalchemy_url
from runtime.database.migrations import upgrade
from tests.servers import superuser_url

JANUARY, TENTH = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 10, tzinfo=UTC)
FEBRUARY, MARCH = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def owner_engine(empty_database_url: str) -> Iterator[Engine]:
    """The owner's connections to a database without any schema."""
    engine = create_engine(
        sqlalchemy_url(superuser_url(empty_database_url)), poolclass=pool.NullPool
    )
    yield engine
    engine.dispose()


def insert(connection: Connection, table: str, **values: object) -> None:
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)


class OldShop:
    """Rows of an installation before claims existed: one customer, one plan, one meter."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.organization_id = connection, new_id()
        self.customer_id, self.meter_id, self.plan_id = new_id(), new_id(), new_id()
        connection.execute(
            text("SELECT set_config('app.organizations', :names, false)"),
            {"names": f"{{{self.organization_id}}}"},
        )
        connection.execute(text("SET session_replication_role = replica"))
        self._insert_names()
        terms = (
            f'{{"charges": [{{"meter": {{"meter_id": "{self.meter_id}"}}}}, {{"meter": null}}]}}'
        )
        connection.execute(
            text(
                "INSERT INTO plan_version (organization_id, plan_id, version, terms, created_at)"
                " VALUES (:organization, :plan, 1, CAST(:terms AS jsonb), now())"
            ),
            {"organization": self.organization_id, "plan": self.plan_id, "terms": terms},
        )

    def _insert_names(self) -> None:
        here = {"organization_id": self.organization_id, "created_at": JANUARY}
        insert(
            self.connection,
            "organization",
            id=self.organization_id,
            name="Lumen Works",
            slug="lumen",
            timezone="UTC",
            currency="USD",
            payment_terms_days=30,
            grace_period_minutes=60,
            proration="day",
            late_usage="next_invoice",
            number_at="draft",
            auto_create_customers=True,
            auto_email=True,
            bank_details="{}",
            created_at=JANUARY,
        )
        insert(
            self.connection,
            "customer",
            id=self.customer_id,
            name="Harbor",
            updated_at=JANUARY,
            **here,
        )
        insert(
            self.connection,
            "meter",
            id=self.meter_id,
            name="Calls",
            meter_name="calls",
            meter_token=new_id(),
            aggregation_type="SUM",
            filters="[]",
            carry_forward=False,
            status="ACTIVE",
            **here,
        )

    def subscribe(
        self, created_at: datetime, starts_at: datetime, ended_at: datetime | None = None
    ) -> UUID:
        """A subscription with one period, in which it may have been canceled."""
        subscription_id = new_id()
        insert(
            self.connection,
            "subscription",
            organization_id=self.organization_id,
            id=subscription_id,
            customer_id=self.customer_id,
            plan_id=self.plan_id,
            version_policy="latest",
            status="ACTIVE" if ended_at is None else "CANCELED",
            timezone="UTC",
            billing_interval="month",
            billing_interval_count=1,
            billing_anchor="start",
            anchor_at=starts_at,
            start_date=starts_at,
            current_period_index=0,
            current_period_start=starts_at,
            current_period_end=ended_at or MARCH,
            cancel_at_period_end=False,
            ended_at=ended_at,
            created_at=created_at,
        )
        insert(
            self.connection,
            "subscription_period",
            organization_id=self.organization_id,
            subscription_id=subscription_id,
            index=0,
            ordinal=0,
            anchor_at=starts_at,
            starts_at=starts_at,
            ends_at=ended_at or MARCH,
            plan_id=self.plan_id,
            status="open" if ended_at is None else "final",
            revision=1,
        )
        return subscription_id


def is_span(bounds: tuple[int | None, int | None]) -> bool:
    """Whether it has a day, of those from 0 to 9."""
    return (bounds[0] or 0) < (bounds[1] or 10)


def claim(connection: Connection, *spans: str, count: int | None = None) -> None:
    """A row of one customer and meter, with these spans of ``count`` subscriptions."""
    nobody = UUID(int=0)
    connection.execute(
        text(
            "INSERT INTO meter_claim"
            " (organization_id, customer_id, meter_id, subscription_ids, spans)"
            " VALUES (:nobody, :nobody, :nobody, :ids, CAST(:spans AS tstzrange[]))"
        ),
        {
            "nobody": nobody,
            "ids": [new_id() for _ in range(len(spans) if count is None else count)],
            "spans": list(spans),
        },
    )


@pytest.fixture
def connection(module_database_url: str) -> Iterator[Connection]:
    """The owner's connection to a database with today's schema; nothing of it is kept."""
    engine = create_engine(
        sqlalchemy_url(superuser_url(module_database_url)), poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        yield connection


def test_claims_of_one_customer_on_a_meter_never_overlap(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="ck_meter_claim_overlap"):
        claim(connection, "[2026-01-01,2026-01-10)", "[2026-01-10,)", "[2026-02-01,2026-03-01)")


def test_claims_of_one_customer_on_a_meter_are_one_row(connection: Connection) -> None:
    claim(connection, "[2026-01-01,2026-01-10)", "[2026-01-10,)")

    with pytest.raises(IntegrityError, match="pk_meter_claim"):
        claim(connection, "[2025-01-01,2026-01-01)")


@pytest.mark.parametrize("span", ["[2026-01-01,2026-01-01)", None])
def test_empty_claim_is_no_claim(connection: Connection, span: str) -> None:
    with pytest.raises(IntegrityError, match="ck_meter_claim_spans"):
        claim(connection, span)


def test_each_claim_is_of_a_subscription(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="ck_meter_claim_pairs"):
        claim(connection, "[2026-01-01,)", count=2)


bounds = st.one_of(st.none(), st.integers(1, 9))
drawn_spans = st.lists(st.tuples(bounds, bounds).filter(is_span), min_size=2, max_size=5)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(spans=drawn_spans)
def test_spans_are_apart_if_no_two_of_them_meet(
    connection: Connection, spans: list[tuple[int | None, int | None]]
) -> None:
    texts = [
        "[" + ",".join("" if day is None else f"2026-01-0{day}" for day in span) + ")"
        for span in spans
    ]
    told = connection.scalar(
        text("SELECT spans_are_apart(CAST(:spans AS tstzrange[]))"), {"spans": texts}
    )

    days = [set(range(first or 0, last or 10)) for first, last in spans]
    assert told == all(one.isdisjoint(other) for one, other in combinations(days, 2))


def test_subscriptions_of_an_old_installation_claim_what_they_billed(
    empty_database_url: str, owner_engine: Engine
) -> None:
    upgrade(empty_database_url, "0010")
    with owner_engine.connect() as connection:
        shop = OldShop(connection)
        first = shop.subscribe(JANUARY, JANUARY, TENTH)
        again = shop.subscribe(TENTH, JANUARY, FEBRUARY)
        last = shop.subscribe(FEBRUARY, FEBRUARY)
        connection.commit()

    upgrade(empty_database_url)

    with owner_engine.connect() as connection:
        connection.execute(
            text("SELECT set_config('app.organizations', :names, false)"),
            {"names": f"{{{shop.organization_id}}}"},
        )
        rows = connection.execute(
            text(
                "SELECT subscription_id, lower(span), upper(span) FROM meter_claim,"
                " unnest(subscription_ids, spans) AS one(subscription_id, span) ORDER BY span"
            )
        ).all()
    assert rows == [(first, JANUARY, TENTH), (again, TENTH, FEBRUARY), (last, FEBRUARY, None)]
