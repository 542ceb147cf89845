"""Correcting usage: an event is void, or its quantity was another one. The event itself stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, NotFound
from billing.metering.aggregations import Aggregation, read_quantity
from billing.metering.corrections import CorrectionKind
from billing.metering.hours import floor_hour
from models.base import new_id
from models.usage.events import UsageCorrection, UsageEvent
from repositories.catalog import meters as stored_meters
from repositories.ingestion import late_marks as stored_late_marks
from repositories.notifications import alerts as stored_alerts
from repositories.subscriptions import thresholds as stored_thresholds
from repositories.usage import corrections as stored_corrections
from repositories.usage import rollups as stored_rollups
from repositories.usage.arrival_locks import lock_arrivals
from repositories.usage.properties import rollups as stored_groups
from repositories.usage.rollups import Hours
from services.audit_log import record
from services.required import require_meter


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedEvent:
    """An event with the correction that holds of it now."""

    event: UsageEvent
    correction: UsageCorrection | None


def void_usage(
    session: Session, organization_id: UUID, event_id: UUID, *, now: datetime
) -> CorrectedEvent:
    """The event counts no more; what its invoice does about it follows ``late_usage``.

    Idempotent by the event: a second void changes nothing. Raises NotFound.
    Source: CONTRACT section 6, 19.
    """
    event, former = _lock(session, organization_id, event_id)
    if former is not None and former.kind == CorrectionKind.VOID:
        return CorrectedEvent(event=event, correction=former)
    correction = _correct(session, event, CorrectionKind.VOID, None, now=now)
    record(
        session,
        organization_id,
        "usage_event.voided",
        "usage_event",
        event_id,
        before={"quantity": _quantity(event, former)},
        now=now,
    )
    return CorrectedEvent(event=event, correction=correction)


def amend_usage(
    session: Session, organization_id: UUID, event_id: UUID, quantity: Decimal, *, now: datetime
) -> CorrectedEvent:
    """The event counts with another quantity.

    Idempotent by the quantity: amending to what it is changes nothing. Raises NotFound, Conflict
    ``event_void``, InvalidInput for a quantity that the meter does not take.
    """
    event, former = _lock(session, organization_id, event_id)
    if former is not None and former.kind == CorrectionKind.VOID:
        raise Conflict("The event is void; send a new one instead.", code="event_void")
    _require_fitting(session, event, quantity)
    if _quantity(event, former) == quantity:
        return CorrectedEvent(event=event, correction=former)
    correction = _correct(session, event, CorrectionKind.AMEND, quantity, now=now)
    record(
        session,
        organization_id,
        "usage_event.amended",
        "usage_event",
        event_id,
        before={"quantity": _quantity(event, former)},
        after={"quantity": quantity},
        now=now,
    )
    return CorrectedEvent(event=event, correction=correction)


def _lock(
    session: Session, organization_id: UUID, event_id: UUID
) -> tuple[UsageEvent, UsageCorrection | None]:
    """The event and the correction that holds, while nothing of its customer arrives."""
    event = stored_corrections.find_event(session, organization_id, event_id)
    if event is None:
        raise NotFound("Usage event not found", code="usage_event_not_found")
    lock_arrivals(session, [(organization_id, event.customer_id)])
    former = stored_corrections.find_newest_correction(session, organization_id, event_id)
    return event, former


def _correct(
    session: Session,
    event: UsageEvent,
    kind: CorrectionKind,
    quantity: Decimal | None,
    *,
    now: datetime,
) -> UsageCorrection:
    correction = UsageCorrection(
        organization_id=event.organization_id,
        id=new_id(),
        event_id=event.id,
        timestamp=event.timestamp,
        meter_id=event.meter_id,
        customer_id=event.customer_id,
        kind=kind,
        quantity=quantity,
        arrival_sequence=stored_corrections.draw_arrival_sequence(session),
        created_at=now,
    )
    stored_corrections.insert_correction(session, correction)
    hour = Hours(
        organization_id=event.organization_id,
        customer_id=event.customer_id,
        meter_id=event.meter_id,
        hour=floor_hour(event.timestamp),
    )
    stored_rollups.write_hour(session, hour)
    stored_groups.write_hour(session, hour)
    stored_late_marks.mark_periods_changed_by(
        session,
        event.organization_id,
        event.customer_id,
        event.meter_id,
        event.timestamp,
        now=now,
    )
    stored_alerts.wake(session, event.organization_id, event.customer_id, now=now)
    stored_thresholds.wake(session, event.organization_id, event.customer_id, now=now)
    return correction


def _require_fitting(session: Session, event: UsageEvent, quantity: Decimal) -> None:
    meter = require_meter(
        stored_meters.find_meter(session, event.organization_id, event.meter_id),
        may_be_deleted=True,
    )
    read_quantity(Aggregation(meter.aggregation_type), quantity)


def _quantity(event: UsageEvent, correction: UsageCorrection | None) -> Decimal:
    if correction is None or correction.quantity is None:
        return event.quantity
    return correction.quantity
