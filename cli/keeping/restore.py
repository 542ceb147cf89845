"""``fluxrate restore``: an installation out of a backup, into an empty place, and proved."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from rich.console import Console

from cli.audit.command import follow_chains
from cli.invoices import check_receipts
from cli.keeping.archive import (
    CONFIGURATION,
    DATABASE_DUMP,
    TEMPORAL_COPY,
    Manifest,
    private_folder,
    read_archive,
)
from cli.keeping.databases import DATABASE, TEMPORAL_FILE, load, product_database, stopped_instance
from cli.local.instance import Instance
from cli.output import make_console, refuse
from cli.requirements import require_database
from repositories.accounts.organizations import list_directory
from repositories.transactions import Transactions
from runtime.database.accounts import MIGRATIONS
from runtime.database.engine import create_application_engine
from runtime.database.migrations import upgrade
from runtime.database.schema import newest_revision
from runtime.embedded.engines import EmbeddedPostgres
from runtime.settings import Settings


def restore(source: Path, data_dir: Path | None, keys: Path | None, *, verifies: bool) -> int:
    """The installation is there, brought up to this version's schema; returns the exit code.

    1 if an invoice does not come out as it was issued, or a chain of the audit log does not hold.
    Nothing that is there is overwritten.
    """
    console = make_console()
    settings = Settings()
    if not source.is_file():
        refuse(f"There is no file {source}.")
    secret_keys = _read_keys(settings, keys)
    began = time.monotonic()
    url = None
    if data_dir is None:
        url = settings.migration_database_url or settings.database_url
        if url is None:
            refuse("Say --data-dir and an empty directory, or set DATABASE_URL.")
        require_database(url)
    instance = Instance((data_dir or settings.data_dir).absolute())
    if url is None:
        _require_empty(instance)
    # Unpacked where there is room for it: the working directory of a container cannot be written.
    beside = instance.data_dir.parent if url is None else source.absolute().parent
    with private_folder(beside) as folder:
        manifest = read_archive(source, folder, secret_keys)
        _require_known(manifest)
        if url is None:
            _restore_instance(instance, folder, secret_keys)
        else:
            load(url, folder / DATABASE_DUMP)
            upgrade(url)
        configuration = (folder / CONFIGURATION).read_text()
    console.print(
        f"Restored after {time.monotonic() - began:.1f} s: all that was committed before"
        f" {manifest.made_at}, by version {manifest.version}."
    )
    if configuration:
        console.print("It ran with these settings, and with the secrets that belong to them:")
        console.print(configuration, markup=False, soft_wrap=True)
    if secret_keys[1:]:
        console.print("Go on naming the earlier keys in FLUXRATE_PREVIOUS_SECRET_KEYS.")
    code = verify_restored(console, instance, url) if verifies else 0
    after = _next_steps(instance.data_dir if url is None else None)
    console.print(after, markup=False, soft_wrap=True)
    return code


def _next_steps(data_dir: Path | None) -> str:
    """How to look at what was restored while the first installation may still run."""
    if data_dir is None:
        start, quiet, rebuild = "start the API and the worker with", "FLUXRATE_OUTBOUND=off", ""
    else:
        rebuild = f" --data-dir {data_dir}"
        start, quiet = f"fluxrate up{rebuild} --port 8001", "--quiet"
    return (
        f"Next, to look at it: {start} {quiet}, then fluxrate rebuild{rebuild}."
        f" Without {quiet} only once the first installation is gone for good."
    )


def _restore_instance(instance: Instance, folder: Path, secret_keys: list[str]) -> None:
    instance.data_dir.mkdir(parents=True, exist_ok=True)
    with stopped_instance(instance):
        instance.keep_secret_key(secret_keys[0])
        server = EmbeddedPostgres(instance.data_dir)
        server.start()
        try:
            load(server.ensure_database(DATABASE), folder / DATABASE_DUMP)
            # What was loaded is the superuser's, who alone reads and writes whole databases.
            server.ensure_database(DATABASE)
            upgrade(server.url(DATABASE, MIGRATIONS))
        finally:
            server.stop()
        temporal = folder / TEMPORAL_COPY
        if temporal.exists():
            shutil.move(temporal, instance.data_dir / TEMPORAL_FILE)


def verify_restored(console: Console, instance: Instance, url: str | None) -> int:
    """Every receipt and every entry of the audit log, of every organization.

    As ``fluxrate invoices verify --all`` and ``fluxrate audit verify``.
    """
    began = time.monotonic()
    with product_database(instance, url) as address:
        engine = create_application_engine(address, pool_size=1)
        try:
            transactions = Transactions(engine)
            with transactions.for_organizations([]) as session:
                ids = list_directory(session)
            code = check_receipts(console, transactions, ids, last=None)
            holding = follow_chains(console, transactions, ids)
        finally:
            engine.dispose()
    console.print(
        f"{len(holding):,} of {len(ids):,} audit logs hold. Verified after"
        f" {time.monotonic() - began:.1f} s."
    )
    return code if len(holding) == len(ids) else 1


def _require_empty(instance: Instance) -> None:
    if instance.data_dir.exists() and any(instance.data_dir.iterdir()):
        refuse(f"{instance.data_dir} is not empty; name a directory that is, or none that is.")


def _require_known(manifest: Manifest) -> None:
    if manifest.schema > newest_revision():
        refuse(
            f"The backup is of version {manifest.version}, which is newer than this program:"
            " restore it by that version."
        )


def _read_keys(settings: Settings, keys: Path | None) -> list[str]:
    """Those of the file, else those of the environment. Raises Refusal if there are none."""
    if keys is None:
        if settings.secret_key is None:
            refuse("Name the file with the keys by --keys, or set FLUXRATE_SECRET_KEY.")
        return [settings.secret_key.get_secret_value(), *settings.former_secret_keys]
    if not keys.is_file():
        refuse(f"There is no file {keys}.")
    lines = dict(line.split("=", 1) for line in keys.read_text().splitlines() if "=" in line)
    in_force = lines.get("FLUXRATE_SECRET_KEY")
    if in_force is None:
        refuse(f"{keys} has no FLUXRATE_SECRET_KEY.")
    earlier = lines.get("FLUXRATE_PREVIOUS_SECRET_KEYS", "")
    return [in_force, *(one.strip() for one in earlier.split(",") if one.strip())]
