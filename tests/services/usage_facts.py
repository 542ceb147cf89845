"""Usage events put straight into the tables, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from billing.metering.aggregations import Measurement
from models.usage.event_ids import new_event_id
from models.usage.events import UsageCorrection, UsageEvent
from repositories.usage.corrections import draw_arrival_sequence
from tests.services.shop import NOW, Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An event as a test wants it stored."""

    at: datetime
    value: Decimal = Decimal(1)
    distinct_value: str | None = None
    counted: bool = True
    paused: bool = False
    late: bool = False
    meta_data: dict[str, Any] | None = None
    correction: Decimal | str | None = None
    """A quantity to amend it to, or ``"void"``."""


def store_events(
    shop: Shop, customer_id: UUID, meter_id: UUID, facts: Sequence[Fact]
) -> list[UsageEvent]:
    """The events are stored in this order of arrival, without identity and roll-up."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        # What lies before 2000 has a partition already.
        months = {fact.at.date().replace(day=1) for fact in facts if fact.at.year >= 2000}
        for month in sorted(months):
            open_month(session, shop.organization_id, month)
    with shop.transactions.for_organization(shop.organization_id) as session:
        return [store_one(session, shop, customer_id, meter_id, fact) for fact in facts]


def open_month(session: Session, _organization_id: UUID, month: date) -> None:
    """Events of a month, by its first day, can be stored."""
    session.execute(text("SELECT ensure_usage_partition(:month)"), {"month": month})


def expected_measurements(events: Sequence[UsageEvent], facts: Sequence[Fact]) -> list[Measurement]:
    """What of the events counts, for ``billing.metering.aggregations.aggregate``."""
    return [
        Measurement(
            at=event.timestamp,
            sequence=event.arrival_sequence,
            value=fact.correction if isinstance(fact.correction, Decimal) else fact.value,
            distinct_key=fact.distinct_value,
        )
        for event, fact in zip(events, facts, strict=True)
        if fact.counted and not fact.paused and fact.correction != "void"
    ]


def store_one(
    session: Session, shop: Shop, customer_id: UUID, meter_id: UUID, fact: Fact
) -> UsageEvent:
    """The event is stored when the session commits; no lock orders it."""
    event = UsageEvent(
        organization_id=shop.organization_id,
        id=new_event_id(fact.at),
        timestamp=fact.at,
        meter_id=meter_id,
        customer_id=customer_id,
        quantity=fact.value,
        distinct_value=fact.distinct_value,
        meta_data=fact.meta_data,
        arrival_sequence=draw_arrival_sequence(session),
        counted=fact.counted,
        late=fact.late,
        paused=fact.paused,
        ingested_at=NOW,
    )
    session.add(event)
    if fact.correction is not None:
        session.add(_correct(session, event, fact.correction))
    session.flush()
    return event


def _correct(session: Session, event: UsageEvent, correction: Decimal | str) -> UsageCorrection:
    amended = correction if isinstance(correction, Decimal) else None
    return UsageCorrection(
        organization_id=event.organization_id,
        event_id=event.id,
        timestamp=event.timestamp,
        meter_id=event.meter_id,
        customer_id=event.customer_id,
        kind="void" if amended is None else "amend",
        quantity=amended,
        arrival_sequence=draw_arrival_sequence(session),
        created_at=NOW,
    )
