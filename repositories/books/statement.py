"""A customer's account: what stands on it, what invoices are due, and each posting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session


class Balance(NamedTuple):
    """What a customer has in one currency, what their invoices are due, what they owe besides."""

    currency: str
    balance: Decimal
    receivable: Decimal
    written_off: Decimal
    owed: Decimal


class PostedFacts(NamedTuple):
    """A posting with its documents, and the gateway of its payment."""

    currency: str
    sequence: int
    at: datetime
    kind: str
    amount: Decimal
    balance: Decimal
    invoice_id: UUID | None
    invoice_number: str | None
    credit_note_id: UUID | None
    credit_note_number: str | None
    payment_id: UUID | None
    refund_id: UUID | None
    provider: str | None


BALANCES = text(
    """
    SELECT currency, coalesce(max(balance), 0), coalesce(sum(due), 0), coalesce(sum(lost), 0),
        coalesce(sum(owed), 0)
    FROM (
        -- The newest balance of each account.
        (
            SELECT DISTINCT ON (currency) currency, balance_after AS balance, NULL::numeric AS due,
                NULL::numeric AS lost, NULL::numeric AS owed
            FROM account_posting
            WHERE organization_id = :organization_id AND customer_id = :customer_id
            ORDER BY currency, sequence DESC
        )
        UNION ALL
        -- What is due: what was refunded of a paid invoice as well, what was written off apart.
        SELECT currency, NULL, amount_due, NULL, NULL FROM invoice
        WHERE organization_id = :organization_id AND customer_id = :customer_id
            AND status IN ('OPEN', 'PAID') AND amount_due > 0
        UNION ALL
        SELECT currency, NULL, NULL, amount_due, NULL FROM invoice
        WHERE organization_id = :organization_id AND customer_id = :customer_id
            AND status = 'UNCOLLECTIBLE'
        UNION ALL
        -- What went back of credit that was spent: owed, and of no invoice, or given up since.
        SELECT currency, NULL, NULL, written_off_amount, owed_amount FROM customer_account
        WHERE organization_id = :organization_id AND customer_id = :customer_id
            AND owed_amount + written_off_amount > 0
    ) AS found
    WHERE CAST(:currency AS text) IS NULL OR currency = :currency
    GROUP BY currency ORDER BY currency
    """
)

POSTINGS = text(
    """
    -- The newest first in each currency; :after_sequence is where the part before ended.
    SELECT posting.currency, posting.sequence, posting.at, posting.kind, posting.amount,
        posting.balance_after, posting.invoice_id, invoice.invoice_number, posting.credit_note_id,
        note.number, posting.payment_id, posting.refund_id, connection.provider
    FROM account_posting AS posting
    -- Of which documents, and by which gateway the money came.
    LEFT JOIN invoice ON invoice.organization_id = posting.organization_id
        AND invoice.id = posting.invoice_id
    LEFT JOIN credit_note AS note ON note.organization_id = posting.organization_id
        AND note.id = posting.credit_note_id
    LEFT JOIN payment ON payment.organization_id = posting.organization_id
        AND payment.id = posting.payment_id
    LEFT JOIN connection ON connection.organization_id = payment.organization_id
        AND connection.id = payment.connection_id
    WHERE posting.organization_id = :organization_id AND posting.customer_id = :customer_id
        AND (CAST(:currency AS text) IS NULL OR posting.currency = :currency)
        AND (posting.currency > :after_currency
            OR posting.currency = :after_currency AND posting.sequence < :after_sequence)
    ORDER BY posting.currency, posting.sequence DESC LIMIT :limit
    """
)


def list_balances(
    session: Session, organization_id: UUID, customer_id: UUID, *, currency: str | None
) -> Sequence[Balance]:
    """By currency, or of one, where the customer ever had an account or is due something."""
    keys = {"organization_id": organization_id, "customer_id": customer_id, "currency": currency}
    return [Balance(*row) for row in session.execute(BALANCES, keys)]


def list_postings(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    *,
    currency: str | None,
    after: tuple[str, int],
    limit: int,
) -> Sequence[PostedFacts]:
    """The postings behind one of them, by currency and from the newest on."""
    found = session.execute(
        POSTINGS,
        {
            "organization_id": organization_id,
            "customer_id": customer_id,
            "currency": currency,
            "after_currency": after[0],
            "after_sequence": after[1],
            "limit": limit,
        },
    )
    return [PostedFacts(*row) for row in found]
