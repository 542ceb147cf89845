"""Migrations by several processes at once, and by one that dies in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from runtime.database.migrations import LOCK, upgrade
from runtime.database.schema import newest_revision
from runtime.embedded.processes import wait_until
from tests.servers import superuser_url

MIGRATE = "import sys; from runtime.database.migrations import upgrade; upgrade(sys.argv[1])"
SECONDS = 60.0
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = %s
"""
MADE = "SELECT to_regclass('webhook_endpoint') IS NOT NULL"
REVISION = "SELECT array_agg(version_num) FROM alembic_version"


class Migrating:
    """Processes that migrate one database, and what stands in their way."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", MIGRATE, self.url]
        self.processes.append(subprocess.Popen(command, stderr=subprocess.PIPE))
        return self.processes[-1]

    def read(self, query: str) -> object:
        with psycopg.connect(superuser_url(self.url)) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]

    def wait_until_waiting(self, kind: str, count: int) -> None:
        """So many processes wait for a lock of a kind."""
        with psycopg.connect(superuser_url(self.url), autocommit=True) as connection:

            def are_waiting() -> bool:
                return connection.execute(WAITING, (kind,)).fetchone() == (count,)

            assert wait_until(are_waiting, timeout_seconds=SECONDS)


@pytest.fixture
def migrating(empty_database_url: str) -> Iterator[Migrating]:
    """An empty database; whatever still migrates it at the end is ended."""
    made = Migrating(empty_database_url)
    yield made
    for process in made.processes:
        process.kill()
        process.communicate()


def test_organizations_are_written_while_deliveries_are_indexed(migrating: Migrating) -> None:
    upgrade(migrating.url, "0026")
    with (
        psycopg.connect(superuser_url(migrating.url)) as delivering,
        psycopg.connect(superuser_url(migrating.url)) as signing_up,
    ):
        delivering.execute("LOCK TABLE webhook_delivery IN ROW EXCLUSIVE MODE")
        process = migrating.start()
        migrating.wait_until_waiting("relation", 1)

        signing_up.execute("SET lock_timeout = '2s'")
        signing_up.execute("LOCK TABLE organization IN ROW EXCLUSIVE MODE")

        signing_up.rollback()
        delivering.rollback()
        error = process.communicate(timeout=SECONDS)[1]

    assert process.returncode == 0, error
    assert migrating.read(REVISION) == [newest_revision()]


def test_of_two_at_once_one_migrates_and_the_other_finds_nothing_to_do(
    migrating: Migrating,
) -> None:
    with psycopg.connect(superuser_url(migrating.url), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        both = [migrating.start(), migrating.start()]
        migrating.wait_until_waiting("advisory", 2)
        assert connection.execute("SELECT to_regclass('organization')").fetchone() == (None,)
        connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))

        errors = [process.communicate(timeout=SECONDS)[1] for process in both]

    # A second one that made anything again would have met what is there.
    assert [process.returncode for process in both] == [0, 0], errors
    assert migrating.read(REVISION) == [newest_revision()]


def test_migration_that_is_killed_half_way_leaves_nothing_half_done(migrating: Migrating) -> None:
    """It has made one of three tables; the second is in the way and never comes to be."""
    with psycopg.connect(superuser_url(migrating.url)) as connection:
        connection.execute("CREATE TABLE webhook_event ()")
        killed = migrating.start()
        migrating.wait_until_waiting("transactionid", 1)
        waiter = migrating.start()
        os.kill(killed.pid, signal.SIGKILL)
        killed.communicate(timeout=SECONDS)
        assert (migrating.read(MADE), migrating.read(REVISION)) == (False, ["0022"])
        connection.rollback()

    _, error = waiter.communicate(timeout=SECONDS)

    assert waiter.returncode == 0, error
    assert migrating.read(MADE) is True
    assert migrating.read(REVISION) == [newest_revision()]
