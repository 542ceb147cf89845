"""What a customer's documents add up to."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

BILLED = text(
    """
    SELECT coalesce(sum(total), 0) FROM invoice
    WHERE organization_id = :organization_id AND customer_id = :customer_id
        AND status NOT IN ('DRAFT', 'VOID')
    """
)

GIVEN_BACK = text(
    """
    SELECT coalesce(sum(note.total), 0)
    FROM credit_note AS note JOIN invoice
        ON invoice.organization_id = note.organization_id AND invoice.id = note.invoice_id
    WHERE invoice.organization_id = :organization_id AND invoice.customer_id = :customer_id
        AND invoice.status <> 'VOID'
    """
)

ON_ACCOUNT = text(
    """
    SELECT coalesce(sum(amount), 0) FROM account_posting
    WHERE organization_id = :organization_id AND customer_id = :customer_id
    """
)


def sum_documents(session: Session, organization_id: UUID, customer_id: UUID) -> Decimal:
    """Final invoices less notes less the credit that the customer still has."""
    session.flush()
    keys = {"organization_id": organization_id, "customer_id": customer_id}
    billed, given_back, on_account = (
        Decimal(session.execute(statement, keys).scalar_one())
        for statement in (BILLED, GIVEN_BACK, ON_ACCOUNT)
    )
    return billed - given_back - on_account
