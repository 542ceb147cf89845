"""What a customer has with us: paid, left by bills below zero, granted by the bills that come next.

The account is the customer's, in one currency, whichever subscription a bill is of. It is moved
only by money and by documents that are final; a draft shows what it would take and takes nothing.
What is paid is on it, and what its invoice takes is off it again. Source: CONTRACT 48, 81.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.books.chart import PostingKind
from billing.money import ZERO
from models.invoicing.invoices import Invoice
from models.payments.payments import Payment, Refund
from repositories import customer_accounts as stored_customer_accounts
from services.account_postings import Entry, move, settle_owed

RETURNED_AFTER = timedelta(days=30)
"""How long credit waits for another bill once the customer's last subscription has ended."""


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
    entry = Entry.of_invoice(invoice, str(invoice.id), at=at, now=now)
    move(
        session,
        entry,
        (PostingKind.CARRIED, invoice.carried_credit),
        (PostingKind.GRANTED, -invoice.granted_credit),
    )
    settle_owed(session, entry, PostingKind.CARRIED, invoice.carried_credit)


def return_granted(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """What a voided invoice had taken is on the account again. Idempotent by the invoice."""
    entry = Entry.of_invoice(invoice, str(invoice.id), at=at, now=now)
    move(session, entry, (PostingKind.RETURNED, invoice.granted_credit))
    settle_owed(session, entry, PostingKind.RETURNED, invoice.granted_credit)


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
    entry = Entry.of_invoice(
        invoice, str(credit_note_id), at=at, now=now, credit_note_id=credit_note_id
    )
    move(session, entry, (PostingKind.CREDITED, -amount))


def find_return_due(session: Session, organization_id: UUID, customer_id: UUID) -> datetime | None:
    """When what bills left for a customer becomes credit notes, if anything is left of it.

    That is 30 days after the last of the customer's subscriptions ended (CONTRACT 81). What was
    paid too much is not of it: it stays the customer's credit until it is refunded.
    """
    if not stored_customer_accounts.list_left_by_bills(session, organization_id, customer_id):
        return None
    ended_at = stored_customer_accounts.find_last_end(session, organization_id, customer_id)
    if ended_at is None or not stored_customer_accounts.has_returnable(
        session, organization_id, customer_id
    ):
        # Credit that no invoice left is a finding; a workflow could do nothing about it.
        return None
    return ended_at + RETURNED_AFTER


def post_payment(
    session: Session,
    payment: Payment,
    taken: Decimal,
    *,
    recovers: bool,
    at: datetime,
    now: datetime,
) -> None:
    """The money is on the account, and what its invoice takes is off it. Idempotent by payment.

    ``recovers`` says that the invoice had been written off.
    """
    entry = Entry.of_payment(payment, at=at, now=now)
    move(session, entry, (PostingKind.PAID, payment.amount), (_taking(recovers=recovers), -taken))
    settle_owed(session, entry, PostingKind.PAID, payment.amount - taken)


def release_payment(session: Session, payment: Payment, *, at: datetime, now: datetime) -> None:
    """What a voided invoice had of a payment is the customer's credit. Idempotent by payment."""
    entry = Entry.of_payment(payment, at=at, now=now)
    move(session, entry, (PostingKind.UNAPPLIED, payment.applied_amount))
    settle_owed(session, entry, PostingKind.UNAPPLIED, payment.applied_amount)


def post_refund(
    session: Session, payment: Payment, refund: Refund, *, at: datetime, now: datetime
) -> None:
    """What goes back is off the account, and off the invoice that had it. Idempotent by refund.

    What the account no more has of it, the customer owes, unless there is other credit: that is
    taken for it at once.
    """
    entry = Entry.of_payment(payment, at=at, now=now, refund=refund)
    move(
        session,
        entry,
        (PostingKind.UNAPPLIED, refund.from_invoice),
        (PostingKind.OWED, refund.owed_amount),
        (PostingKind.REFUNDED, -refund.amount),
    )
    if refund.excess_amount > ZERO:
        [credit] = stored_customer_accounts.get_balances(session, [entry.account]).values()
        settle_owed(session, entry, PostingKind.OWED, credit)


def post_failed_refund(
    session: Session,
    payment: Payment,
    refund: Refund,
    taken: Decimal,
    *,
    recovers: bool,
    at: datetime,
    now: datetime,
) -> None:
    """What did not arrive is on the account, and what the invoice takes of it off it again.

    Idempotent by refund.
    """
    entry = Entry.of_payment(payment, at=at, now=now, refund=refund)
    move(
        session,
        entry,
        (PostingKind.REFUND_FAILED, refund.amount),
        (_taking(recovers=recovers), -taken),
    )
    settle_owed(session, entry, PostingKind.REFUND_FAILED, refund.amount - taken)


def post_fee(
    session: Session,
    payment: Payment,
    amount: Decimal,
    *,
    key: str,
    at: datetime,
    now: datetime,
) -> None:
    """The gateway took that much for a dispute, or gave it back: no customer's, but cash that went.

    Idempotent by ``key``.
    """
    entry = replace(Entry.of_payment(payment, at=at, now=now), key=key)
    fee, taken = (PostingKind.FEE, amount), (PostingKind.FEE_TAKEN, -amount)
    # What adds comes first: no balance is below zero in between.
    move(session, entry, *((fee, taken) if amount > ZERO else (taken, fee)))


def write_off_owed(
    session: Session,
    account: stored_customer_accounts.AccountKey,
    amount: Decimal,
    *,
    key: str,
    at: datetime,
    now: datetime,
) -> None:
    """That much of what the customer owes on no invoice is bad debt. Idempotent by ``key``.

    They owe it all the same: the next credit is taken for it, as a recovery.
    """
    entry = Entry(
        organization_id=account[0],
        customer_id=account[1],
        currency=account[2],
        key=key,
        invoice_id=None,
        at=at,
        now=now,
    )
    move(session, entry, (PostingKind.WRITTEN_OFF, amount), (PostingKind.SETTLED, -amount))


def _taking(*, recovers: bool) -> PostingKind:
    return PostingKind.RECOVERED if recovers else PostingKind.APPLIED


def write_off(
    session: Session, invoice: Invoice, amount: Decimal, *, key: str, at: datetime, now: datetime
) -> None:
    """That much of what the invoice is due is bad debt. Idempotent by ``key``: what made it so."""
    entry = Entry.of_invoice(invoice, key, at=at, now=now)
    move(session, entry, (PostingKind.WRITTEN_OFF, amount), (PostingKind.APPLIED, -amount))


def restore(
    session: Session,
    invoice: Invoice,
    amount: Decimal,
    *,
    because_of: UUID,
    at: datetime,
    now: datetime,
) -> None:
    """Part of what was written off is not owed after all: a note or a void took it back."""
    entry = Entry.of_invoice(invoice, str(because_of), at=at, now=now)
    move(session, entry, (PostingKind.UNAPPLIED, amount), (PostingKind.RESTORED, -amount))
