"""What a customer is owed back: left by bills below zero, granted by the bills that come next.

The account is the customer's, in one currency, whichever subscription a bill is of. It is moved
only by documents that are final; a draft shows what it would take and takes nothing. Source:
CONTRACT 48, 81.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from billing.money import ZERO, exactly
from models.customer_accounts import AccountPosting
from models.invoicing.invoices import Invoice
from repositories import customer_accounts as stored_customer_accounts

RETURNED_AFTER = timedelta(days=30)
"""How long credit waits for another bill once the customer's last subscription has ended."""


class PostingKind(StrEnum):
    """Why a balance moved."""

    CARRIED = "carried"
    GRANTED = "granted"
    RETURNED = "returned"
    CREDITED = "credited"


def available_credit(
    session: Session, organization_id: UUID, customer_id: UUID, currency: str, *, lock: bool = False
) -> Decimal:
    """What the customer's next bill in this currency can take; ``lock`` keeps it so."""
    key = (organization_id, customer_id, currency)
    if lock:
        stored_customer_accounts.lock_accounts(session, [key])
    return stored_customer_accounts.get_balances(session, [key])[key]


def post_final_invoice(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """What a final invoice leaves is on the account, and what it grants is taken off.

    Idempotent by the invoice.
    """
    if invoice.carried_credit > ZERO:
        _post(session, invoice, PostingKind.CARRIED, invoice.carried_credit, at=at, now=now)
    if invoice.granted_credit > ZERO:
        _post(session, invoice, PostingKind.GRANTED, -invoice.granted_credit, at=at, now=now)


def return_granted(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """What a voided invoice had taken is on the account again. Idempotent by the invoice."""
    if invoice.granted_credit > ZERO:
        _post(session, invoice, PostingKind.RETURNED, invoice.granted_credit, at=at, now=now)


def pay_out(
    session: Session,
    invoice: Invoice,
    amount: Decimal,
    *,
    credit_note_id: UUID,
    at: datetime,
    now: datetime,
) -> None:
    """Credit that an invoice left is given back by a credit note on it instead of a later bill."""
    _post(
        session,
        invoice,
        PostingKind.CREDITED,
        -amount,
        at=at,
        now=now,
        credit_note_id=credit_note_id,
    )


def find_return_due(session: Session, organization_id: UUID, customer_id: UUID) -> datetime | None:
    """When what is left for a customer becomes credit notes, if anything is.

    That is 30 days after the last of the customer's subscriptions ended (CONTRACT 81).
    """
    if not stored_customer_accounts.list_balances(session, organization_id, customer_id):
        return None
    ended_at = stored_customer_accounts.find_last_end(session, organization_id, customer_id)
    if ended_at is None or not stored_customer_accounts.has_returnable(
        session, organization_id, customer_id
    ):
        # Credit that no invoice left is a finding; a workflow could do nothing about it.
        return None
    return ended_at + RETURNED_AFTER


@exactly
def _post(
    session: Session,
    invoice: Invoice,
    kind: PostingKind,
    amount: Decimal,
    *,
    at: datetime,
    now: datetime,
    credit_note_id: UUID | None = None,
) -> None:
    key = f"{kind.value}/{credit_note_id or invoice.id}"
    last = stored_customer_accounts.lock_account(
        session, invoice.organization_id, invoice.customer_id, invoice.currency
    )
    if stored_customer_accounts.find_posting(session, invoice.organization_id, key) is not None:
        return
    before = last.balance_after if last else ZERO
    session.add(
        AccountPosting(
            organization_id=invoice.organization_id,
            customer_id=invoice.customer_id,
            currency=invoice.currency,
            sequence=last.sequence + 1 if last else 1,
            follows=last.sequence if last else None,
            key=key,
            kind=kind,
            amount=amount,
            balance_before=before,
            balance_after=before + amount,
            invoice_id=invoice.id,
            credit_note_id=credit_note_id,
            at=at,
            created_at=now,
        )
    )
    session.flush()
