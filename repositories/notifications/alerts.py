"""Alerts, the times that they were reached, and the messages that make somebody look."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from billing.notifications.alerts import AlertAction, AlertOn
from models.notifications.alerts import Alert, AlertCrossing
from repositories.pages import read_page
from repositories.row_keys import among

MESSAGE: Final = "alert"
"""The kind of outbox message that asks for a look at a customer's alerts; a trigger queues them
too, and so does ingestion."""

WAKE = text(
    """
    -- Each its own: one that is read already says nothing of what came after it.
    INSERT INTO outbox_message
        (organization_id, id, kind, key, payload, created_at, available_at, attempts)
    SELECT watched.organization_id, gen_random_uuid(), 'alert',
        watched.customer_id || '/' || gen_random_uuid(),
        jsonb_build_object('customer_id', watched.customer_id), :now, :now, 0
    FROM (
        SELECT DISTINCT organization_id, customer_id FROM alert
        WHERE organization_id = :organization_id AND deleted_at IS NULL
            AND (CAST(:customer_id AS uuid) IS NULL OR customer_id = :customer_id)
    ) AS watched
    """
)

# Those whose customers live on a clock, which arrived where it was sent.
WAKE_ON_CLOCK = text(
    """
    INSERT INTO outbox_message
        (organization_id, id, kind, key, payload, created_at, available_at, attempts)
    SELECT watched.organization_id, gen_random_uuid(), 'alert',
        watched.customer_id || '/' || gen_random_uuid(),
        jsonb_build_object('customer_id', watched.customer_id), now(), now(), 0
    FROM (
        SELECT DISTINCT alert.organization_id, alert.customer_id FROM alert
        JOIN customer ON customer.organization_id = alert.organization_id
            AND customer.id = alert.customer_id
        WHERE alert.organization_id = :organization_id AND alert.deleted_at IS NULL
            AND customer.test_clock_id = :test_clock_id
    ) AS watched
    """
)

ADD_CROSSING = text(
    """
    INSERT INTO alert_crossing (organization_id, id, alert_id, threshold, "window", number, value,
        watermark, at, created_at)
    VALUES (:organization_id, :id, :alert_id, :threshold, :window, :number, :value, :watermark,
        :at, :created_at)
    ON CONFLICT ON CONSTRAINT uq_alert_crossing_number DO NOTHING RETURNING true
    """
)

# By itself: a statement that waits sees the caps of before what it waited for.
LOCK_CUSTOMER = text(
    """
    SELECT FROM customer WHERE organization_id = :organization_id AND id = :customer_id
    FOR NO KEY UPDATE
    """
)

SET_CAP = text(
    """
    -- The row changes, so that cached answers about the customer hold no more.
    UPDATE customer SET has_cap = EXISTS (
        SELECT FROM alert WHERE alert.organization_id = customer.organization_id
            AND alert.customer_id = customer.id AND alert.action = 'block'
            AND alert.deleted_at IS NULL
    )
    WHERE organization_id = :organization_id AND id = :customer_id
    """
)


def wake(
    session: Session, organization_id: UUID, customer_id: UUID | None, *, now: datetime
) -> None:
    """Somebody looks at the alerts of the customer, or of all, if there are any."""
    session.flush()
    keys = {"organization_id": organization_id, "customer_id": customer_id, "now": now}
    session.execute(WAKE, keys)


def wake_on_clock(session: Session, organization_id: UUID, test_clock_id: UUID) -> None:
    """Somebody looks at the alerts of the customers of a test clock."""
    keys = {"organization_id": organization_id, "test_clock_id": test_clock_id}
    session.execute(WAKE_ON_CLOCK, keys)


def insert(session: Session, alert: Alert) -> None:
    """Store an alert, new or ended; its customer has a cap while one blocks."""
    session.add(alert)
    session.flush()
    if alert.action == AlertAction.BLOCK:
        keys = {"organization_id": alert.organization_id, "customer_id": alert.customer_id}
        session.execute(LOCK_CUSTOMER, keys)
        session.execute(SET_CAP, keys)


def find_alert(session: Session, organization_id: UUID, alert_id: UUID) -> Alert | None:
    """The alert, ended or not, or None."""
    return session.get(Alert, (organization_id, alert_id))


def list_alerts(
    session: Session,
    organization_id: UUID,
    *,
    customer_id: UUID | None,
    offset: int,
    limit: int,
) -> tuple[Sequence[Alert], int]:
    """A page of alerts that are not ended, oldest first, and how many there are."""
    matching = select(Alert).where(
        Alert.organization_id == organization_id, col(Alert.deleted_at).is_(None)
    )
    if customer_id is not None:
        matching = matching.where(Alert.customer_id == customer_id)
    return read_page(session, matching, offset=offset, limit=limit)


def lock_of_customer(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    *,
    on: AlertOn | None = None,
    waits: bool = True,
) -> Sequence[Alert]:
    """The customer's alerts, or those on that: whoever looks at them takes turns.

    Who does not wait is given those that nobody looks at just now.
    """
    its = select(Alert).where(
        Alert.organization_id == organization_id,
        Alert.customer_id == customer_id,
        col(Alert.deleted_at).is_(None),
    )
    if on is not None:
        its = its.where(Alert.on == on)
    return session.exec(its.order_by(col(Alert.id)).with_for_update(skip_locked=not waits)).all()


def list_watched(
    session: Session, customers: Collection[tuple[UUID, UUID]], *, on: AlertOn
) -> Sequence[tuple[UUID, UUID]]:
    """Those of the customers whom an alert on that watches, in the order of their keys."""
    key = (col(Alert.organization_id), col(Alert.customer_id))
    found = session.exec(
        select(Alert.organization_id, Alert.customer_id)
        .where(among(customers, *key), Alert.on == on, col(Alert.deleted_at).is_(None))
        .distinct()
        .order_by(*key)
    )
    return [(row[0], row[1]) for row in found]


def list_caps(session: Session, organization_id: UUID, customer_id: UUID) -> Sequence[Alert]:
    """The customer's alerts that block."""
    return session.exec(
        select(Alert).where(
            Alert.organization_id == organization_id,
            Alert.customer_id == customer_id,
            Alert.action == AlertAction.BLOCK,
            col(Alert.deleted_at).is_(None),
        )
    ).all()


def list_newest(
    session: Session, organization_id: UUID, alert_id: UUID, window: str
) -> dict[object, AlertCrossing]:
    """The last time that each threshold of an alert was reached in a window."""
    found = session.exec(
        select(AlertCrossing)
        .where(
            AlertCrossing.organization_id == organization_id,
            AlertCrossing.alert_id == alert_id,
            AlertCrossing.window == window,
        )
        .order_by(col(AlertCrossing.number))
        .execution_options(populate_existing=True)
    )
    return {one.threshold: one for one in found}


def insert_crossing(session: Session, crossing: AlertCrossing) -> bool:
    """Store that a threshold was reached; False if it was stored before."""
    values = crossing.model_dump(exclude={"recovered_at"})
    return session.execute(ADD_CROSSING, values).scalar_one_or_none() is not None


def list_crossings(
    session: Session, organization_id: UUID, alert_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[AlertCrossing], int]:
    """A page of the times that an alert was reached, oldest first, and how many there were."""
    matching = select(AlertCrossing).where(
        AlertCrossing.organization_id == organization_id, AlertCrossing.alert_id == alert_id
    )
    return read_page(session, matching, offset=offset, limit=limit)
