"""What is booked, in its order: documents, voids and postings, read page by page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session


class Source(IntEnum):
    """What is booked; of one instant, the former first."""

    INVOICE = 0
    CREDIT_NOTE = 1
    VOID = 2
    POSTING = 3
    CREDIT = 4


class Place(NamedTuple):
    """Where something stands in a journal."""

    at: datetime
    source: int
    key: str


class InvoiceFacts(NamedTuple):
    """What an invoice billed, before credit; ``rates`` are in their order.

    Prepaid credit pays ``prepaid`` of it.
    """

    id: UUID
    number: str
    customer_id: UUID
    customer: str
    currency: str
    total: Decimal
    rates: Sequence[dict[str, Any]]
    prepaid: Decimal
    sells_credit: bool


class NoteFacts(NamedTuple):
    """What a credit note gave back, of it of taxable lines, and of those the notes before it."""

    id: UUID
    number: str
    invoice_id: UUID
    tax: Decimal
    amount: Decimal
    credited_before: Decimal
    prepaid: Decimal


class PostingFacts(NamedTuple):
    """A posting with the numbers of its documents, and the gateway of its payment."""

    place: str
    key: str
    kind: str
    amount: Decimal
    currency: str
    customer_id: UUID
    customer: str
    invoice_number: str | None
    note_number: str | None
    reference: str | None
    provider: str | None


# The place of a posting: with zeros before its sequence, so that texts are in order.
POSTING_KEY = """customer_id || '/' || currency || '/' || lpad(sequence::text, 12, '0')"""


# What no entry of a document has: sold credit that expires, that a hold used, or that a document in
# another currency drew than it was sold for.
BY_ITSELF = """kind IN ('drawn', 'returned', 'expired') AND amount <> 0 AND EXISTS (
            SELECT FROM credit_grant AS one
            LEFT JOIN invoice AS its ON its.organization_id = one.organization_id
                AND its.id = credit_posting.invoice_id
            WHERE one.organization_id = credit_posting.organization_id
                AND one.id = credit_posting.grant_id AND one.kind = 'paid'
                AND (credit_posting.kind = 'expired' OR its.id IS NULL
                    OR its.currency <> one.cost_currency)
        )"""


def _branch(source: Source, table: str, at: str, key: str, condition: str) -> str:
    """One kind of thing behind a place, as many as a page has, by the index on its instant."""
    return f"""(
        SELECT {at} AS at, {source.value} AS source, ({key}) COLLATE "C" AS key FROM {table}
        WHERE organization_id = :organization_id AND {condition}
            AND {at} >= :at AND {at} < :until
            AND ({at}, {source.value}, ({key}) COLLATE "C") > (:at, :source, :key)
        ORDER BY {at}, ({key}) COLLATE "C" LIMIT :limit
    )"""  # noqa: S608  (put together out of constants)


PLACES = text(
    f"""
    SELECT * FROM (
        {_branch(Source.INVOICE, "invoice", "issue_date", "id::text", "status <> 'DRAFT'")}
        UNION ALL
        {_branch(Source.CREDIT_NOTE, "credit_note", "issue_date", "id::text", "true")}
        UNION ALL
        {_branch(Source.VOID, "invoice", "voided_at", "id::text", "voided_at IS NOT NULL")}
        UNION ALL
        {_branch(Source.POSTING, "account_posting", "at", POSTING_KEY, "amount <> 0")}
        UNION ALL
        {_branch(Source.CREDIT, "credit_posting", "at", "key", BY_ITSELF)}
    ) AS found
    ORDER BY at, source, key LIMIT :limit
    """  # noqa: S608  (put together out of constants)
)

INVOICES = text(
    """
    -- What was billed: the total before credit was granted, or carried to later bills.
    SELECT invoice.id, coalesce(invoice.invoice_number, ''), customer.id, customer.name,
        invoice.currency, invoice.total + invoice.granted_credit - invoice.carried_credit,
        coalesce((
            SELECT jsonb_agg(jsonb_build_object(
                'tax_rate_id', applied.tax_rate_id, 'name', applied.name,
                'percentage', applied.percentage::text, 'is_inclusive', applied.is_inclusive,
                'amount', applied.amount::text, 'taxable', applied.taxable_amount::text,
                'country', rate.country, 'state', rate.state
            ) ORDER BY applied.position)
            FROM invoice_tax AS applied
            JOIN tax_rate AS rate ON rate.organization_id = applied.organization_id
                AND rate.id = applied.tax_rate_id
            WHERE applied.organization_id = invoice.organization_id
                AND applied.invoice_id = invoice.id
        ), '[]'),
        invoice.credits_after_tax, invoice.kind = 'purchase'
    FROM invoice
    JOIN customer ON customer.organization_id = invoice.organization_id
        AND customer.id = invoice.customer_id
    WHERE invoice.organization_id = :organization_id AND invoice.id = ANY(CAST(:ids AS uuid[]))
    """
)

# Lines of credit that was granted or carried are not taxed: what a note gives back of them is
# posted on the customer's account.
NOTES = text(
    """
    SELECT note.id, note.number, note.invoice_id, note.tax, given.amount,
        coalesce(sum(given.amount) OVER (
            PARTITION BY note.invoice_id ORDER BY note.created_at, note.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0),
        note.credits_after_tax
    FROM credit_note AS note
    JOIN LATERAL (
        SELECT coalesce(sum(one.amount), 0) - note.credits_before_tax AS amount
        FROM credit_note_line AS one
        JOIN invoice_line AS line ON line.organization_id = one.organization_id
            AND line.id = one.line_id AND line.type NOT IN ('credit', 'adjustment')
        WHERE one.organization_id = note.organization_id AND one.credit_note_id = note.id
    ) AS given ON true
    WHERE note.organization_id = :organization_id AND note.invoice_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY note.created_at, note.id
    """
)

INVOICES_OF_NOTES = text(
    """
    SELECT invoice_id FROM credit_note
    WHERE organization_id = :organization_id AND id = ANY(CAST(:ids AS uuid[]))
    """
)

POSTINGS = text(
    """
    -- Postings by their places, whose parts are found again in the text.
    SELECT asked.key, posting.key, posting.kind, posting.amount, posting.currency,
        customer.id, customer.name, invoice.invoice_number, note.number,
        coalesce(back.reference, payment.reference), connection.provider
    FROM (
        SELECT key, split_part(key, '/', 1)::uuid AS customer_id,
            split_part(key, '/', 2) AS currency, split_part(key, '/', 3)::integer AS sequence
        FROM unnest(CAST(:keys AS text[])) AS key
    ) AS asked
    JOIN account_posting AS posting ON posting.organization_id = :organization_id
        AND posting.customer_id = asked.customer_id AND posting.currency = asked.currency
        AND posting.sequence = asked.sequence
    -- Whose they are, of which documents, and by which gateway the money came.
    JOIN customer ON customer.organization_id = posting.organization_id
        AND customer.id = posting.customer_id
    LEFT JOIN invoice ON invoice.organization_id = posting.organization_id
        AND invoice.id = posting.invoice_id
    LEFT JOIN credit_note AS note ON note.organization_id = posting.organization_id
        AND note.id = posting.credit_note_id
    LEFT JOIN payment ON payment.organization_id = posting.organization_id
        AND payment.id = posting.payment_id
    LEFT JOIN refund AS back ON back.organization_id = posting.organization_id
        AND back.id = posting.refund_id
    LEFT JOIN connection ON connection.organization_id = payment.organization_id
        AND connection.id = payment.connection_id
    """
)


def list_places(
    session: Session, organization_id: UUID, *, after: Place, until: datetime, limit: int
) -> Sequence[Place]:
    """What is booked behind a place and before an instant, in order."""
    found = session.execute(
        PLACES,
        {
            "organization_id": organization_id,
            "at": after.at,
            "source": after.source,
            "key": after.key,
            "until": until,
            "limit": limit,
        },
    )
    return [Place(*row) for row in found]


def list_invoice_facts(
    session: Session, organization_id: UUID, ids: Collection[str]
) -> dict[UUID, InvoiceFacts]:
    """What these invoices billed."""
    rows = session.execute(INVOICES, {"organization_id": organization_id, "ids": list(ids)})
    facts = [InvoiceFacts(*row) for row in rows]
    return {one.id: one for one in facts}


def list_invoices_of_notes(
    session: Session, organization_id: UUID, note_ids: Collection[str]
) -> set[str]:
    """The invoices that these credit notes are on."""
    rows = session.execute(
        INVOICES_OF_NOTES, {"organization_id": organization_id, "ids": list(note_ids)}
    )
    return {str(one) for one in rows.scalars()}


def list_note_facts(
    session: Session, organization_id: UUID, invoice_ids: Collection[str]
) -> Sequence[NoteFacts]:
    """What all credit notes on these invoices gave back, in the order they were written."""
    rows = session.execute(NOTES, {"organization_id": organization_id, "ids": list(invoice_ids)})
    return [NoteFacts(*row) for row in rows]


def list_posting_facts(
    session: Session, organization_id: UUID, keys: Collection[str]
) -> dict[str, PostingFacts]:
    """The postings at these places."""
    rows = session.execute(POSTINGS, {"organization_id": organization_id, "keys": list(keys)})
    facts = [PostingFacts(*row) for row in rows]
    return {one.place: one for one in facts}
