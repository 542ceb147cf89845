"""The schema's history leads to the models, and back to nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, pool, text
from sqlmodel import SQLModel

import models  # noqa: F401  (loads every table into the metadata)
from runtime.database.engine import sqlalchemy_url
from runtime.database.migrations import downgrade, migration_config, upgrade
from runtime.database.schema import newest_revision
from tests.servers import superuser_url

RELEASED = "0024"
"""The schema that processes of the last release write to while those of this one come up."""


@pytest.fixture
def owner_engine(empty_database_url: str) -> Iterator[Engine]:
    """The owner's connections to a database without any schema."""
    engine = create_engine(
        sqlalchemy_url(superuser_url(empty_database_url)), poolclass=pool.NullPool
    )
    yield engine
    engine.dispose()


def revisions() -> list[str]:
    """Every revision, oldest first."""
    scripts = ScriptDirectory.from_config(migration_config("postgresql://"))
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def schema_of(engine: Engine) -> dict[str, list[str]]:
    """What the catalogue holds besides the revision, as sorted definitions."""
    queries = {
        "columns": """
            SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
                   || ' ' || coalesce(column_default, '')
            FROM information_schema.columns WHERE table_schema = 'public'
              AND table_name <> 'alembic_version'
        """,
        "constraints": """
            SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
              AND conrelid <> 'alembic_version'::regclass
        """,
        "indexes": """
            SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
              AND tablename <> 'alembic_version'
        """,
        "policies": "SELECT tablename || ' ' || policyname || ' ' || qual FROM pg_policies",
        "functions": """
            SELECT p.oid::regprocedure || ' ' || prosrc FROM pg_proc p
            LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
            WHERE pronamespace = 'public'::regnamespace AND d.objid IS NULL
        """,
        "storage": """
            SELECT relname || ' ' || reloptions::text FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
        """,
        "statistics": "SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext",
        "sequences": "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'",
        "grants": """
            SELECT table_name || ' ' || grantee || ' ' || privilege_type
            FROM information_schema.role_table_grants WHERE table_schema = 'public'
              AND table_name <> 'alembic_version'
        """,
    }
    with engine.connect() as connection:
        return {kind: sorted(connection.scalars(text(query))) for kind, query in queries.items()}


def is_a_model(connection: Connection, name: str | None, kind: str) -> bool:
    """Partitions are made while running, so no model knows them."""
    if kind != "table":
        return True
    partitions = connection.scalars(text("SELECT relname FROM pg_class WHERE relispartition"))
    return name not in set(partitions)


def test_models_are_what_the_migrations_make(empty_database_url: str, owner_engine: Engine) -> None:
    upgrade(empty_database_url)

    with owner_engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: is_a_model(connection, name, kind),
            },
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_history_is_one_line() -> None:
    assert revisions() == [f"{number:04}" for number in range(1, len(revisions()) + 1)]


def test_the_newest_revision_is_known_without_alembic() -> None:
    assert newest_revision() == revisions()[-1]


def test_downgrade_leaves_nothing(empty_database_url: str, owner_engine: Engine) -> None:
    upgrade(empty_database_url)
    downgrade(empty_database_url, "base")

    assert {kind: found for kind, found in schema_of(owner_engine).items() if found} == {}


def test_every_step_back_and_forth_leads_to_the_same_schema(
    empty_database_url: str, owner_engine: Engine
) -> None:
    reached = {}
    for revision in revisions():
        upgrade(empty_database_url, revision)
        reached[revision] = schema_of(owner_engine)

    for revision in reversed(revisions()[:-1]):
        downgrade(empty_database_url, revision)
        assert schema_of(owner_engine) == reached[revision], revision
    upgrade(empty_database_url)
    assert schema_of(owner_engine) == reached[revisions()[-1]]


def test_processes_of_the_last_release_write_beside_those_of_this_one(
    empty_database_url: str, owner_engine: Engine
) -> None:
    needed = text("""
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL
    """)
    upgrade(empty_database_url, RELEASED)
    with owner_engine.connect() as connection:
        before = {tuple(row) for row in connection.execute(needed)}
    upgrade(empty_database_url)
    with owner_engine.connect() as connection:
        after = {tuple(row) for row in connection.execute(needed)}

    tables = {table for table, _ in before}
    assert {(table, name) for table, name in after - before if table in tables} == set()


def test_upgrading_again_changes_nothing(empty_database_url: str, owner_engine: Engine) -> None:
    upgrade(empty_database_url)
    before = schema_of(owner_engine)

    upgrade(empty_database_url)

    assert schema_of(owner_engine) == before
