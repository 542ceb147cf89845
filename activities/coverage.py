"""The hourly check of coverage: workflows missing or late are woken, the rest is logged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog
from temporalio import activity

from activities import declarations
from activities.declarations import CoverageDone
from repositories.accounts import organizations
from repositories.operations.occupied import list_occupied
from repositories.transactions import Transactions, name_organizations
from services.operations import coverage
from services.operations.coverage import Coverage

log = structlog.get_logger(__name__)

PAGE = 500
"""How many organizations are read from the directory at once."""

FindRunning = Callable[[UUID], Awaitable[set[UUID]]]
"""The subscriptions and invoices of an organization whose workflows run."""


class DirectoryPage(NamedTuple):
    """A page of the directory: who has anything to be checked, and where the next page begins."""

    occupied: Sequence[UUID]
    last: UUID


class CoverageActivities:
    """What the hourly check does; built where the worker is composed."""

    def __init__(
        self, transactions: Transactions, find_running: FindRunning, now: Callable[[], datetime]
    ) -> None:
        self._transactions = transactions
        self._find_running = find_running
        self._now = now

    @activity.defn(name=declarations.CHECK_COVERAGE)
    async def check_coverage(self) -> CoverageDone:
        """Every organization that has anything was looked at; workflows missing or late were woken.

        One that cannot be checked keeps no other from it. Idempotent: waking a workflow twice
        changes nothing. Raises what stopped the check of the first such one, after all others.
        """
        checked = found = repaired = 0
        failures: list[Exception] = []
        last: UUID | None = None
        while page := await asyncio.to_thread(self._read_directory, last):
            for organization_id in page.occupied:
                activity.heartbeat(checked)
                try:
                    running = await self._find_running(organization_id)
                    covered, woken = await asyncio.to_thread(self._check, organization_id, running)
                except Exception as failure:
                    # Raised again when all others were checked.
                    log.exception("coverage_check_failed", organization_id=str(organization_id))
                    failures.append(failure)
                    continue
                checked += covered.subscriptions
                found += len(covered.findings)
                repaired += woken
            last = page.last
        if failures:
            raise failures[0]
        log.info("coverage_checked", subscriptions=checked, findings=found, repaired=repaired)
        return CoverageDone(subscriptions=checked, findings=found, repaired=repaired)

    def _read_directory(self, after: UUID | None) -> DirectoryPage | None:
        with self._transactions.for_organizations([]) as session:
            page = organizations.list_directory_after(session, after, limit=PAGE)
            name_organizations(session, page)
            return DirectoryPage(list_occupied(session, page), page[-1]) if page else None

    def _check(self, organization_id: UUID, running: set[UUID]) -> tuple[Coverage, int]:
        now = self._now()
        with self._transactions.for_organization(organization_id) as session:
            covered = coverage.check_coverage(session, organization_id, running, now=now)
            woken = coverage.repair(session, organization_id, covered, now=now)
        for finding in covered.findings:
            log.warning(
                "coverage_finding",
                kind=finding.kind,
                organization_id=str(organization_id),
                subscription_id=str(finding.subscription_id),
                period_index=finding.period_index,
            )
        return covered, woken
