"""The hourly check looks at every organization, whatever becomes of one."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from activities.coverage import CoverageActivities
from models.accounts.organizations import Organization
from repositories.accounts import organizations
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Unchecked(Exception):
    """One organization's workflows cannot be listed."""


async def test_organization_that_cannot_be_checked_keeps_no_other_from_it(
    database_url: str,
) -> None:
    engine = create_application_engine(database_url)
    transactions = Transactions(engine)
    ids = []
    for name in ("first", "second", "third"):
        made = Organization(name=name, slug=name, created_at=NOW)
        with transactions.for_organization(made.id) as session:
            organizations.insert_organization(session, made)
        ids.append(made.id)
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
