"""Collections of open invoices, with what their schedules are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select, update

from billing.payments.dunning import CollectionFacts, CollectionStatus, PendingAttempt, read_dunning
from models.payments.collections import Collection

OPEN_COLLECTIONS = text(
    """
    INSERT INTO collection (organization_id, invoice_id, customer_id, subscription_id,
        test_clock_id, status, opened_at, created_at)
    SELECT invoice.organization_id, invoice.id, invoice.customer_id, invoice.subscription_id,
        customer.test_clock_id, 'active', invoice.finalized_at, :now
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:invoices AS uuid[]))
        AS asked (organization_id, invoice_id)
    JOIN organization ON organization.id = asked.organization_id
    JOIN invoice ON invoice.organization_id = asked.organization_id
        AND invoice.id = asked.invoice_id AND invoice.status = 'OPEN' AND invoice.amount_due > 0
    JOIN customer ON customer.organization_id = asked.organization_id
        AND customer.id = invoice.customer_id
    WHERE EXISTS (
            SELECT FROM connection
            WHERE connection.organization_id = asked.organization_id
                AND connection.deleted_at IS NULL
        )
        -- Without a server for mails nobody is reminded, and nothing else is to be done.
        OR organization.auto_email AND cardinality(organization.reminder_days) > 0
            AND organization.smtp_host IS NOT NULL
    ON CONFLICT (organization_id, invoice_id) DO NOTHING
    RETURNING organization_id, invoice_id
    """
)

REOPEN = text(
    """
    UPDATE collection SET status = 'active', ended_at = NULL, completed_through = NULL
    WHERE organization_id = :organization_id AND invoice_id = :invoice_id AND status = 'ended'
    """
)

SETTLED_PAUSE = text(
    """
    -- The pause that followed a last try that failed: it begins at that very instant.
    SELECT pause.starts_at
    FROM subscription_pause AS pause
    JOIN invoice ON invoice.organization_id = pause.organization_id
        AND invoice.subscription_id = pause.subscription_id
    JOIN collection ON collection.organization_id = invoice.organization_id
        AND collection.invoice_id = invoice.id AND collection.end_action = 'pause'
    WHERE pause.organization_id = :organization_id AND pause.subscription_id = :subscription_id
        AND pause.ends_at IS NULL
    GROUP BY pause.starts_at
    HAVING bool_or(collection.exhausted_at = pause.starts_at)
        -- Nothing is due any more of what was given up like that.
        AND NOT bool_or(invoice.status = 'OPEN' AND invoice.amount_due > 0)
    """
)

FACTS = """
    -- The collection and its invoice, and how the organization wants it to be collected.
    SELECT collection.organization_id, collection.invoice_id, collection.customer_id,
        collection.subscription_id, collection.test_clock_id, collection.status,
        collection.completed_through, collection.opened_at, collection.charged_through,
        collection.reminded_through, collection.exhausted_at, collection.end_action,
        invoice.invoice_number, invoice.status AS invoice_status,
        invoice.status = 'OPEN' AND invoice.amount_due > 0 AS is_due, invoice.due_date,
        organization.dunning, organization.reminder_days, organization.auto_email,
        EXISTS (
            SELECT FROM connection
            WHERE connection.organization_id = collection.organization_id
                AND connection.deleted_at IS NULL
        ) AS has_gateway,
        pending.id AS pending_id, pending.at AS pending_at, failed.first_at, failed.tries,
        failed.page_failed_at
    FROM collection
    JOIN organization ON organization.id = collection.organization_id
    JOIN invoice ON invoice.organization_id = collection.organization_id
        AND invoice.id = collection.invoice_id
    -- Of the tries: the one of which nobody knows the end, and when the first one failed.
    LEFT JOIN payment AS pending ON pending.organization_id = collection.organization_id
        AND pending.invoice_id = collection.invoice_id AND pending.status = 'pending'
        AND pending.kind = 'saved_method'
    CROSS JOIN LATERAL (
        SELECT count(*) AS tries, min(CASE payment.kind
            -- Who fails on a page before the due date has not failed to pay: no retry, and no end
            -- of the schedule, comes of it before the money is due.
            WHEN 'link' THEN greatest(payment.at, invoice.due_date)
            ELSE payment.at END) AS first_at,
            max(payment.at) FILTER (WHERE payment.kind = 'link') AS page_failed_at
        FROM payment
        WHERE payment.organization_id = collection.organization_id
            AND payment.invoice_id = collection.invoice_id AND payment.status = 'failed'
    ) AS failed
    WHERE collection.organization_id = :organization_id"""

FACTS_OF_INVOICE = text(f"{FACTS} AND collection.invoice_id = :invoice_id")
FACTS_OF_SUBSCRIPTION = text(
    f"{FACTS} AND collection.subscription_id = :subscription_id AND collection.status = 'active'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCollection:
    """A collection as its rows are, and the facts of its schedule."""

    organization_id: UUID
    invoice_id: UUID
    customer_id: UUID
    subscription_id: UUID | None
    test_clock_id: UUID | None
    invoice_number: str
    invoice_status: str
    status: str
    completed_through: datetime | None
    tries: int
    end_action: str | None
    facts: CollectionFacts


def open_collections(
    session: Session, keys: Sequence[tuple[UUID, UUID]], *, now: datetime
) -> list[tuple[UUID, UUID]]:
    """Those of the invoices that are collected from now on, by one statement.

    Nothing of an invoice that is paid, nor of an organization with neither a gateway nor reminders.
    Idempotent by invoice: one that is collected already is not among them.
    """
    session.flush()
    rows = session.execute(
        OPEN_COLLECTIONS,
        {
            "organizations": [key[0] for key in keys],
            "invoices": [key[1] for key in keys],
            "now": now,
        },
    )
    return [(row[0], row[1]) for row in rows]


def reopen(session: Session, organization_id: UUID, invoice_id: UUID) -> None:
    """A collection that had ended is active again, for something new is due."""
    session.execute(REOPEN, {"organization_id": organization_id, "invoice_id": invoice_id})


def is_active(session: Session, organization_id: UUID, invoice_id: UUID) -> bool:
    """Whether the invoice is collected now."""
    found = session.exec(
        select(Collection.status).where(
            Collection.organization_id == organization_id, Collection.invoice_id == invoice_id
        )
    ).one_or_none()
    return found == CollectionStatus.ACTIVE


def find_facts(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> StoredCollection | None:
    """The invoice's collection, or None where it is not collected."""
    session.flush()
    row = session.execute(
        FACTS_OF_INVOICE, {"organization_id": organization_id, "invoice_id": invoice_id}
    ).first()
    return None if row is None else read_collection(row)


def list_of_subscription(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> list[StoredCollection]:
    """The active collections of a subscription's invoices."""
    session.flush()
    rows = session.execute(
        FACTS_OF_SUBSCRIPTION,
        {"organization_id": organization_id, "subscription_id": subscription_id},
    )
    return [read_collection(row) for row in rows]


def find_settled_pause(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> datetime | None:
    """When the subscription was paused because of invoices of which nothing is due any more.

    None where it is not, or where somebody paused it.
    """
    session.flush()
    keys = {"organization_id": organization_id, "subscription_id": subscription_id}
    return session.execute(SETTLED_PAUSE, keys).scalar_one_or_none()


def lock_collection(session: Session, organization_id: UUID, invoice_id: UUID) -> Collection | None:
    """The collection with its row locked. Its invoice is locked before it."""
    return session.exec(
        select(Collection)
        .where(Collection.organization_id == organization_id, Collection.invoice_id == invoice_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def list_active(
    session: Session, organization_id: UUID, *, made_before: datetime | None = None
) -> Sequence[UUID]:
    """The invoices that are collected now, so that each needs its workflow."""
    is_old = () if made_before is None else (Collection.created_at < made_before,)
    return session.exec(
        select(Collection.invoice_id)
        .where(
            *is_old,
            Collection.organization_id == organization_id,
            Collection.status == CollectionStatus.ACTIVE,
        )
        .order_by(col(Collection.invoice_id))
    ).all()


def list_on_clock(session: Session, organization_id: UUID, test_clock_id: UUID) -> Sequence[UUID]:
    """The invoices of a clock's customers that are collected now."""
    return session.exec(
        select(Collection.invoice_id)
        .where(
            Collection.organization_id == organization_id,
            Collection.test_clock_id == test_clock_id,
            Collection.status == CollectionStatus.ACTIVE,
        )
        .order_by(col(Collection.invoice_id))
    ).all()


def end_on_clock(
    session: Session, organization_id: UUID, test_clock_id: UUID, *, at: datetime
) -> None:
    """Nothing is collected any more from the customers of a clock."""
    session.execute(
        update(Collection)
        .where(
            col(Collection.organization_id) == organization_id,
            col(Collection.test_clock_id) == test_clock_id,
            col(Collection.status) == CollectionStatus.ACTIVE,
        )
        .values(status=CollectionStatus.ENDED, ended_at=at)
    )


def read_collection(row: Any) -> StoredCollection:  # noqa: ANN401  (a row of a text)
    """A row of :data:`FACTS`."""
    pending = None
    if row.pending_id is not None:
        pending = PendingAttempt(payment_id=str(row.pending_id), at=row.pending_at)
    return StoredCollection(
        organization_id=row.organization_id,
        invoice_id=row.invoice_id,
        customer_id=row.customer_id,
        subscription_id=row.subscription_id,
        test_clock_id=row.test_clock_id,
        invoice_number=row.invoice_number,
        invoice_status=row.invoice_status,
        status=row.status,
        completed_through=row.completed_through,
        tries=row.tries,
        end_action=row.end_action,
        facts=CollectionFacts(
            is_due=row.is_due,
            opened_at=row.opened_at,
            due_at=row.due_date,
            has_gateway=row.has_gateway,
            sends_mails=row.auto_email,
            dunning=read_dunning(row.dunning),
            reminder_days=tuple(row.reminder_days),
            pending=pending,
            first_failed_at=row.first_at,
            page_failed_at=row.page_failed_at,
            charged_through=row.charged_through,
            reminded_through=row.reminded_through,
            exhausted_at=row.exhausted_at,
        ),
    )
