"""Grants that invoices sell, with what rolled over of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select as select_columns
from sqlalchemy import text
from sqlmodel import Session

from models.credits.grants import CreditGrant

# Sold, not begun, and over by the clock of its customer.
LAPSED = text(
    """
    SELECT one.invoice_id FROM credit_grant AS one
    JOIN invoice ON invoice.organization_id = one.organization_id AND invoice.id = one.invoice_id
        AND invoice.status = 'OPEN'
    JOIN customer ON customer.organization_id = one.organization_id
        AND customer.id = one.customer_id
    LEFT JOIN test_clock AS clock ON clock.organization_id = customer.organization_id
        AND clock.id = customer.test_clock_id
    WHERE one.organization_id = :organization_id AND one.invoice_id IS NOT NULL
        AND one.expires_at <= coalesce(clock.frozen_time, :now)
        AND NOT EXISTS (
            SELECT FROM credit_posting AS posting
            WHERE posting.organization_id = one.organization_id AND posting.grant_id = one.id
        )
    ORDER BY one.invoice_id LIMIT :limit
    """
)

# Up from a grant to the one that was sold, of which it is a rest.
SELLING = text(
    """
    WITH RECURSIVE origin AS (
        SELECT one.rolled_from, one.invoice_id FROM credit_grant AS one
        WHERE one.organization_id = :organization_id AND one.id = :grant_id
        UNION ALL
        SELECT former.rolled_from, former.invoice_id FROM origin
        JOIN credit_grant AS former ON former.organization_id = :organization_id
            AND former.id = origin.rolled_from
    )
    SELECT invoice_id FROM origin WHERE invoice_id IS NOT NULL
    """
)

# Down from the grant that an invoice sells to all rests of it.
SOLD = text(
    """
    WITH RECURSIVE sold AS (
        SELECT one.* FROM credit_grant AS one
        WHERE one.organization_id = :organization_id AND one.invoice_id = :invoice_id
        UNION ALL
        SELECT rest.* FROM sold
        JOIN credit_grant AS rest ON rest.organization_id = sold.organization_id
            AND rest.rolled_from = sold.id
    )
    SELECT * FROM sold ORDER BY sequence
    """
)


def find_selling_invoice(session: Session, organization_id: UUID, grant_id: UUID) -> UUID | None:
    """The invoice that sold the grant, or the grant that it rolled over from; None: nobody paid."""
    keys = {"organization_id": organization_id, "grant_id": grant_id}
    found: UUID | None = session.execute(SELLING, keys).scalar_one_or_none()
    return found


def list_sold(session: Session, organization_id: UUID, invoice_id: UUID) -> list[CreditGrant]:
    """The grant that an invoice sells, and those that it rolled over into, oldest first."""
    keys = {"organization_id": organization_id, "invoice_id": invoice_id}
    return list(session.scalars(select_columns(CreditGrant).from_statement(SOLD), keys))


def list_lapsed(
    session: Session, organization_id: UUID, *, now: datetime, limit: int
) -> list[UUID]:
    """Invoices that sell credit whose time was over before it was paid, in the order of locks."""
    keys = {"organization_id": organization_id, "now": now, "limit": limit}
    return list(session.scalars(LAPSED, keys))
