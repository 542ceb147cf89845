"""Events of a paused subscription are flagged, exactly while the pause lasts (CONTRACT 46, 51)."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, select

from models.usage.events import UsageEvent
from services.lifecycle import changes
from tests.services.limited import Limited, limit
from tests.services.shop import NOW, Shop


def paused_of(limited: Limited) -> list[bool]:
    """Whether each event is flagged, in order of arrival."""
    with limited.shop.transactions.for_organization(limited.shop.organization_id) as session:
        events = session.exec(
            select(UsageEvent)
            .where(UsageEvent.organization_id == limited.shop.organization_id)
            .order_by(col(UsageEvent.arrival_sequence))
        )
        return [event.paused for event in events]


def test_pause_ends_where_it_was_planned_to_also_before_anybody_acts(shop: Shop) -> None:
    limited = limit(shop, reject_over_limit=False)
    assert limited.feature.meter_id is not None
    shop.add_usage_charge(limited.plan, limited.feature.meter_id)
    with shop.transactions.for_organization(shop.organization_id) as session:
        changes.pause_subscription(
            session,
            shop.organization_id,
            limited.subscription.id,
            resume_at=NOW - timedelta(minutes=30),
            now=NOW - timedelta(hours=1),
        )

    for timestamp in ("06:59:59.999999", "07:00:00", "07:29:59.999999", "07:30:00", "08:00:00"):
        limited.use(1, timestamp=f"2026-03-02T{timestamp}Z")

    assert paused_of(limited) == [False, True, True, False, False]
