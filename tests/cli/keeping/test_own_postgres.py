"""Backups, restores and upgrades on a PostgreSQL of the operator's own.

As docs/operators/backup.md and docs/operators/upgrading.md say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from runtime.database.migrations import downgrade
from runtime.database.schema import newest_revision
from runtime.embedded.processes import wait_until
from tests.cli.keeping.drills import Business, bill_on, keys_in
from tests.cli.running import RunningInstance, fluxrate
from tests.scenarios.account import Account
from tests.scenarios.product import SECRET, Product, settings_for
from tests.servers import process_url, superuser_url

FORMER = "0058"
"""A schema of an earlier version, which lacks columns of invoices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A backup that was made under load, and what was known when it began."""

    business: Business
    backup: Path
    url: str
    acknowledged: set[str]
    invoices: list[tuple[str, str, str]]


def settings_of(url: str, **others: str) -> dict[str, str]:
    """What the environment says where migrations have an account of their own."""
    return {
        "DATABASE_URL": process_url(url),
        "FLUXRATE_MIGRATION_DATABASE_URL": superuser_url(url),
        "FLUXRATE_SECRET_KEY": SECRET,
        **others,
    }


@contextmanager
def empty_databases(beside: str, count: int) -> Iterator[Sequence[str]]:
    """So many databases without a table on the same server, by the superuser's addresses."""
    server = superuser_url(beside)
    names = [f"copy_{uuid4().hex}" for _ in range(count)]
    with psycopg.connect(server, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield [urlunsplit(urlsplit(server)._replace(path=f"/{name}")) for name in names]
        finally:
            for name in names:
                drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
                connection.execute(drop.format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def kept(
    module_database_url: str, temporal_address: str, tmp_path_factory: pytest.TempPathFactory
) -> Kept:
    """What billed until March is kept while events come, and is then gone."""
    folder = tmp_path_factory.mktemp("kept")
    backup = folder / "monday.backup"
    product = Product(settings_for(module_database_url, temporal_address)).start()
    try:
        nowhere = RunningInstance(folder / "none")
        business = Business(nowhere, Account(product.url).sign_up()).begin()
        invoices = business.invoices()
        with business.under_load():
            assert wait_until(lambda: len(business.acknowledged) > 50, timeout_seconds=180)
            acknowledged = set(business.acknowledged)
            done = fluxrate("backup", str(backup), **settings_of(module_database_url))
    finally:
        product.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    return Kept(
        business=business,
        backup=backup,
        url=module_database_url,
        acknowledged=acknowledged,
        invoices=invoices,
    )


def restored(backup: Path, url: str) -> None:
    """An empty database has what was kept, and every invoice was proved."""
    done = fluxrate("restore", str(backup), **settings_of(url))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all are equal" in done.stdout
    assert "1 of 1 audit logs hold" in done.stdout
    assert "FLUXRATE_OUTBOUND=off" in done.stdout


def revision_of(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return "" if row is None else str(row[0])


def test_account_of_the_processes_makes_no_backup(kept: Kept, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": process_url(kept.url), "FLUXRATE_SECRET_KEY": SECRET}

    refused = fluxrate("backup", str(tmp_path / "some.backup"), **settings)

    assert refused.returncode == 1
    assert "one with BYPASSRLS" in " ".join(refused.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_restored_database_is_gone_on_with(kept: Kept, temporal_address: str) -> None:
    namespace = f"drill-{uuid4().hex}"
    with ExitStack() as stack:
        [url] = stack.enter_context(empty_databases(kept.url, 1))
        restored(kept.backup, url)
        # A Temporal that knows nothing.
        settings = settings_for(process_url(url), temporal_address)
        settings = settings.model_copy(update={"temporal_namespace": namespace})
        temporal = {"TEMPORAL_ADDRESS": temporal_address, "TEMPORAL_NAMESPACE": namespace}
        queue = {"FLUXRATE_TASK_QUEUE": settings.task_queue}
        given = settings_of(url, **temporal, **queue)
        migrated = fluxrate("migrate", **given)
        assert migrated.returncode == 0, migrated.stdout + migrated.stderr
        product = Product(settings).start()
        stack.callback(product.stop)
        moved = kept.business.found_at(product.url, kept.business.running)

        assert kept.acknowledged - keys_in(url) == set()
        rebuilt = fluxrate("rebuild", **given)
        assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
        bill_on(moved, kept.invoices)
        verified = fluxrate("invoices", "verify", "--all", **given)
        assert (verified.returncode, "12 receipts" in verified.stdout) == (0, True), verified.stdout


def test_upgrade_is_tried_on_a_copy_and_refused_where_an_invoice_differs(
    kept: Kept, tmp_path: Path
) -> None:
    with empty_databases(kept.url, 3) as (former, upgraded, refused):
        restored(kept.backup, former)
        downgrade(former, FORMER)

        before = fluxrate("regress", **settings_of(former))
        made = fluxrate("backup", str(tmp_path / "former.backup"), **settings_of(former))
        assert made.returncode == 0, made.stdout + made.stderr
        restored(tmp_path / "former.backup", upgraded)
        with psycopg.connect(former, autocommit=True) as connection:
            connection.execute(
                "UPDATE invoice_line SET line_total = line_total + 1 WHERE (organization_id, id) IN"
                " (SELECT organization_id, id FROM invoice_line WHERE line_total > 0 LIMIT 1)"
            )
        changed = tmp_path / "changed.backup"
        assert fluxrate("backup", str(changed), **settings_of(former)).returncode == 0
        gate = fluxrate("restore", str(changed), **settings_of(refused))

        assert (before.returncode, f"schema {FORMER}" in before.stderr) == (1, True), before.stderr
        assert revision_of(upgraded) == newest_revision()
        assert gate.returncode == 1, gate.stdout
        assert "lines_changed" in gate.stdout
