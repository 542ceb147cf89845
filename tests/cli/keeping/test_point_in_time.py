"""The drill of docs/operators/backup.md for who archives PostgreSQL's write-ahead log.

The database is put back to an instant between two billings, from a copy that is older than it and
the log since then; Temporal is not put back, and so is newer.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from runtime.embedded.accounts import unprivileged_account
from runtime.embedded.engines import (
    EmbeddedPostgres,
    let_others_reach,
    make_private_directory,
    postgres_program,
)
from runtime.embedded.processes import wait_until
from tests.cli.keeping.drills import MAY, Business, go_on, rebuild, stored_keys
from tests.cli.running import RunningInstance
from tests.servers import superuser_url


@dataclass(frozen=True, slots=True)
class Archiving:
    """A running installation whose PostgreSQL archives what it writes."""

    running: RunningInstance
    log: Path
    """Where the segments of the write-ahead log go."""
    base: Path
    """The copy from which a recovery begins."""

    @classmethod
    def begin(cls, running: RunningInstance, folder: Path) -> Archiving:
        """As an operator sets it up: the setting, a restart, a copy of the whole."""
        log = folder / "log"
        folder.mkdir()
        let_others_reach(folder)
        make_private_directory(log, unprivileged_account())
        running.up()
        archiving = cls(running, log, folder / "base")
        archiving.ask("ALTER SYSTEM SET archive_mode = on")
        archiving.ask(f"ALTER SYSTEM SET archive_command = 'cp %p {log}/%f'")
        running.clean_up()
        running.up()
        return archiving

    def copy(self) -> None:
        """The copy is made, while the installation goes on."""
        server = EmbeddedPostgres(self.running.data_dir)
        command = [str(postgres_program("pg_basebackup")), "--pgdata", str(self.base)]
        command += ["--dbname", server.url(), "--checkpoint", "fast", "--wal-method", "none"]
        subprocess.run(command, check=True, capture_output=True)

    def ask(self, statement: str) -> str:
        """What PostgreSQL answers its superuser."""
        url = superuser_url(self.running.addresses.database_url)
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return "" if row is None else str(row[0])

    def archive_all(self) -> None:
        """Whatever was committed until now is in the archive."""
        segment = self.ask("SELECT pg_walfile_name(pg_switch_wal())")
        assert wait_until((self.log / segment).exists, timeout_seconds=60)

    def put_back(self, to: datetime, place: RunningInstance) -> None:
        """The place has the database as it was at this instant; of Temporal all there is."""
        place.data_dir.mkdir(parents=True)
        for file in self.running.data_dir.glob("temporal.sqlite*"):
            shutil.copy(file, place.data_dir / file.name)
        shutil.copy(self.running.instance.secret_key_file, place.instance.secret_key_file)
        cluster = place.data_dir / "postgres"
        shutil.copytree(self.base, cluster)
        with (cluster / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"restore_command = 'cp {self.log}/%f %p'\n")
            settings.write(f"recovery_target_time = '{to.isoformat()}'\n")
            # Nobody is let in before it is where it should be, and then it goes on from there.
            settings.write("recovery_target_action = promote\nhot_standby = off\n")
            settings.write("archive_mode = off\n")
        (cluster / "recovery.signal").touch()
        give_away(cluster)


def give_away(folder: Path) -> None:
    """The folder belongs to the account that PostgreSQL runs by."""
    account = unprivileged_account()
    folder.chmod(0o700)
    for path in (folder, *folder.rglob("*")) if account else ():
        assert account is not None
        os.chown(path, account.user_id, account.group_id)


@pytest.fixture
def instances(tmp_path: Path) -> Iterator[tuple[RunningInstance, RunningInstance]]:
    pair = RunningInstance(tmp_path / "first"), RunningInstance(tmp_path / "place")
    try:
        yield pair
    finally:
        for one in pair:
            one.clean_up()


def test_put_back_to_an_instant_nothing_before_it_is_lost_and_nothing_is_billed_twice(
    instances: tuple[RunningInstance, RunningInstance], tmp_path: Path
) -> None:
    running, place = instances
    archiving = Archiving.begin(running, tmp_path / "archive")
    business = Business.open(running)
    archiving.copy()
    with business.under_load():
        assert wait_until(lambda: len(business.acknowledged) > 50, timeout_seconds=60)
        before, invoices = set(business.acknowledged), business.invoices()
        instant = datetime.fromisoformat(archiving.ask("SELECT clock_timestamp()"))
        count = len(business.acknowledged)
        assert wait_until(lambda: len(business.acknowledged) > count + 20, timeout_seconds=60)
    business.advance(MAY)
    archiving.archive_all()
    running.clean_up()

    archiving.put_back(instant, place)
    moved = business.moved_to(place.up())

    stored = stored_keys(place)
    assert before - stored == set()
    lost = [key for key in business.acknowledged if key not in stored]
    assert len(lost) > 10
    assert moved.invoices() == invoices
    rebuild(place)
    for key in lost:
        moved.use(key, int(key.rpartition("-")[2]) % 2, 1, "2025-03-01T01:00:00Z")
    go_on(moved, invoices)
    assert set(business.acknowledged) <= stored_keys(place)
