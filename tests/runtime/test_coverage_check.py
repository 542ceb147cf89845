"""The hourly check looks at every organization, whatever becomes of one."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import event
from temporalio.testing import ActivityEnvironment

from activities.coverage import PAGE, CoverageActivities
from models.accounts.organizations import Organization
from repositories import outbox
from repositories.accounts import organizations
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from tests.many_organizations import add_organizations

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Unchecked(Exception):
    """One organization's workflows cannot be listed."""


def occupy(transactions: Transactions, name: str) -> UUID:
    """A new organization in which a message waits, so that there is something to check."""
    made = Organization(name=name, slug=name, created_at=NOW)
    with transactions.for_organization(made.id) as session:
        organizations.insert_organization(session, made)
        message = outbox.NewMessage(organization_id=made.id, payload={})
        outbox.insert_messages(session, outbox.WEBHOOK_MESSAGE, [message], now=NOW)
    return made.id


async def test_organization_that_cannot_be_checked_keeps_no_other_from_it(
    database_url: str,
) -> None:
    engine = create_application_engine(database_url)
    transactions = Transactions(engine)
    ids = [occupy(transactions, name) for name in ("first", "second", "third")]
    asked: list[UUID] = []

    async def find_running(organization_id: UUID) -> set[UUID]:
        asked.append(organization_id)
        if organization_id == ids[0]:
            raise Unchecked
        return set()

    coverage = CoverageActivities(transactions, find_running, lambda: NOW)

    with pytest.raises(Unchecked):
        await ActivityEnvironment().run(coverage.check_coverage)

    assert asked == ids
    engine.dispose()


async def test_organizations_without_anything_cost_a_statement_for_many(
    database_url: str,
) -> None:
    empty = len(add_organizations(database_url, now=NOW))
    engine = create_application_engine(database_url)
    occupied = occupy(Transactions(engine), "occupied")
    asked: list[UUID] = []
    executed: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *sent: executed.append(sent[2]))

    async def find_running(organization_id: UUID) -> set[UUID]:
        asked.append(organization_id)
        return set()

    coverage = CoverageActivities(Transactions(engine), find_running, lambda: NOW)
    await ActivityEnvironment().run(coverage.check_coverage)

    assert asked == [occupied]
    assert len(executed) < 4 * (empty // PAGE + 2) + 60
    engine.dispose()
