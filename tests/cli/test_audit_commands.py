"""``fluxrate audit``: chains verified on the machine itself, heads kept, late entries bound.

The commands are those of docs/operators/audit-log.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from cli.keeping.restore import verify_restored
from cli.local.instance import Instance
from cli.main import app
from models.accounts.organizations import OrganizationDirectory
from models.audit_log import AuditEntry
from repositories.transactions import Transactions
from tests.services.audit_logs import look, owner_of, rebind, tamper, write_log
from tests.services.conftest import transactions
from tests.services.shop import NOW, Shop, open_shop

__all__ = ["transactions"]

FORGED = (
    "UPDATE audit_entry SET actor = 'nobody' WHERE organization_id = %(organization)s AND id ="
    " (SELECT entry_id FROM audit_link WHERE organization_id = %(organization)s AND position = 4)"
)


@pytest.fixture
def log(transactions: Transactions) -> Shop:
    """An organization with entries, known to the directory."""
    shop = write_log(open_shop(transactions))
    with transactions.for_organization(shop.organization_id) as session:
        session.add(OrganizationDirectory(id=shop.organization_id))
    return shop


@pytest.fixture
def owner(module_database_url: str) -> Iterator[Engine]:
    """Whoever may change anything."""
    engine = owner_of(module_database_url)
    yield engine
    engine.dispose()


def run(shop: Shop, database_url: str, command: str, *words: str) -> Result:
    whose = ("--organization", str(shop.organization_id))
    return CliRunner().invoke(
        app, ["audit", command, *whose, *words], env={"DATABASE_URL": database_url}
    )


def test_chain_that_holds_is_told_with_its_head(log: Shop, module_database_url: str) -> None:
    head = look(log).end.head

    done = run(log, module_database_url, "verify")

    assert done.exit_code == 0
    assert f"{head.position} entries hold; the head is {head.position}:{head.digest}" in done.stdout


def test_first_broken_link_is_named(log: Shop, owner: Engine, module_database_url: str) -> None:
    tamper(owner, log, FORGED)

    done = run(log, module_database_url, "verify")

    assert done.exit_code == 1
    assert f"{log.organization_id} position 4 entry " in done.stdout
    assert "content_changed" in done.stdout


def test_a_restored_log_that_does_not_hold_is_told(
    log: Shop, owner: Engine, module_database_url: str, tmp_path: Path
) -> None:
    said = StringIO()

    def verify() -> int:
        return verify_restored(Console(file=said), Instance(tmp_path), module_database_url)

    def holding() -> int:
        return int(re.findall(r"(\d+) of \d+ audit logs hold", said.getvalue())[-1])

    verify()
    before = holding()
    assert f"{log.organization_id} position 4" not in said.getvalue()
    tamper(owner, log, FORGED)

    assert verify() == 1
    assert holding() == before - 1
    assert f"{log.organization_id} position 4 entry" in said.getvalue()


def test_heads_of_an_earlier_run_tell_a_history_that_was_written_anew(
    log: Shop, owner: Engine, module_database_url: str, tmp_path: Path
) -> None:
    heads = tmp_path / "heads"
    end = look(log).end.head.position
    assert run(log, module_database_url, "verify", "--write-heads", str(heads)).exit_code == 0
    assert run(log, module_database_url, "verify", "--heads", str(heads)).exit_code == 0
    tamper(owner, log, FORGED)
    rebind(owner, log, 4, end)
    assert run(log, module_database_url, "verify").exit_code == 0

    done = run(log, module_database_url, "verify", "--heads", str(heads))

    assert done.exit_code == 1
    assert f"position {end}: head_differs" in done.stdout


def test_file_that_holds_no_heads_is_refused(
    log: Shop, module_database_url: str, tmp_path: Path
) -> None:
    heads = tmp_path / "heads"
    heads.write_text("nothing\n")

    done = run(log, module_database_url, "verify", "--heads", str(heads))

    assert done.exit_code != 0
    assert "is no file of heads" in str(done.exception)


def test_entries_of_a_version_before_are_bound_by_command(
    log: Shop, module_database_url: str
) -> None:
    with log.transactions.for_organization(log.organization_id) as session:
        session.add(
            AuditEntry(
                organization_id=log.organization_id,
                at=NOW,
                actor="system",
                action="thing.changed",
                object_type="thing",
            )
        )
    assert run(log, module_database_url, "verify").exit_code == 1

    assert "1 entries were bound" in run(log, module_database_url, "link").stdout

    assert run(log, module_database_url, "verify").exit_code == 0
    assert (
        '"actor":"operator","action":"audit.linked"'
        in run(log, module_database_url, "export").stdout
    )
