"""What the hourly check found is kept as it was found; bills that wait are those that wait now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from temporalio.testing import ActivityEnvironment

from activities.coverage import CoverageActivities
from models.accounts.organizations import OrganizationDirectory
from services.invoicing import parking
from services.operations.coverage import Coverage
from services.operations.findings import Finding, FindingKind
from services.operations.kept_coverage import (
    MOST_KEPT,
    LatestCoverage,
    find_kept_coverage,
    keep_coverage,
)
from tests.services.lives import begin_life
from tests.services.shop import NOW, Shop

LATER = NOW + timedelta(hours=1)
EVERYTHING = Finding(
    kind=FindingKind.UNBILLED,
    detail="The draft of period 3 was deleted.",
    subscription_id=uuid4(),
    period_index=3,
    invoice_id=uuid4(),
    period_start=datetime(2026, 1, 1, tzinfo=UTC),
    period_end=datetime(2026, 2, 1, tzinfo=UTC),
    customer_id=uuid4(),
    meter_id=uuid4(),
)


def keep(shop: Shop, *findings: Finding, now: datetime = NOW) -> None:
    found = Coverage(subscriptions=2, findings=findings)
    with shop.transactions.for_organization(shop.organization_id) as session:
        keep_coverage(session, shop.organization_id, found, owners_checked=True, now=now)


def find(shop: Shop) -> LatestCoverage | None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        return find_kept_coverage(session, shop.organization_id)


def test_nothing_is_kept_before_the_first_check(shop: Shop) -> None:
    assert find(shop) is None


def test_findings_are_kept_as_they_were_found(shop: Shop) -> None:
    keep(shop, EVERYTHING, Finding(kind=FindingKind.GAP, detail="A gap."))

    kept = find(shop)

    assert kept is not None
    assert kept.coverage.findings[0] == EVERYTHING
    assert (kept.total, kept.coverage.subscriptions, kept.checked_at) == (2, 2, NOW)


def test_older_check_replaces_no_newer_one(shop: Shop) -> None:
    keep(shop, now=LATER)
    keep(shop, EVERYTHING, now=NOW)

    kept = find(shop)

    assert kept is not None
    assert (kept.total, kept.checked_at) == (0, LATER)


def test_a_check_that_found_very_much_keeps_the_first_and_counts_all(shop: Shop) -> None:
    keep(shop, *[EVERYTHING] * (MOST_KEPT + 5))

    kept = find(shop)

    assert kept is not None
    assert (len(kept.coverage.findings), kept.total) == (MOST_KEPT, MOST_KEPT + 5)


def test_bill_that_was_set_aside_since_then_is_shown_and_one_that_was_tried_again_is_not(
    shop: Shop,
) -> None:
    life = begin_life(shop)
    keep(shop, Finding(kind=FindingKind.NEEDS_ATTENTION, detail="x", subscription_id=uuid4()))
    life.do(
        parking.park_bill,
        period_index=0,
        step="price_usage",
        reason="No price.",
        at=LATER,
        now=LATER,
    )

    kept = find(shop)

    assert kept is not None
    [waiting] = kept.coverage.findings
    assert (waiting.kind, waiting.subscription_id) == (
        FindingKind.NEEDS_ATTENTION,
        life.subscription_id,
    )
    assert kept.total == 1


async def test_hourly_check_keeps_what_it_found(shop: Shop) -> None:
    begin_life(shop)
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.add(OrganizationDirectory(id=shop.organization_id))

    async def find_running(_organization_id: UUID) -> set[UUID]:
        return set()

    activities = CoverageActivities(shop.transactions, find_running, lambda: LATER)
    await ActivityEnvironment().run(activities.check_coverage)

    kept = find(shop)
    assert kept is not None
    assert (kept.checked_at, kept.owners_checked) == (LATER, True)
    assert {one.kind for one in kept.coverage.findings} == {FindingKind.OLD_MESSAGES}
