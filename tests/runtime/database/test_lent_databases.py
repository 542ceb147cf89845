"""A database that is lent again is as a new one, and one that cannot be is not lent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from models.base import new_id
from runtime.database.accounts import MIGRATIONS
from runtime.embedded.engines import EmbeddedPostgres
from tests import lent_databases
from tests.lent_databases import LentDatabases
from tests.servers import TEMPLATE

WRITE = """
INSERT INTO installation_check (name, begins_at, checked_at, examined, unchecked, findings)
VALUES ('a check', now(), now(), 0, 0, '{}')
"""
COUNT = "SELECT count(*) FROM installation_check"


@pytest.fixture
def made() -> list[str]:
    """The databases that there are, of which one is left when all is well."""
    return []


@pytest.fixture
def databases(postgres_server: EmbeddedPostgres, made: list[str]) -> Iterator[LentDatabases]:
    with psycopg.connect(postgres_server.url(), autocommit=True) as owner:

        def make() -> str:
            made.append(f"lent_{new_id().hex}")
            words = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
            names = (made[-1], TEMPLATE, MIGRATIONS)
            owner.execute(words.format(*map(sql.Identifier, names)))
            return made[-1]

        def drop(name: str) -> None:
            owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            made.remove(name)

        yield LentDatabases(make, drop, postgres_server.url)
        for name in (*made,):
            drop(name)


@pytest.fixture
def connect(postgres_server: EmbeddedPostgres) -> Callable[[str], psycopg.Connection]:
    return lambda name: psycopg.connect(postgres_server.url(name), autocommit=True)


def test_what_one_borrower_wrote_the_next_does_not_see(
    databases: LentDatabases, connect: Callable[[str], psycopg.Connection]
) -> None:
    first = databases.lend()
    with connect(first) as connection:
        connection.execute(WRITE)
    databases.take_back(first)

    second = databases.lend()

    assert second == first
    with connect(second) as connection:
        assert connection.execute(COUNT).fetchone() == (0,)


def test_two_borrowers_at_a_time_have_two(databases: LentDatabases) -> None:
    assert databases.lend() != databases.lend()


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE beside (id int)",
        "ALTER TABLE organization DROP COLUMN slug",
        "ALTER TABLE audit_entry DISABLE TRIGGER keep_entries",
        "ALTER TABLE organization NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY organization ON customer",
        "GRANT TRUNCATE ON customer TO fluxrate_app",
        "CREATE DOMAIN word AS text",
        "ANALYZE organization",
    ],
)
def test_one_whose_schema_or_statistics_changed_is_dropped(
    databases: LentDatabases,
    connect: Callable[[str], psycopg.Connection],
    made: list[str],
    change: str,
) -> None:
    name = databases.lend()
    with connect(name) as connection:
        connection.execute(change)

    databases.take_back(name)

    assert made == []


def test_one_with_settings_of_its_own_is_dropped(
    databases: LentDatabases, connect: Callable[[str], psycopg.Connection], made: list[str]
) -> None:
    name = databases.lend()
    with connect(name) as connection:
        connection.execute(f"ALTER DATABASE {name} SET statement_timeout = 5000")

    databases.take_back(name)

    assert made == []


def test_one_that_has_grown_is_dropped(
    databases: LentDatabases,
    connect: Callable[[str], psycopg.Connection],
    made: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lent_databases, "MOST_BYTES", 4096)
    name = databases.lend()
    with connect(name) as connection:
        connection.execute(WRITE)

    databases.take_back(name)

    assert made == []


def test_whoever_stayed_connected_is_out_and_what_they_had_open_is_gone(
    databases: LentDatabases, connect: Callable[[str], psycopg.Connection]
) -> None:
    name = databases.lend()
    left, kept = connect(name), connect(name)
    left.execute("BEGIN")
    left.execute(WRITE)

    databases.take_back(name, staying=[kept.info.backend_pid])

    assert kept.execute(COUNT).fetchone() == (0,)
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    kept.close()


def test_one_that_says_another_version_of_the_schema_is_dropped(
    databases: LentDatabases, connect: Callable[[str], psycopg.Connection], made: list[str]
) -> None:
    first = databases.lend()
    with connect(first) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0058'")
    databases.take_back(first)

    assert made == []
