"""Raw statements as the application role: every table of two organizations, tried row by row.

``tests/models/test_row_level_security.py`` reads in the catalogue what this does.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import pytest
from anyio.from_thread import BlockingPortal
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict

from migrations.policies import APPLICATION_ROLE
from tests.api.access.furnished import fill
from tests.api.isolation.two import Two
from tests.servers import superuser_url

NOBODYS: Final = {
    "alembic_version": "the revision of the schema",
    "installation_check": "when the installation was looked at last, and what was found",
    "login_address": "hashes of addresses from which an account was logged in to",
    "login_failures": "hashes of accounts, and when somebody failed to log in",
    "organization_directory": "the ids of all organizations and nothing else: whom relays visit",
}
"""Tables without an organization, and what is in them that is nobody's."""

ANOTHER_HOUSE: Final = "sandbox_gateway"
"""The schema of the sandbox gateway, which plays a payment provider: its rows are test data, of
accounts of its own, and the product reaches them by HTTP alone (decision 0042)."""

FEWEST_FILLED: Final = 40
"""How many tables have a row of theirs, at least: else the test tests nothing."""

TABLES: Final = """
SELECT class.oid::regclass::text, CASE
    WHEN class.relname = 'organization' THEN 'id'
    WHEN bool_or(field.attname = 'organization_id') THEN 'organization_id' END,
    array_agg(field.attname::text) FILTER (WHERE field.attgenerated = '')
FROM pg_class AS class
JOIN pg_attribute AS field ON field.attrelid = class.oid AND field.attnum > 0
    AND NOT field.attisdropped
WHERE class.relkind IN ('r', 'p') AND NOT class.relispartition
    AND class.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', %s)
GROUP BY class.oid, class.relname
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, the column that says whose a row is, and the columns that can be written."""

    name: str
    key: str | None
    columns: list[str]


@pytest.fixture
def everybody(module_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody whom no policy holds back."""
    with psycopg.connect(superuser_url(module_database_url), autocommit=True) as connection:
        yield connection


@pytest.fixture
def me(module_database_url: str, two: Two) -> Iterator[psycopg.Connection[Any]]:
    """A session of the application role; each transaction of it is of nobody until it says so."""
    assert two.my_ids
    with psycopg.connect(module_database_url) as connection:
        connection.execute(f"SET ROLE {APPLICATION_ROLE}")
        connection.commit()
        yield connection


def organization_of(two: Two, *, is_mine: bool) -> str:
    person = two.mine if is_mine else two.theirs
    return str(person.get("/api/v1/organization").json()["id"])


@pytest.fixture
def mine(two: Two) -> str:
    return organization_of(two, is_mine=True)


@pytest.fixture
def theirs(two: Two) -> str:
    return organization_of(two, is_mine=False)


def tables_of(connection: psycopg.Connection[Any]) -> list[Table]:
    return [Table(*row) for row in connection.execute(TABLES, [ANOTHER_HOUSE]).fetchall()]


def tenant_tables(connection: psycopg.Connection[Any]) -> list[Table]:
    return [table for table in tables_of(connection) if table.key is not None]


def begin(connection: psycopg.Connection[Any], organization_id: str) -> None:
    """A transaction of this organization, as every request has one."""
    connection.rollback()
    connection.execute(
        "SELECT set_config('app.organizations', %s, true)", [f"{{{organization_id}}}"]
    )


def run(connection: psycopg.Connection[Any], statement: str, *values: object) -> str:
    """What a statement comes to: how many rows it met, or why it was refused."""
    try:
        with connection.transaction():
            done = connection.execute(statement.encode(), values)
    except psycopg.errors.InsufficientPrivilege as refused:
        return "policy" if "row-level security" in str(refused) else "no right"
    except psycopg.errors.RestrictViolation:
        return "trigger"
    return str(done.rowcount)


def count(connection: psycopg.Connection[Any], table: Table, condition: str = "true") -> int:
    row = connection.execute(
        f"SELECT count(*) FROM {table.name} WHERE {condition}".encode()
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_every_table_without_an_organization_is_known_with_the_reason(
    everybody: psycopg.Connection[Any],
) -> None:
    without = {table.name for table in tables_of(everybody) if table.key is None}

    assert without == NOBODYS.keys()


def test_no_table_shows_a_row_to_nobody(
    everybody: psycopg.Connection[Any], me: psycopg.Connection[Any]
) -> None:
    assert {table.name: count(me, table) for table in tenant_tables(everybody)} == dict.fromkeys(
        (table.name for table in tenant_tables(everybody)), 0
    )


def test_every_table_shows_all_of_mine_and_nothing_of_theirs(
    everybody: psycopg.Connection[Any], me: psycopg.Connection[Any], mine: str, theirs: str
) -> None:
    filled = 0
    for table in tenant_tables(everybody):
        begin(me, mine)
        of_mine = count(everybody, table, f"{table.key} = '{mine}'")
        of_theirs = count(everybody, table, f"{table.key} = '{theirs}'")

        assert count(me, table) == of_mine, table.name
        assert count(me, table, f"{table.key} = '{theirs}'") == 0, table.name
        filled += of_theirs > 0
    assert filled >= FEWEST_FILLED


def test_no_row_of_theirs_is_changed_or_removed(
    everybody: psycopg.Connection[Any], me: psycopg.Connection[Any], mine: str, theirs: str
) -> None:
    begin(me, mine)
    for table in tenant_tables(everybody):
        where = f"WHERE {table.key} = %s"
        changed = run(me, f"UPDATE {table.name} SET {table.key} = {table.key} {where}", theirs)
        removed = run(me, f"DELETE FROM {table.name} {where}", theirs)

        assert {changed, removed} <= {"0", "no right"}, table.name


def test_no_row_of_mine_becomes_theirs(
    everybody: psycopg.Connection[Any], me: psycopg.Connection[Any], mine: str, theirs: str
) -> None:
    given = {}
    for table in tenant_tables(everybody):
        begin(me, mine)
        if count(me, table):
            given[table.name] = run(me, f"UPDATE {table.name} SET {table.key} = %s", theirs)

    # Triggers are asked before the policy: those of append-only tables refuse every such change.
    assert set(given.values()) <= {"policy", "no right", "trigger"}, given
    assert len(given) >= FEWEST_FILLED


def test_no_table_takes_a_new_row_of_theirs(
    everybody: psycopg.Connection[Any], me: psycopg.Connection[Any], mine: str, theirs: str
) -> None:
    taken = {}
    for table in tenant_tables(everybody):
        begin(me, mine)
        columns = sql.SQL(", ").join(map(sql.Identifier, table.columns)).as_string()
        row = everybody.execute(
            f"SELECT to_jsonb(one)::text FROM {table.name} AS one"
            f" WHERE {table.key} = %s LIMIT 1".encode(),
            [theirs],
        ).fetchone()
        # The policy is asked before any constraint: a row of nothing but its owner will do.
        written = row[0] if row else f'{{"{table.key}": "{theirs}"}}'
        taken[table.name] = run(
            me,
            f"INSERT INTO {table.name} ({columns}) SELECT {columns}"
            f" FROM jsonb_populate_record(NULL::{table.name}, %s::jsonb)",
            written,
        )

    assert set(taken.values()) <= {"policy", "no right"}, taken


def test_a_session_forgets_whose_it_was_with_every_transaction(
    everybody: psycopg.Connection[Any], me: psycopg.Connection[Any], mine: str, theirs: str
) -> None:
    directory = next(one for one in tenant_tables(everybody) if one.name == "customer")
    for end in (me.commit, me.rollback):
        begin(me, mine)
        assert count(me, directory) == 1
        end()
        assert count(me, directory) == 0
        begin(me, theirs)
        assert count(me, directory, f"organization_id <> '{theirs}'") == 0
    # Also where what was asked last has failed.
    begin(me, mine)
    with pytest.raises(psycopg.errors.DivisionByZero):
        me.execute("SELECT 1 / 0 FROM customer")
    me.rollback()
    assert count(me, directory) == 0


def test_connections_of_the_ingestion_path_forget_as_well(
    two: Two, one_event_loop: BlockingPortal, module_database_url: str
) -> None:
    key = two.mine.make_key("usage.write", "usage.read", "billing.read")
    event = {"customer_external_id": "acct_77", "meter_name": "api_calls", "quantity": 1}
    for _ in range(3):
        answer = two.mine.post("/api/v1/usage", json=event, headers={"X-API-Key": key})
        assert answer.status_code == 201, answer.text
    path = fill("/api/v1/customers/{customer_id}/entitlements", two.my_ids)
    assert two.mine.get(path, headers={"X-API-Key": key}).status_code == 200

    async def ask(connection: AsyncConnection[Any]) -> object:
        found = await connection.execute(
            "SELECT coalesce(current_setting('app.organizations', true), ''), current_user"
        )
        return await found.fetchone()

    # Those that other tests of this process left lead to databases that are gone.
    name = conninfo_to_dict(module_database_url)["dbname"]
    found = [one for one in gc.get_objects() if isinstance(one, AsyncConnection)]
    connections = [one for one in found if not one.closed and one.info.dbname == name]
    seen = [one_event_loop.call(ask, one) for one in connections]
    assert set(seen) == {("", APPLICATION_ROLE)}


@pytest.mark.parametrize("name", ["", "{}", "{NULL}"])
def test_a_tenant_that_is_nothing_sees_nothing(me: psycopg.Connection[Any], name: str) -> None:
    me.rollback()
    me.execute("SELECT set_config('app.organizations', %s, true)", [name])

    assert me.execute("SELECT count(*) FROM customer").fetchone() == (0,)
