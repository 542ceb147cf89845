"""Whom a database belongs to, and what the account of the processes can do without a role."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from migrations.policies import APPLICATION_ROLE
from runtime.database.accounts import (
    MIGRATIONS,
    PROCESSES,
    ensure_process_account,
    separate_accounts,
)
from runtime.database.migrations import upgrade
from runtime.embedded.engines import EmbeddedPostgres
from tests.servers import migration_url, process_url, superuser_url

OTHERS = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')
    AND relowner <> 'fluxrate_owner'::regrole
UNION ALL
SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
    AND proowner <> 'fluxrate_owner'::regrole
UNION ALL
SELECT stxname FROM pg_statistic_ext WHERE stxowner <> 'fluxrate_owner'::regrole
UNION ALL
SELECT nspname FROM pg_namespace
WHERE nspname LIKE '%sandbox%' AND nspowner <> 'fluxrate_owner'::regrole
UNION ALL
SELECT datname FROM pg_database
WHERE datname = current_database() AND datdba <> 'fluxrate_owner'::regrole
"""


@pytest.fixture
def old_database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A superuser's address of a database that an earlier version made, all of it a superuser's."""
    name = f"old_{uuid4().hex}"
    identifier = sql.Identifier(name)
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER postgres").format(identifier))
    upgrade(postgres_server.url(name))
    yield postgres_server.url(name)
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def rows_of(url: str, statement: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(statement.encode()).fetchall()]


def test_everything_of_a_new_database_belongs_to_its_owner(database_url: str) -> None:
    assert rows_of(superuser_url(database_url), OTHERS) == []


def test_a_database_of_an_earlier_version_is_handed_over_with_its_rows(old_database: str) -> None:
    with psycopg.connect(old_database) as connection:
        connection.execute("INSERT INTO login_failures VALUES ('a hash', '{}', now())")
        assert "usage_event" in [row[0] for row in connection.execute(OTHERS)]

    separate_accounts(old_database)

    assert rows_of(old_database, OTHERS) == []
    assert rows_of(old_database, "SELECT count(*) FROM login_failures") == [1]
    # The owner migrates it, and what acts as the owner makes partitions for the application.
    upgrade(migration_url(old_database))
    with psycopg.connect(process_url(old_database)) as connection:
        connection.execute(f"SET ROLE {APPLICATION_ROLE}")
        connection.execute("SELECT ensure_usage_partition(date '2031-05-01')")
        connection.execute("SELECT analyze_usage_events()")
    assert rows_of(old_database, OTHERS) == []


def test_separating_again_waits_for_nobody(old_database: str) -> None:
    separate_accounts(old_database)

    with psycopg.connect(process_url(old_database)) as reader:
        reader.execute(f"SET ROLE {APPLICATION_ROLE}")
        reader.execute("SELECT count(*) FROM usage_event").fetchone()
        # Its transaction holds a lock that a change of owner would wait for.
        separate_accounts(f"{old_database}&options=-c%20lock_timeout%3D1s")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM organization",
        "SELECT count(*) FROM login_failures",
        "SELECT count(*) FROM alembic_version",
        "INSERT INTO organization_directory VALUES (gen_random_uuid())",
        "CREATE TABLE public.mine (id int)",
        "SET ROLE postgres",
        f"SET ROLE {MIGRATIONS}",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER ROLE fluxrate_app BYPASSRLS",
        "ALTER TABLE organization NO FORCE ROW LEVEL SECURITY",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('PG_VERSION')",
        "CREATE ROLE another LOGIN SUPERUSER",
        "SET session_replication_role = replica",
    ],
)
def test_a_smuggled_statement_finds_no_way_out_of_the_role(
    database_url: str, statement: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(f"SET ROLE {APPLICATION_ROLE}")
        # What a statement smuggled into a request would begin with.
        connection.execute("RESET ROLE")
        assert (
            connection.execute("SELECT session_user, current_user").fetchone() == (PROCESSES,) * 2
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_turning_policies_off_is_an_error_and_no_row(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(f"SET ROLE {APPLICATION_ROLE}")
        connection.execute("SET row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("SELECT count(*) FROM organization")


def test_the_account_of_an_operator_is_made_with_a_digest_of_its_password(
    database_url: str,
) -> None:
    account = f"processes_{uuid4().hex}"
    named = process_url(database_url).replace(PROCESSES, f"{account}:a%40secret")
    owner = superuser_url(database_url)

    assert ensure_process_account(owner, named)
    assert ensure_process_account(owner, named)
    assert not ensure_process_account(owner, owner)

    try:
        with psycopg.connect(named) as connection:
            connection.execute(f"SET ROLE {APPLICATION_ROLE}")
        found = rows_of(owner, f"SELECT rolpassword FROM pg_authid WHERE rolname = '{account}'")
        assert found[0].startswith("SCRAM-SHA-256$")
    finally:
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(f"DROP ROLE {account}")


def test_an_owner_who_may_make_no_account_is_told(database_url: str) -> None:
    stranger = process_url(database_url).replace(PROCESSES, "nobody_made_this")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ensure_process_account(migration_url(database_url), stranger)


def test_the_server_is_found_by_its_owner_alone(postgres_server: EmbeddedPostgres) -> None:
    # Every account is trusted on this socket: who cannot reach it is nobody there.
    mode = postgres_server.socket_dir.stat().st_mode
    assert mode & 0o077 == 0
