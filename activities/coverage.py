"""The hourly check of coverage: workflows missing or late are woken, the rest is logged and kept.

Some issued invoices are computed again besides, drawn by lot.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from temporalio import activity

from activities import declarations
from activities.declarations import CoverageDone
from repositories.accounts import organizations
from repositories.operations.occupied import list_occupied
from repositories.transactions import Transactions, name_organizations
from services.credits.ends import AT_ONCE, expire_due
from services.operations import coverage
from services.operations.checks import Round, keep_round
from services.operations.coverage import Coverage
from services.operations.kept_coverage import keep_coverage
from services.operations.samples import Sample, recompute_sample
from services.purchases.hourly import look_after
from services.purchases.recurring import grant_to, list_due_customers

log = structlog.get_logger(__name__)

PAGE = 500
"""How many organizations are read from the directory at once."""

SAMPLE: Final = 100
"""How many issued invoices are computed again in a round, of all organizations together."""

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

        One that cannot be checked keeps no other from it. What it came to is kept for operators.
        Idempotent: waking a workflow twice changes nothing. Raises what stopped the check of the
        first such one, after all others.
        """
        done = Round()
        seen: list[UUID] = []
        failures: list[Exception] = []
        last: UUID | None = None
        while page := await asyncio.to_thread(self._read_directory, last):
            for organization_id in page.occupied:
                activity.heartbeat(done.subscriptions)
                try:
                    running = await self._find_running(organization_id)
                    covered, woken = await asyncio.to_thread(self._check, organization_id, running)
                except Exception as failure:
                    # Raised again when all others were checked.
                    log.exception("coverage_check_failed", organization_id=str(organization_id))
                    failures.append(failure)
                    continue
                done.add(covered, repaired=woken)
                seen.append(organization_id)
            last = page.last
        done.unchecked = len(failures)
        await self._recompute(done, seen, failures)
        await asyncio.to_thread(self._keep, done)
        if failures:
            raise failures[0]
        done.tell(log)
        return CoverageDone(
            subscriptions=done.subscriptions,
            findings=done.findings.total(),
            repaired=done.repaired,
        )

    async def _recompute(
        self, done: Round, organization_ids: Sequence[UUID], failures: list[Exception]
    ) -> None:
        """Some invoices are computed again, whosever they are; one that cannot be hinders none."""
        if not organization_ids:
            return
        # By lot among those who have anything: the work of a round does not grow with them.
        lots = Counter(secrets.choice(organization_ids) for _ in range(SAMPLE))
        for organization_id, count in lots.items():
            activity.heartbeat(done.recomputed)
            try:
                sample = await asyncio.to_thread(self._sample, organization_id, count)
            except Exception as failure:
                log.exception("recomputation_failed", organization_id=str(organization_id))
                failures.append(failure)
                continue
            done.add_sample(sample)

    def _read_directory(self, after: UUID | None) -> DirectoryPage | None:
        with self._transactions.for_organizations([]) as session:
            page = organizations.list_directory_after(session, after, limit=PAGE)
            name_organizations(session, page)
            return DirectoryPage(list_occupied(session, page), page[-1]) if page else None

    def _check(self, organization_id: UUID, running: set[UUID]) -> tuple[Coverage, int]:
        now = self._now()
        self._move_credit(organization_id)
        with self._transactions.for_organization(organization_id) as session:
            look_after(session, organization_id, now=now)
        with self._transactions.for_organization(organization_id) as session:
            covered = coverage.check_coverage(session, organization_id, running, now=now)
            keep_coverage(session, organization_id, covered, owners_checked=True, now=now)
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

    def _move_credit(self, organization_id: UUID) -> None:
        """What recurs is granted, and grants whose time is over have a posting that says so.

        Grants of one customer in each transaction, and some ends.
        """
        granted = AT_ONCE
        while granted == AT_ONCE:
            now = self._now()
            with self._transactions.for_organization(organization_id) as session:
                due = list_due_customers(session, organization_id, limit=AT_ONCE, now=now)
            for customer_id in due:
                with self._transactions.for_organization(organization_id) as session:
                    grant_to(session, organization_id, customer_id, now=now)
            granted = len(due)
        ended = AT_ONCE
        while ended == AT_ONCE:
            with self._transactions.for_organization(organization_id) as session:
                ended = expire_due(session, organization_id, now=self._now())

    def _sample(self, organization_id: UUID, count: int) -> Sample:
        with self._transactions.for_organization(organization_id) as session:
            sample = recompute_sample(session, organization_id, count, secrets.randbelow)
        for flaw in sample.flaws:
            log.warning(
                "invoice_differs",
                fault=flaw.fault,
                organization_id=str(organization_id),
                invoice_id=str(flaw.invoice_id),
            )
        return sample

    def _keep(self, done: Round) -> None:
        with self._transactions.for_organizations([]) as session:
            keep_round(session, done, now=self._now())
