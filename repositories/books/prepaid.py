"""How sold credit moved: by the documents that drew it, and by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session


class CreditMove(NamedTuple):
    """A posting of a grant that was sold: all of it for ``cost``, in ``currency``.

    ``before`` and ``after`` are what the customer had of it, what is held too, in its unit. The
    currency of the invoice is None where the posting is of none.
    """

    key: str
    kind: str
    currency: str
    cost: Decimal
    granted: Decimal
    before: Decimal
    after: Decimal
    customer_id: UUID
    customer: str
    invoice_id: UUID | None
    invoice_currency: str | None
    invoice_number: str | None
    note_id: UUID | None
    note_number: str | None

    @property
    def is_of_document(self) -> bool:
        """Whether it is part of a document's entry, whose currency it was sold in."""
        return self.invoice_currency == self.currency


MOVES = text(
    """
    -- Of the grants that are asked for each posting counts: what was there before another is a sum.
    WITH asked AS (
        SELECT grant_id FROM credit_posting
        WHERE organization_id = :organization_id AND invoice_id = ANY(CAST(:invoices AS uuid[]))
        UNION
        SELECT grant_id FROM credit_posting
        WHERE organization_id = :organization_id AND key = ANY(CAST(:keys AS text[]))
    )
    SELECT moved.key, moved.kind, one.cost_currency, one.cost_amount, one.amount,
        moved.after - moved.amount, moved.after, customer.id, customer.name,
        invoice.id, invoice.currency, invoice.invoice_number, note.id, note.number
    FROM asked
    JOIN credit_grant AS one ON one.organization_id = :organization_id
        AND one.id = asked.grant_id AND one.kind = 'paid'
    -- What is held is the customer's until it is settled.
    CROSS JOIN LATERAL (
        SELECT posting.*, sum(posting.amount)
            FILTER (WHERE posting.kind NOT IN ('held', 'released'))
            OVER (ORDER BY posting.sequence) AS after
        FROM credit_posting AS posting
        WHERE posting.organization_id = one.organization_id AND posting.grant_id = one.id
    ) AS moved
    -- Whose they are, and of which documents.
    JOIN customer ON customer.organization_id = one.organization_id
        AND customer.id = one.customer_id
    LEFT JOIN invoice ON invoice.organization_id = one.organization_id
        AND invoice.id = moved.invoice_id
    LEFT JOIN credit_note AS note ON note.organization_id = one.organization_id
        AND note.id = moved.credit_note_id
    WHERE moved.invoice_id = ANY(CAST(:invoices AS uuid[]))
        OR moved.key = ANY(CAST(:keys AS text[]))
    """
)


def list_moves(
    session: Session,
    organization_id: UUID,
    *,
    invoice_ids: Collection[UUID],
    keys: Collection[str],
) -> Sequence[CreditMove]:
    """What these invoices and their notes moved of sold credit, and these postings, in no order."""
    found = session.execute(
        MOVES,
        {"organization_id": organization_id, "invoices": list(invoice_ids), "keys": list(keys)},
    )
    return [CreditMove(*row) for row in found]
