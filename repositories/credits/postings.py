"""Postings of credit: appended, found by their keys, and listed as a ledger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from billing.credits.ledger import OF_HOLDS, CreditPostingKind
from models.credits.postings import CreditPosting
from repositories.credits.wallets import WalletKey


class WalletPlace(NamedTuple):
    """How many postings a wallet has, and what they come to."""

    position: int
    balance: Decimal


class GrantPlace(NamedTuple):
    """How many postings a grant has, and what they leave of it."""

    sequence: int
    rest: Decimal


class LedgerRow(NamedTuple):
    """A posting as the ledger shows it."""

    position: int
    id: UUID
    at: datetime
    booked_at: datetime
    kind: str
    amount: Decimal
    balance_after: Decimal
    grant_id: UUID
    invoice_id: UUID | None
    line_id: UUID | None
    credit_note_id: UUID | None
    hold_id: UUID | None


LEDGER = text(
    """
    SELECT posting.position, posting.id, posting.at, posting.booked_at, posting.kind,
        posting.amount, posting.balance_after, posting.grant_id, posting.invoice_id, line.id,
        posting.credit_note_id, posting.hold_id
    FROM credit_posting AS posting
    LEFT JOIN invoice_line AS line ON line.organization_id = posting.organization_id
        AND line.invoice_id = posting.invoice_id AND line.position = posting.line_position
    WHERE posting.organization_id = :organization_id AND posting.customer_id = :customer_id
        AND posting.unit = :unit AND posting.position > :after
    ORDER BY posting.position LIMIT :limit
    """
)

NEWEST = text(
    """
    SELECT asked.id, newest.sequence, newest.rest_after
    FROM unnest(CAST(:grants AS uuid[])) AS asked (id)
    CROSS JOIN LATERAL (
        SELECT sequence, rest_after FROM credit_posting AS posting
        WHERE posting.organization_id = :organization_id AND posting.grant_id = asked.id
        ORDER BY posting.sequence DESC LIMIT 1
    ) AS newest
    """
)

# What an invoice took of each grant, less what was given back since.
TAKEN = text(
    """
    SELECT grant_id, -sum(amount) AS amount FROM credit_posting
    WHERE organization_id = :organization_id AND invoice_id = :invoice_id
        AND kind IN ('drawn', 'returned')
    GROUP BY grant_id HAVING sum(amount) < 0 ORDER BY grant_id
    """
)


def find_place(session: Session, key: WalletKey) -> WalletPlace:
    """Where the wallet's ledger stands."""
    organization_id, customer_id, unit = key
    found = session.exec(
        select(col(CreditPosting.position), col(CreditPosting.balance_after))
        .where(
            CreditPosting.organization_id == organization_id,
            CreditPosting.customer_id == customer_id,
            CreditPosting.unit == unit,
        )
        .order_by(col(CreditPosting.position).desc())
        .limit(1)
    ).one_or_none()
    return WalletPlace(0, Decimal(0)) if found is None else WalletPlace(*found)


def find_places(
    session: Session, organization_id: UUID, grant_ids: Collection[UUID]
) -> dict[UUID, GrantPlace]:
    """Where each of these grants stands, of those that have postings."""
    keys = {"organization_id": organization_id, "grants": list(grant_ids)}
    return {
        grant_id: GrantPlace(sequence, rest)
        for grant_id, sequence, rest in session.execute(NEWEST, keys)
    }


def find_posted(session: Session, organization_id: UUID, keys: Collection[str]) -> set[str]:
    """Those of the keys under which something was posted."""
    return set(
        session.exec(
            select(CreditPosting.key).where(
                CreditPosting.organization_id == organization_id, col(CreditPosting.key).in_(keys)
            )
        )
    )


def find_posting(session: Session, organization_id: UUID, key: str) -> CreditPosting | None:
    """What was posted under a key, or None."""
    return session.exec(
        select(CreditPosting).where(
            CreditPosting.organization_id == organization_id, CreditPosting.key == key
        )
    ).one_or_none()


def insert_postings(session: Session, postings: Sequence[CreditPosting]) -> None:
    """Append these postings, in their order."""
    session.add_all(postings)
    session.flush()


def find_taken(session: Session, organization_id: UUID, invoice_id: UUID) -> dict[UUID, Decimal]:
    """What the invoice has of each grant."""
    keys = {"organization_id": organization_id, "invoice_id": invoice_id}
    return {row.grant_id: row.amount for row in session.execute(TAKEN, keys)}


def get_owned(session: Session, organization_id: UUID, grant_id: UUID) -> Decimal:
    """What the customer has of a grant, what is held too."""
    found = session.exec(
        select(func.coalesce(func.sum(CreditPosting.amount), 0)).where(
            CreditPosting.organization_id == organization_id,
            CreditPosting.grant_id == grant_id,
            col(CreditPosting.kind).not_in(OF_HOLDS),
        )
    ).one()
    return Decimal(found)


def list_held(session: Session, organization_id: UUID, hold_id: UUID) -> list[CreditPosting]:
    """What a hold set aside of each grant, as it was posted."""
    return list(
        session.exec(
            select(CreditPosting)
            .where(
                CreditPosting.organization_id == organization_id,
                CreditPosting.hold_id == hold_id,
                CreditPosting.kind == CreditPostingKind.HELD,
            )
            .order_by(col(CreditPosting.position))
        )
    )


def list_ledger(session: Session, key: WalletKey, *, after: int, limit: int) -> Sequence[LedgerRow]:
    """The postings of a wallet behind one of them, in the order in which they were booked."""
    organization_id, customer_id, unit = key
    found = session.execute(
        LEDGER,
        {
            "organization_id": organization_id,
            "customer_id": customer_id,
            "unit": unit,
            "after": after,
            "limit": limit,
        },
    )
    return [LedgerRow(*row) for row in found]
