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
from repositories.row_keys import among


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
    SELECT asked.organization_id, asked.id, newest.sequence, newest.rest_after
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:grants AS uuid[]))
        AS asked (organization_id, id)
    CROSS JOIN LATERAL (
        SELECT sequence, rest_after FROM credit_posting AS posting
        WHERE posting.organization_id = asked.organization_id AND posting.grant_id = asked.id
        ORDER BY posting.sequence DESC LIMIT 1
    ) AS newest
    """
)

NEWEST_OF_WALLETS = text(
    """
    SELECT asked.organization_id, asked.customer_id, asked.unit,
        newest.position, newest.balance_after
    FROM unnest(
        CAST(:organizations AS uuid[]), CAST(:customers AS uuid[]), CAST(:units AS text[])
    ) AS asked (organization_id, customer_id, unit)
    CROSS JOIN LATERAL (
        SELECT position, balance_after FROM credit_posting AS posting
        WHERE posting.organization_id = asked.organization_id
            AND posting.customer_id = asked.customer_id AND posting.unit = asked.unit
        ORDER BY posting.position DESC LIMIT 1
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


def find_wallet_places(
    session: Session, wallets: Collection[WalletKey]
) -> dict[WalletKey, WalletPlace]:
    """Where the ledger of each of these wallets stands, of those that have postings."""
    keys = {
        "organizations": [key[0] for key in wallets],
        "customers": [key[1] for key in wallets],
        "units": [key[2] for key in wallets],
    }
    return {
        (row[0], row[1], row[2]): WalletPlace(row[3], row[4])
        for row in session.execute(NEWEST_OF_WALLETS, keys)
    }


def find_places(
    session: Session, grants: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], GrantPlace]:
    """Where each of these grants stands, by organization and id, of those that have postings."""
    keys = {"organizations": [key[0] for key in grants], "grants": [key[1] for key in grants]}
    return {(row[0], row[1]): GrantPlace(row[2], row[3]) for row in session.execute(NEWEST, keys)}


def find_posted(session: Session, keys: Collection[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Those of the keys, each of an organization, under which something was posted."""
    columns = (col(CreditPosting.organization_id), col(CreditPosting.key))
    found = session.exec(
        select(CreditPosting.organization_id, CreditPosting.key).where(among(keys, *columns))
    )
    return {(row[0], row[1]) for row in found}


def is_posted(session: Session, organization_id: UUID, key: str) -> bool:
    """Whether something was posted under a key."""
    return bool(find_posted(session, [(organization_id, key)]))


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
