"""What customers owe on no invoice, beside their accounts, and what of it was written off."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from billing.books.chart import PostingKind
from models.customer_accounts import AccountPosting, CustomerAccount

AccountKey = tuple[UUID, UUID, str]
"""Organization, customer and currency."""

# Since when something is owed: since the first of it, until all of it was settled.
ADD_OWED = text(
    """
    UPDATE customer_account SET owed_amount = owed_amount + :amount,
        owed_since = CASE WHEN owed_amount + :amount > 0 THEN coalesce(owed_since, :at) END
    WHERE organization_id = :organization_id AND customer_id = :customer_id
        AND currency = :currency
    """
)

ADD_WRITTEN_OFF = text(
    """
    UPDATE customer_account SET written_off_amount = written_off_amount + :amount
    WHERE organization_id = :organization_id AND customer_id = :customer_id
        AND currency = :currency
    """
)


class Owed(NamedTuple):
    """What a customer owes on no invoice, and what of such was given up as bad debt."""

    amount: Decimal
    written_off: Decimal


def get_owed(session: Session, key: AccountKey) -> Owed:
    """What the customer owes of credit that was spent; the account is locked, or there is none."""
    found = session.exec(
        select(col(CustomerAccount.owed_amount), col(CustomerAccount.written_off_amount)).where(
            CustomerAccount.organization_id == key[0],
            CustomerAccount.customer_id == key[1],
            CustomerAccount.currency == key[2],
        )
    ).one_or_none()
    return Owed(Decimal(0), Decimal(0)) if found is None else Owed(*found)


def add_owed(session: Session, key: AccountKey, amount: Decimal, *, at: datetime) -> None:
    """The customer owes so much more, or less; the account is locked."""
    session.execute(ADD_OWED, {**_names(key), "amount": amount, "at": at})


def add_written_off(session: Session, key: AccountKey, amount: Decimal) -> None:
    """So much more of what is owed on no invoice is bad debt, or less; the account is locked."""
    session.execute(ADD_WRITTEN_OFF, {**_names(key), "amount": amount})


def find_last_write_off(session: Session, key: AccountKey) -> AccountPosting | None:
    """The last posting that gave up what the customer owes on no invoice, or None."""
    return session.exec(
        select(AccountPosting)
        .where(
            AccountPosting.organization_id == key[0],
            AccountPosting.customer_id == key[1],
            AccountPosting.currency == key[2],
            AccountPosting.kind == PostingKind.WRITTEN_OFF,
            col(AccountPosting.invoice_id).is_(None),
        )
        .order_by(col(AccountPosting.sequence).desc())
        .limit(1)
    ).one_or_none()


def _names(key: AccountKey) -> dict[str, object]:
    return {"organization_id": key[0], "customer_id": key[1], "currency": key[2]}
