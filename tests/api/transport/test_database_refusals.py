"""A database that refuses writes: deadlock, failed serialization, full disk. Nothing half done."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from activities.errors import translated
from runtime.embedded.processes import wait_until
from tests.api.people import Person
from tests.api.sold import CALLS
from tests.servers import superuser_url

DEADLOCK, SERIALIZATION_FAILURE, DISK_FULL = "40P01", "40001", "53100"
CUSTOMER = {"name": "Harbor Labs", "email": "ap@harbor.test", "external_id": "acct_77"}
EVENT = {
    "meter_name": "calls",
    "customer_external_id": "acct_77",
    "timestamp": "2026-03-02T07:00:00Z",
    "idempotency_key": "job-5512",
    "properties": {"calls": 3},
}


@contextmanager
def refusing(url: str, table: str, code: str, *, times: int = 1_000_000) -> Iterator[None]:
    """Inside, the database refuses so many inserts into a table with this SQLSTATE."""
    with psycopg.connect(superuser_url(url), autocommit=True) as connection:
        connection.execute("DROP SEQUENCE IF EXISTS refusals")
        connection.execute("CREATE SEQUENCE refusals")
        connection.execute("GRANT USAGE ON SEQUENCE refusals TO PUBLIC")
        connection.execute(
            sql.SQL(
                """
                CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF nextval('refusals') <= {} THEN
                        RAISE EXCEPTION 'refused by a test' USING ERRCODE = {};
                    END IF;
                    RETURN new;
                END $$
                """
            ).format(sql.Literal(times), sql.Literal(code))
        )
        name = sql.Identifier(table)
        connection.execute(
            sql.SQL(
                "CREATE TRIGGER refuse BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION refuse()"
            ).format(name)
        )
        try:
            yield
        finally:
            connection.execute(sql.SQL("DROP TRIGGER refuse ON {}").format(name))


def require_unavailable(answer: Any, code: str = "unavailable") -> None:
    """It says to come again, and nothing about the inside."""
    assert answer.json()["code"] == code
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["content-type"] == "application/problem+json"
    assert "refused by a test" not in answer.text


@pytest.mark.parametrize(
    ("code", "answered"),
    [
        (DEADLOCK, "write_conflict"),
        (SERIALIZATION_FAILURE, "write_conflict"),
        (DISK_FULL, "database_unavailable"),
    ],
)
def test_refused_write_is_503_and_the_repeat_has_one_effect(
    owner: Person, module_database_url: str, code: str, answered: str
) -> None:
    headers = {"Idempotency-Key": f"create-{code}"}
    with refusing(module_database_url, "customer", code):
        refused = owner.post("/api/v1/customers", json=CUSTOMER, headers=headers)
        require_unavailable(refused, answered)
        assert owner.get("/api/v1/customers").json()["data"] == []

    answers = [
        owner.post("/api/v1/customers", json=CUSTOMER, headers=headers).status_code
        for _ in range(2)
    ]

    assert answers == [201, 201]
    assert len(owner.get("/api/v1/customers").json()["data"]) == 1


@pytest.mark.parametrize("code", [DEADLOCK, SERIALIZATION_FAILURE, DISK_FULL])
def test_refused_event_is_503_and_not_stored(
    owner: Person, module_database_url: str, code: str
) -> None:
    assert owner.post("/api/v1/features", json=CALLS).status_code == 201
    key = {"X-API-Key": owner.make_key("usage.write", "usage.read")}
    with refusing(module_database_url, "usage_event", code):
        require_unavailable(owner.post("/api/v1/usage", json=EVENT, headers=key))
        assert owner.get("/api/v1/usage").json()["data"] == []

    answers = [owner.post("/api/v1/usage", json=EVENT, headers=key).status_code for _ in range(2)]

    assert answers == [201, 200]


@pytest.mark.parametrize("code", [DEADLOCK, SERIALIZATION_FAILURE])
def test_event_that_met_a_deadlock_is_tried_again_by_itself(
    owner: Person, module_database_url: str, code: str
) -> None:
    assert owner.post("/api/v1/features", json=CALLS).status_code == 201
    key = {"X-API-Key": owner.make_key("usage.write")}

    with refusing(module_database_url, "usage_event", code, times=1):
        answer = owner.post("/api/v1/usage", json=EVENT, headers=key)

    assert answer.status_code == 201, answer.text


def test_two_that_wait_for_each_other_end_with_one_of_them_sent_away(
    owner: Person, module_database_url: str
) -> None:
    organization = owner.get("/api/v1/organization").json()["id"]
    key = f"idempotency:{organization}:POST:/api/v1/customers:create-77"

    def create() -> Any:
        headers = {"Idempotency-Key": "create-77"}
        return owner.post("/api/v1/customers", json=CUSTOMER, headers=headers)

    with (
        ThreadPoolExecutor(1) as people,
        psycopg.connect(superuser_url(module_database_url)) as other,
    ):
        # Whoever looks for a ring first is the one that leaves it: let it be the API.
        other.execute("SET deadlock_timeout = '60s'")
        other.execute(
            "INSERT INTO customer (organization_id, id, name, external_id, created_at, updated_at)"
            " VALUES (%s, gen_random_uuid(), 'Other', 'acct_77', now(), now())",
            [organization],
        )
        creating = people.submit(create)
        assert wait_until(lambda: is_waited_for(module_database_url), timeout_seconds=20)
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        require_unavailable(creating.result(), "write_conflict")
        other.rollback()

    assert create().status_code == 201
    assert len(owner.get("/api/v1/customers").json()["data"]) == 1


def is_waited_for(url: str) -> bool:
    """Whether somebody waits for a lock of somebody else."""
    with psycopg.connect(superuser_url(url), autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    assert found is not None
    return bool(found[0])


def test_step_of_a_workflow_that_met_a_deadlock_is_retried() -> None:
    with pytest.raises(psycopg.errors.DeadlockDetected), translated():
        raise psycopg.errors.DeadlockDetected("deadlock detected")
