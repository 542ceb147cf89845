"""The second wall: what the database itself refuses, whatever a query forgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import Session

from models.accounts.organizations import Organization, OrganizationDirectory
from models.base import new_id
from repositories.transactions import Transactions
from runtime.database.engine import APPLICATION_ROLE, create_application_engine

NOW = datetime(2026, 1, 1, tzinfo=UTC)

NOBODYS = {"alembic_version", "installation_check", "login_address", "login_failures"}
WITHOUT_ORGANIZATION = NOBODYS | {"organization_directory"}
"""Tables that are nobody's: the schema's revision, counts of findings, logins by hashes, ids."""

APPEND_ONLY = {
    *("account_posting", "audit_entry", "audit_link", "billing_run", "credit_grant"),
    *("credit_posting", "credit_unit", "payment_reference", "plan_version", "signed_receipt"),
    *("usage_event", "usage_event_key"),
}
"""Facts: the application may add to them and can neither change nor remove them."""


@dataclass(frozen=True, slots=True)
class Table:
    """What the catalogue says of a table."""

    name: str
    is_secured: bool
    is_forced: bool
    organization_column: str | None
    owner: str


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[Engine]:
    """A pool of one connection, so that every transaction reuses the session of the last."""
    made = create_application_engine(module_database_url, pool_size=1)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def tables(engine: Engine) -> list[Table]:
    """Every table of the schema, partitions aside: those answer through their parent alone."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                """
                SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
                       CASE WHEN c.relname = 'organization' THEN 'id' ELSE (
                           SELECT a.attname FROM pg_attribute a
                           WHERE a.attrelid = c.oid AND a.attname = 'organization_id') END,
                       pg_get_userbyid(c.relowner)
                FROM pg_class c
                WHERE c.relnamespace = 'public'::regnamespace
                  AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                ORDER BY c.relname
                """
            )
        )
        return [Table(*row) for row in rows]


@pytest.fixture
def organizations(engine: Engine) -> tuple[UUID, UUID]:
    """Two organizations that know nothing of each other."""
    return insert_organization(engine, "Mine"), insert_organization(engine, "Theirs")


def insert_organization(engine: Engine, name: str) -> UUID:
    identifier = new_id()
    with Transactions(engine).for_organization(identifier) as session:
        session.add(Organization(id=identifier, name=name, slug=name.lower(), created_at=NOW))
        session.flush()
        session.add(OrganizationDirectory(id=identifier))
    return identifier


def fail_within(engine: Engine, organization_id: UUID) -> None:
    with Transactions(engine).for_organization(organization_id) as session:
        assert names_of(session) == ["Mine"]
        raise ZeroDivisionError


def execute(engine: Engine, mine: UUID, statement: str, **values: object) -> int:
    """How many rows a statement of one organization changed."""
    with Transactions(engine).for_organization(mine) as session:
        return session.connection().execute(text(statement), values).rowcount


def names_of(session: Session) -> list[str]:
    return list(session.scalars(text("SELECT name FROM organization ORDER BY name")))


def test_every_table_with_an_organization_forces_row_level_security(tables: list[Table]) -> None:
    unsecured = {table.name for table in tables if not (table.is_secured and table.is_forced)}

    assert unsecured == WITHOUT_ORGANIZATION
    assert {table.name for table in tables if table.organization_column is None} == unsecured


def test_every_policy_of_an_organization_reads_and_writes_by_the_same_list(
    engine: Engine, tables: list[Table]
) -> None:
    with engine.connect() as connection:
        policies = {
            row.tablename: row
            for row in connection.execute(
                text("SELECT * FROM pg_policies WHERE policyname = 'organization'")
            )
        }

    assert set(policies) == {table.name for table in tables} - WITHOUT_ORGANIZATION
    for policy in policies.values():
        assert policy.cmd == "ALL", policy.tablename
        assert policy.permissive == "PERMISSIVE"
        assert policy.qual == policy.with_check, policy.tablename
        assert "app.organizations" in policy.qual, policy.tablename


def test_every_other_policy_only_reads_what_its_caller_can_name(engine: Engine) -> None:
    found = text("SELECT * FROM pg_policies WHERE policyname <> 'organization'")
    with engine.connect() as connection:
        others = list(connection.execute(found))

    assert {(policy.tablename, policy.policyname, policy.cmd) for policy in others} == {
        ("api_key", "lookup_key_hash", "SELECT"),
        ("app_user", "lookup_email", "SELECT"),
        ("email", "lookup_email_status", "SELECT"),
        ("email", "lookup_email_status_lock", "UPDATE"),
        ("gateway_task", "lookup_task_status", "SELECT"),
        ("gateway_task", "lookup_task_status_lock", "UPDATE"),
        ("invitation", "lookup_invitation", "SELECT"),
        ("invoice_link", "lookup_invoice_link", "SELECT"),
        ("outbox_message", "lookup_outbox_kind", "SELECT"),
        ("outbox_message", "lookup_outbox_kind_lock", "UPDATE"),
        ("password_reset", "lookup_password_reset", "SELECT"),
        ("receipt_key", "lookup_receipt_keys", "SELECT"),
        ("signed_receipt", "lookup_receipt_id", "SELECT"),
        ("user_session", "lookup_refresh_family", "SELECT"),
        ("webhook_delivery", "lookup_delivery_status", "SELECT"),
        ("webhook_delivery", "lookup_delivery_status_lock", "UPDATE"),
    }
    for policy in others:
        assert f"app.{policy.policyname.removesuffix('_lock')}" in policy.qual
        # Locking is an update to row-level security; none of those writes anything.
        assert policy.with_check == ("false" if policy.cmd == "UPDATE" else None)


def test_the_application_role_owns_nothing_and_bypasses_nothing(
    engine: Engine, tables: list[Table]
) -> None:
    with engine.connect() as connection:
        role = connection.execute(
            text("SELECT * FROM pg_roles WHERE rolname = :name"), {"name": APPLICATION_ROLE}
        ).one()
        owned = connection.scalar(
            text("SELECT count(*) FROM pg_class WHERE relowner = :role"), {"role": role.oid}
        )
        may_create = connection.scalar(
            text("SELECT has_schema_privilege(:name, 'public', 'CREATE')"),
            {"name": APPLICATION_ROLE},
        )

    assert APPLICATION_ROLE not in {table.owner for table in tables}
    assert (owned, may_create) == (0, False)
    assert [role.rolsuper, role.rolbypassrls, role.rolcreaterole, role.rolcreatedb] == [False] * 4


def test_facts_can_be_added_but_neither_changed_nor_removed(engine: Engine) -> None:
    with engine.connect() as connection:
        granted = {
            (name, privilege)
            for name, privilege in connection.execute(
                text(
                    "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
                    " WHERE grantee = :name AND table_schema = 'public'"
                ),
                {"name": APPLICATION_ROLE},
            )
        }

    for name in APPEND_ONLY:
        assert {kind for table, kind in granted if table == name} == {"SELECT", "INSERT"}, name
    assert not {privilege for _, privilege in granted} & {"TRUNCATE", "REFERENCES", "TRIGGER"}


def test_partitions_are_reached_through_their_parent_alone(engine: Engine) -> None:
    with engine.connect() as connection:
        reachable = connection.scalars(
            text(
                """
                SELECT relname FROM pg_class
                WHERE relispartition AND relkind = 'r'
                  AND has_table_privilege(:name, oid, 'SELECT, INSERT, UPDATE, DELETE')
                """
            ),
            {"name": APPLICATION_ROLE},
        )

        assert list(reachable) == []


def test_every_function_that_acts_as_its_owner_pins_its_search_path(engine: Engine) -> None:
    with engine.connect() as connection:
        unpinned = connection.scalars(
            text(
                """
                SELECT proname FROM pg_proc
                WHERE pronamespace = 'public'::regnamespace AND prosecdef
                  AND NOT coalesce(array_to_string(proconfig, ','), '') LIKE '%search_path=%'
                """
            )
        )

        assert list(unpinned) == []


@pytest.mark.usefixtures("organizations")
def test_a_query_without_an_organization_sees_no_row_of_any_table(
    engine: Engine, tables: list[Table]
) -> None:
    with engine.connect() as connection:
        for table in tables:
            if table.name not in WITHOUT_ORGANIZATION:
                count = connection.scalar(text(f"SELECT count(*) FROM {table.name}"))
                assert count == 0, table.name


def test_a_query_without_a_condition_sees_one_organization(
    engine: Engine, organizations: tuple[UUID, UUID]
) -> None:
    mine, theirs = organizations

    with Transactions(engine).for_organization(mine) as session:
        assert names_of(session) == ["Mine"]
    with Transactions(engine).for_organizations([mine, theirs]) as session:
        assert names_of(session) == ["Mine", "Theirs"]


def test_a_pooled_connection_forgets_the_organization_with_its_transaction(
    engine: Engine, organizations: tuple[UUID, UUID]
) -> None:
    mine, _ = organizations

    with Transactions(engine).for_organization(mine) as session:
        backend = session.scalar(text("SELECT pg_backend_pid()"))
    with Session(engine) as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) == backend
        assert names_of(session) == []


def test_a_pooled_connection_forgets_the_organization_of_a_failed_transaction(
    engine: Engine, organizations: tuple[UUID, UUID]
) -> None:
    mine, _ = organizations

    with pytest.raises(ZeroDivisionError):
        fail_within(engine, mine)
    with Session(engine) as session:
        assert names_of(session) == []


def test_a_row_of_another_organization_cannot_be_written(
    engine: Engine, organizations: tuple[UUID, UUID]
) -> None:
    mine, theirs = organizations

    with pytest.raises(ProgrammingError, match="row-level security"):
        execute(
            engine,
            mine,
            "INSERT INTO test_clock (organization_id, id, name, frozen_time, created_at)"
            " VALUES (:organization_id, :id, 'Forged', now(), now())",
            organization_id=theirs,
            id=new_id(),
        )
    rename = "UPDATE organization SET name = 'Taken' WHERE id = :id"
    assert execute(engine, mine, rename, id=theirs) == 0


def test_an_audit_entry_cannot_be_changed_or_removed(
    engine: Engine, organizations: tuple[UUID, UUID]
) -> None:
    mine, _ = organizations
    for statement in ("UPDATE audit_entry SET actor = 'nobody'", "DELETE FROM audit_entry"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            execute(engine, mine, statement)
