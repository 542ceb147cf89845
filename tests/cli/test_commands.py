"""Commands that need no instance of their own."""

from __future__ import annotations

import subprocess
import sys
from uuid import uuid4

import psycopg
import pytest

from cli.requirements import without_password
from tests.cli.running import fluxrate
from tests.servers import migration_url, process_url, superuser_url

HEAVY = ("fastapi", "sqlalchemy", "sqlmodel", "temporalio", "pydantic", "alembic", "psycopg")


def test_help_imports_nothing_heavy() -> None:
    program = f"import cli.main, sys; print([m for m in {HEAVY!r} if m in sys.modules])"

    result = subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, check=True
    )

    assert result.stdout.strip() == "[]"


def test_help_lists_every_command() -> None:
    result = fluxrate("--help")

    assert result.returncode == 0
    for command in ("up", "status", "down", "demo", "migrate", "api", "worker"):
        assert f" {command} " in result.stdout


def test_migrate_prepares_database_and_temporal_and_may_be_repeated(
    empty_database_url: str, temporal_address: str
) -> None:
    servers = {"DATABASE_URL": empty_database_url, "TEMPORAL_ADDRESS": temporal_address}
    namespace = {"TEMPORAL_NAMESPACE": "migrated"}

    first = fluxrate("migrate", **servers, **namespace)
    second = fluxrate("migrate", **servers, **namespace)

    assert "(10 new)" in first.stdout, first.stderr
    assert "(0 new)" in second.stdout, second.stderr
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_migrate_makes_the_account_that_processes_connect_as(empty_database_url: str) -> None:
    superuser, account = superuser_url(empty_database_url), f"app_{uuid4().hex}"
    processes = process_url(empty_database_url).replace("fluxrate_processes@", f"{account}:x1@")
    urls = {"DATABASE_URL": processes, "FLUXRATE_MIGRATION_DATABASE_URL": superuser}
    owners = urls | {"FLUXRATE_MIGRATION_DATABASE_URL": migration_url(empty_database_url)}

    refused = fluxrate("migrate", **owners)
    made = fluxrate("migrate", **urls)
    again = fluxrate("migrate", **owners)

    assert (refused.returncode, made.returncode, again.returncode) == (1, 0, 0), made.stderr
    assert "GRANT fluxrate_app TO it" in " ".join(refused.stderr.split())
    with psycopg.connect(processes) as connection:
        connection.execute("SET ROLE fluxrate_app")
        assert connection.execute("SELECT count(*) FROM customer").fetchone() == (0,)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"DROP ROLE {account}")


@pytest.mark.parametrize("command", ["migrate", "api", "worker"])
def test_command_without_a_database_says_which_setting_is_missing(command: str) -> None:
    result = fluxrate(command)

    assert result.returncode == 1
    assert "DATABASE_URL" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["up", "status", "migrate", "api", "worker"])
def test_wrong_setting_is_one_line_and_exit_code_two(command: str) -> None:
    result = fluxrate(command, FLUXRATE_SIGNUP="bogus")

    assert result.returncode == 2
    assert result.stderr == "fluxrate: FLUXRATE_SIGNUP must be open, first or closed.\n"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://postgres@/d?host=%2Fs", "postgresql://postgres@/d?host=%2Fs"),
    ],
)
def test_shown_addresses_hide_the_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
