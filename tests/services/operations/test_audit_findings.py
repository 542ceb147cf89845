"""The hourly check looks at the audit log: its newest entries, and the others in turn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from services.operations import audit_findings as audit
from services.operations import coverage
from services.operations.findings import FindingKind
from tests.services.audit_logs import look, owner_of, tamper, write_log
from tests.services.shop import NOW, Shop

CHANGED = (
    "UPDATE audit_entry SET actor = 'nobody' WHERE organization_id = %(organization)s AND id ="
    " (SELECT entry_id FROM audit_link WHERE organization_id = %(organization)s AND position = 2)"
)


@pytest.fixture
def owner(module_database_url: str) -> Iterator[Engine]:
    """Whoever may change anything."""
    engine = owner_of(module_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def log(shop: Shop) -> Shop:
    """An organization with entries."""
    return write_log(shop)


def test_log_that_holds_is_no_finding(log: Shop) -> None:
    assert log.read(audit.audit_findings, now=NOW) == []


def test_entry_that_was_changed_is_named_by_the_check_of_coverage(log: Shop, owner: Engine) -> None:
    tamper(owner, log, CHANGED)

    found = log.read(coverage.check_coverage, None, now=NOW)

    [finding] = [one for one in found.findings if one.kind is FindingKind.AUDIT_LOG_CHANGED]
    assert finding.detail.startswith("Position 2, ")
    assert finding.detail.endswith("(content_changed)")


def test_every_entry_has_its_turn(
    log: Shop, owner: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AT_ONCE", 3)
    turns = -(-look(log).end.head.position // 3)
    tamper(owner, log, CHANGED)

    hours = [NOW + timedelta(hours=number) for number in range(turns)]
    found = [log.read(audit.audit_findings, now=hour) for hour in hours]

    assert sum(1 for one in found if one) == 1
