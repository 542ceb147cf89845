"""Alerts: made, shown, ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvalidInput
from billing.notifications.alerts import AlertOn, AlertTerms
from models.base import new_id
from models.notifications.alerts import Alert, AlertCrossing
from repositories.catalog import meters as stored_meters
from repositories.notifications import alerts as stored_alerts
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.audit_log import record
from services.credits import units
from services.credits.standing import find_customer
from services.required import not_found


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlert:
    """What is to be watched: of a customer, or of a subscription; all of it, or one meter."""

    terms: AlertTerms
    customer_id: UUID | None = None
    subscription_id: UUID | None = None
    meter_id: UUID | None = None
    unit: str | None = None
    rearm: bool = False


def create_alert(
    session: Session, organization_id: UUID, command: NewAlert, *, now: datetime
) -> Alert:
    """It is watched from now on; what is reached already is told soon.

    Raises NotFound, InvalidInput, which names the field. A repeat is told by its Idempotency-Key.
    """
    customer_id = _require_subject(session, organization_id, command)
    on = command.terms.on
    if on is AlertOn.USAGE and command.meter_id is None:
        raise InvalidInput("Usage is that of a meter.", code="no_meter", field="subject.meter_id")
    unit = None
    if on is not AlertOn.USAGE:
        unit = units.find_unit(session, organization_id, command.unit).code
    elif command.unit is not None:
        raise InvalidInput(
            "Usage is in the meter's unit: leave unit out.",
            code="unit_of_usage",
            field="subject.unit",
        )
    row = Alert(
        organization_id=organization_id,
        id=new_id(),
        customer_id=customer_id,
        subscription_id=command.subscription_id,
        meter_id=command.meter_id,
        on=on,
        unit=unit,
        thresholds=sorted(command.terms.thresholds),
        direction=command.terms.direction,
        action=command.terms.action,
        rearm=command.rearm,
        created_at=now,
    )
    stored_alerts.insert(session, row)
    _record(session, row, "alert.created", now=now)
    stored_alerts.wake(session, organization_id, customer_id, now=now)
    return row


def end_alert(session: Session, organization_id: UUID, alert_id: UUID, *, now: datetime) -> None:
    """It is not watched any more, and blocks nothing. A repeat changes nothing.

    Raises NotFound ``alert_not_found``.
    """
    row = require_alert(session, organization_id, alert_id)
    if row.deleted_at is None:
        row.deleted_at = now
        stored_alerts.insert(session, row)
        _record(session, row, "alert.ended", now=now)


def list_alerts(
    session: Session,
    organization_id: UUID,
    *,
    customer_id: UUID | None,
    offset: int,
    limit: int,
) -> tuple[Sequence[Alert], int]:
    """A page of what is watched, oldest first. Raises NotFound ``customer_not_found``."""
    if customer_id is not None:
        find_customer(session, organization_id, customer_id)
    return stored_alerts.list_alerts(
        session, organization_id, customer_id=customer_id, offset=offset, limit=limit
    )


def list_crossings(
    session: Session, organization_id: UUID, alert_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[AlertCrossing], int]:
    """A page of the times that it was reached, oldest first. Raises NotFound."""
    require_alert(session, organization_id, alert_id)
    return stored_alerts.list_crossings(
        session, organization_id, alert_id, offset=offset, limit=limit
    )


def require_alert(session: Session, organization_id: UUID, alert_id: UUID) -> Alert:
    """The alert, ended or not. Raises NotFound ``alert_not_found``."""
    row = stored_alerts.find_alert(session, organization_id, alert_id)
    if row is None:
        raise not_found("Alert")
    return row


def _require_subject(session: Session, organization_id: UUID, command: NewAlert) -> UUID:
    """Whose it is. Raises NotFound, InvalidInput."""
    if command.meter_id is not None:
        found = stored_meters.find_meter(session, organization_id, command.meter_id)
        if found is None:
            raise not_found("Meter", field="subject.meter_id")
    if command.subscription_id is not None:
        of = stored_subscriptions.find_subscription(
            session, organization_id, command.subscription_id
        )
        if of is None or of.deleted_at is not None:
            raise not_found("Subscription", field="subject.subscription_id")
        if command.customer_id not in {None, of.customer_id}:
            raise InvalidInput(
                "The subscription is another customer's.",
                code="subject_of_alert",
                field="subject.customer_id",
            )
        if command.terms.on is AlertOn.AVAILABLE:
            raise InvalidInput(
                "Credit is the customer's: leave subscription_id and meter_id out.",
                code="subject_of_alert",
                field="subject.subscription_id",
            )
        return of.customer_id
    if command.customer_id is None:
        raise InvalidInput("Name a customer or a subscription.", code="no_subject", field="subject")
    if command.terms.on is AlertOn.AVAILABLE and command.meter_id is not None:
        raise InvalidInput(
            "Credit is the customer's: leave subscription_id and meter_id out.",
            code="subject_of_alert",
            field="subject.meter_id",
        )
    return find_customer(session, organization_id, command.customer_id).id


def _record(session: Session, row: Alert, action: str, *, now: datetime) -> None:
    after = {
        "customer_id": row.customer_id,
        "on": row.on,
        "unit": row.unit,
        "thresholds": [format(one, "f") for one in row.thresholds],
        "action": row.action,
    }
    record(session, row.organization_id, action, "alert", row.id, after=after, now=now)
