"""Looking at alerts: what is reached is stored and told, once for each threshold and window.

Whatever changes what they watch queues a look in its own transaction; one that moves credit looks
itself, at its end. Source: CREDITS 25, docs/decisions/0079, 0092.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlmodel import Session

from billing.errors import BillingError
from billing.notifications.alerts import AlertAction, AlertDirection, AlertOn, AlertTerms
from models.base import new_id
from models.notifications.alerts import Alert, AlertCrossing
from repositories import customers as stored_customers
from repositories import outbox as stored_outbox
from repositories.notifications import alerts as stored_alerts
from repositories.transactions import Transactions, is_unreachable, name_organizations
from services.announcements import announce_alert
from services.credits.posting import take_moved
from services.rating.alerts.figures import Figure, Figures
from services.subscriptions import clocks

log = structlog.get_logger(__name__)

AT_ONCE: Final = 100
"""How many messages of a customer are one look."""


def look_at_next(transactions: Transactions, *, now: datetime) -> bool:
    """The alerts of the customer who was asked for first were looked at; whether there may be more.

    One customer in a transaction, so that nobody who moves their credit waits for another's look,
    and with nobody else's messages locked, so that several processes share the work. What a message
    says was stored before it could be read, so the figures that are read now count it.
    """
    kind = stored_alerts.MESSAGE
    with transactions.looking_up(stored_outbox.LOOKUP, kind) as session:
        due = stored_outbox.lock_due_messages(session, kind, now=now, limit=1)
        if not due:
            return False
        organization_id, customer = due[0].organization_id, due[0].payload["customer_id"]
        name_organizations(session, [organization_id])
        more = stored_outbox.lock_due_of(
            session, organization_id, kind, customer, now=now, limit=AT_ONCE
        )
        messages = {one.id: one for one in (*due, *more)}.values()
        try:
            with session.begin_nested():
                look(session, organization_id, UUID(customer), now=now)
        except BillingError as error:
            log.warning("alerts_postponed", customer_id=customer, code=error.code)
            for message in messages:
                wait = timedelta(seconds=min(3600, 2 ** min(message.attempts, 12)))
                stored_outbox.postpone(session, organization_id, message.id, until=now + wait)
        else:
            for message in messages:
                session.delete(message)
    return True


def look_at_moved_credit(session: Session) -> None:
    """Alerts on credit that this transaction has moved are told in it: it does this at its end.

    What stops one of them does not stop the transaction, nor does who looks at them just now: the
    look that is queued is left.
    """
    moved = take_moved(session)
    if not moved:
        return
    session.flush()
    on = AlertOn.AVAILABLE
    for key in stored_alerts.list_watched(session, moved.keys(), on=on):
        try:
            with session.begin_nested():
                look(session, *key, on=on, waits=False, now=moved[key])
        except Exception as error:
            if is_unreachable(error):
                raise
            reason = getattr(error, "code", type(error).__name__)
            log.warning("alerts_postponed", customer_id=str(key[1]), code=reason)


def look(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    *,
    on: AlertOn | None = None,
    waits: bool = True,
    now: datetime,
) -> None:
    """What the customer's alerts watch, or those on that, was compared with their thresholds.

    Who does not wait leaves those alone that somebody else looks at.
    Idempotent by alert, threshold, window and number (``uq_alert_crossing_number``).
    """
    alerts = stored_alerts.lock_of_customer(
        session, organization_id, customer_id, on=on, waits=waits
    )
    customer = stored_customers.find_customer(session, organization_id, customer_id)
    if not alerts or customer is None or customer.deleted_at is not None:
        return
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    figures = Figures(session, organization_id, customer_id, at=at)
    for alert in alerts:
        found = figures.of(alert, now=now)
        if found is not None:
            _compare(session, alert, found, at=at, now=now)


def _compare(session: Session, alert: Alert, found: Figure, *, at: datetime, now: datetime) -> None:
    terms = terms_of(alert)
    newest = stored_alerts.list_newest(session, alert.organization_id, alert.id, found.window)
    for threshold in terms.thresholds:
        last = newest.get(threshold)
        if not terms.is_reached(threshold, found.value):
            if last is not None and last.recovered_at is None:
                last.recovered_at = at
                session.add(last)
            continue
        if last is None or (last.recovered_at is not None and alert.rearm):
            number = 1 if last is None else last.number + 1
            crossing = AlertCrossing(
                organization_id=alert.organization_id,
                id=new_id(),
                alert_id=alert.id,
                threshold=threshold,
                window=found.window,
                number=number,
                value=found.value,
                watermark=found.watermark,
                at=at,
                created_at=now,
            )
            if stored_alerts.insert_crossing(session, crossing):
                announce_alert(session, alert, crossing, at=at, now=now)
        elif last.recovered_at is not None:
            last.recovered_at = None
            session.add(last)


def terms_of(alert: Alert) -> AlertTerms:
    """What was asked for, as a value."""
    return AlertTerms(
        on=AlertOn(alert.on),
        thresholds=tuple(alert.thresholds),
        direction=AlertDirection(alert.direction),
        action=AlertAction(alert.action),
    )
