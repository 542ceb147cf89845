"""The databases of an installation as files: written down, and made again out of them."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from cli.local.instance import Instance
from cli.output import refuse
from cli.requirements import require_database, without_password
from migrations.policies import APPLICATION_ROLE
from runtime.embedded.engines import EmbeddedPostgres, postgres_program
from runtime.embedded.processes import ProcessFailure

DATABASE: Final = "fluxrate"
TEMPORAL_FILE: Final = "temporal.sqlite"


@contextmanager
def product_database(instance: Instance, url: str | None) -> Iterator[str]:
    """The address of the operator's database, or of the instance's own, started if it is not.

    Raises:
        Refusal: the operator's does not answer, or there is no instance.
        ProcessFailure: the instance's own does not start.
    """
    if url is not None:
        require_database(url)
        yield url
        return
    server = EmbeddedPostgres(instance.data_dir)
    if server.pid_file.holder() is not None:
        server.start()
        yield server.url(DATABASE)
        return
    if not (instance.data_dir / "postgres").exists():
        refuse(f"There is no installation in {instance.data_dir}, and no DATABASE_URL.")
    with stopped_instance(instance):
        server.start()
        try:
            yield server.url(DATABASE)
        finally:
            server.stop()


@contextmanager
def stopped_instance(instance: Instance) -> Iterator[None]:
    """Within this, nobody starts the instance. Raises Refusal if it runs."""
    supervisor = instance.pid_file("up")
    if not supervisor.claim():
        refuse(f"Fluxrate runs from {instance.data_dir}; `fluxrate down` stops it.")
    try:
        yield
    finally:
        supervisor.release()


def dump(url: str, target: Path) -> None:
    """The database as one instant saw it, in PostgreSQL's own format.

    What was committed before is in it, what is committed later is not; writers do not wait.

    Raises:
        Refusal: it cannot be read whole; the text ends with what PostgreSQL said.
    """
    words = ["--format=custom", "--no-owner", f"--file={target}", url]
    _run("pg_dump", words, f"{without_password(url)} cannot be backed up")


def load(url: str, source: Path) -> None:
    """A database without tables is the one that was dumped.

    Raises:
        Refusal: it has tables, or PostgreSQL refuses; then nothing was changed.
    """
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        held = connection.execute(
            "SELECT count(*) FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        ).fetchone()
        if held is not None and held[0]:
            refuse(f"{without_password(url)} has {held[0]} tables; name an empty database.")
        known = connection.execute(
            "SELECT FROM pg_roles WHERE rolname = %s", [APPLICATION_ROLE]
        ).fetchone()
        if known is None:
            connection.execute(f"CREATE ROLE {APPLICATION_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS")
    words = ["--no-owner", "--single-transaction", "--exit-on-error", f"--dbname={url}"]
    _run("pg_restore", [*words, str(source)], f"{without_password(url)} cannot be restored")


def copy_temporal(instance: Instance, target: Path) -> bool:
    """The embedded Temporal's file as it is at one instant, also while it runs.

    Whether there is one.
    """
    source = instance.data_dir / TEMPORAL_FILE
    if not source.exists():
        return False
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as read,
        closing(sqlite3.connect(target)) as written,
    ):
        read.backup(written)
        written.execute("PRAGMA journal_mode = DELETE")
    return True


def _run(program: str, words: list[str], failure: str) -> None:
    done = subprocess.run(
        [_find_program(program), *words], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = done.stderr.strip()
        if "row-level security" in said or "permission denied" in said:
            said += (
                "\nThe account does not see every row: name a superuser, or one with BYPASSRLS, in"
                " FLUXRATE_MIGRATION_DATABASE_URL."
            )
        refuse(f"{failure}: {said}")


def _find_program(name: str) -> str:
    """The newest that there is: one that is older than the server refuses it."""
    found = [] if (own := shutil.which(name)) is None else [own]
    with suppress(ProcessFailure):
        found.append(str(postgres_program(name)))
    if not found:
        refuse(f"There is no {name}: install PostgreSQL's client, of the server's version.")
    return max(found, key=_major_version)


def _major_version(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"\d+", said.stdout)
    return 0 if number is None else int(number[0])
