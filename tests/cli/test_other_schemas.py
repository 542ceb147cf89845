"""Commands of one version on the database of another, and on one that has nothing yet.

What docs/operators/upgrading.md says that they say.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from cli.output import Refusal
from cli.requirements import require_schema
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.database.schema import newest_revision
from runtime.embedded.engines import EmbeddedPostgres
from tests.cli.running import fluxrate
from tests.scenarios.product import SECRET
from tests.servers import start_postgres, superuser_url

FORMER = "0058"
"""The schema of an earlier version."""


@contextmanager
def transactions_on(url: str) -> Iterator[Transactions]:
    engine = create_application_engine(url, pool_size=1)
    yield Transactions(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def empty_server() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that never heard of the product: it has none of its roles."""
    server = start_postgres(f"empty-{uuid4().hex}")
    yield server
    server.stop()


@pytest.mark.parametrize("command", ["rebuild", "reseal", "usage verify"])
def test_commands_that_read_say_which_schema_is_there_and_which_they_need(
    command: str, database_url: str
) -> None:
    with psycopg.connect(superuser_url(database_url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [FORMER])

    refused = fluxrate(
        *command.split(),
        DATABASE_URL=database_url,
        # Nobody is there: the schema is asked for before Temporal is.
        TEMPORAL_ADDRESS="127.0.0.1:1",
        FLUXRATE_SECRET_KEY=SECRET,
    )

    said = " ".join(refused.stderr.split())
    assert refused.returncode == 1, refused.stdout
    assert f"has schema {FORMER}, and this version needs {newest_revision()}" in said


def test_command_on_a_new_server_says_that_there_is_no_schema(
    empty_server: EmbeddedPostgres,
) -> None:
    refused = fluxrate("usage", "verify", DATABASE_URL=empty_server.url())

    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "The database has no schema" in " ".join(refused.stderr.split())


def test_database_without_tables_has_no_schema_where_the_roles_are_known(
    empty_database_url: str,
) -> None:
    with (
        transactions_on(empty_database_url) as transactions,
        pytest.raises(Refusal, match="has no schema, and this version needs"),
    ):
        require_schema(transactions)


def test_account_that_may_not_act_as_the_application_finds_no_schema(database_url: str) -> None:
    account = f"stranger_{uuid4().hex}"
    with psycopg.connect(superuser_url(database_url), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {account} LOGIN".encode())
        try:
            strange = database_url.replace("fluxrate_processes@", f"{account}@")
            with (
                transactions_on(strange) as transactions,
                pytest.raises(Refusal, match="has no schema that its account may read"),
            ):
                require_schema(transactions)
        finally:
            connection.execute(f"DROP ROLE {account}".encode())


def test_server_that_went_away_is_not_taken_for_one_without_a_schema() -> None:
    server = start_postgres(f"gone-{uuid4().hex}")
    url = server.url()
    server.stop()

    with transactions_on(url) as transactions, pytest.raises(OperationalError):
        require_schema(transactions)
