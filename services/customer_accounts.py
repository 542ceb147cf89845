"""What a customer has with us: paid, left by bills below zero, granted by the bills that come next.

The account is the customer's, in one currency, whichever subscription a bill is of. It is moved
only by money and by documents that are final; a draft shows what it would take and takes nothing.
What is paid is on it, and what its invoice takes is off it again. Source: CONTRACT 48, 81.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.books.chart import OF_SPENT_CREDIT, PostingKind
from billing.money import ZERO, exactly
from models.customer_accounts import AccountPosting
from models.invoicing.invoices import Invoice
from models.payments.payments import Payment, Refund
from repositories import customer_accounts as stored_customer_accounts

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
    entry = _Entry.of_invoice(invoice, str(invoice.id), at=at, now=now)
    _move(
        session,
        entry,
        (PostingKind.CARRIED, invoice.carried_credit),
        (PostingKind.GRANTED, -invoice.granted_credit),
    )
    _settle_owed(session, entry, PostingKind.CARRIED, invoice.carried_credit)


def return_granted(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """What a voided invoice had taken is on the account again. Idempotent by the invoice."""
    entry = _Entry.of_invoice(invoice, str(invoice.id), at=at, now=now)
    _move(session, entry, (PostingKind.RETURNED, invoice.granted_credit))
    _settle_owed(session, entry, PostingKind.RETURNED, invoice.granted_credit)


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
    entry = _Entry.of_invoice(
        invoice, str(credit_note_id), at=at, now=now, credit_note_id=credit_note_id
    )
    _move(session, entry, (PostingKind.CREDITED, -amount))


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
    entry = _Entry.of_payment(payment, at=at, now=now)
    _move(session, entry, (PostingKind.PAID, payment.amount), (_taking(recovers=recovers), -taken))
    _settle_owed(session, entry, PostingKind.PAID, payment.amount - taken)


def release_payment(session: Session, payment: Payment, *, at: datetime, now: datetime) -> None:
    """What a voided invoice had of a payment is the customer's credit. Idempotent by payment."""
    entry = _Entry.of_payment(payment, at=at, now=now)
    _move(session, entry, (PostingKind.UNAPPLIED, payment.applied_amount))
    _settle_owed(session, entry, PostingKind.UNAPPLIED, payment.applied_amount)


def post_refund(
    session: Session, payment: Payment, refund: Refund, *, at: datetime, now: datetime
) -> None:
    """What goes back is off the account, and off the invoice that had it. Idempotent by refund.

    What the account no more has of it, the customer owes.
    """
    entry = _Entry.of_payment(payment, at=at, now=now, refund=refund)
    _move(
        session,
        entry,
        (PostingKind.UNAPPLIED, refund.from_invoice),
        (PostingKind.OWED, refund.owed_amount),
        (PostingKind.REFUNDED, -refund.amount),
    )


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
    entry = _Entry.of_payment(payment, at=at, now=now, refund=refund)
    _move(
        session,
        entry,
        (PostingKind.REFUND_FAILED, refund.amount),
        (_taking(recovers=recovers), -taken),
    )
    _settle_owed(session, entry, PostingKind.REFUND_FAILED, refund.amount - taken)


def key_of(refund: Refund) -> str:
    """What no other turn of a refund has: it may go, come back, and go again."""
    return str(refund.id) if refund.turn == 1 else f"{refund.id}/{refund.turn}"


def _taking(*, recovers: bool) -> PostingKind:
    return PostingKind.RECOVERED if recovers else PostingKind.APPLIED


def write_off(
    session: Session, invoice: Invoice, amount: Decimal, *, key: str, at: datetime, now: datetime
) -> None:
    """That much of what the invoice is due is bad debt. Idempotent by ``key``: what made it so."""
    entry = _Entry.of_invoice(invoice, key, at=at, now=now)
    _move(session, entry, (PostingKind.WRITTEN_OFF, amount), (PostingKind.APPLIED, -amount))


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
    entry = _Entry.of_invoice(invoice, str(because_of), at=at, now=now)
    _move(session, entry, (PostingKind.UNAPPLIED, amount), (PostingKind.RESTORED, -amount))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """On whose account something is posted, and what it is about."""

    organization_id: UUID
    customer_id: UUID
    currency: str
    key: str
    """What no other posting of a kind has."""
    invoice_id: UUID
    credit_note_id: UUID | None = None
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    at: datetime
    now: datetime

    @classmethod
    def of_invoice(
        cls,
        invoice: Invoice,
        key: str,
        *,
        at: datetime,
        now: datetime,
        credit_note_id: UUID | None = None,
    ) -> _Entry:
        """What a document does."""
        return cls(
            organization_id=invoice.organization_id,
            customer_id=invoice.customer_id,
            currency=invoice.currency,
            key=key,
            invoice_id=invoice.id,
            credit_note_id=credit_note_id,
            at=at,
            now=now,
        )

    @classmethod
    def of_payment(
        cls, payment: Payment, *, at: datetime, now: datetime, refund: Refund | None = None
    ) -> _Entry:
        """What money does."""
        return cls(
            organization_id=payment.organization_id,
            customer_id=payment.customer_id,
            currency=payment.currency,
            key=str(payment.id) if refund is None else key_of(refund),
            invoice_id=payment.invoice_id,
            payment_id=payment.id,
            refund_id=None if refund is None else refund.id,
            at=at,
            now=now,
        )


@exactly
def _move(session: Session, entry: _Entry, *moves: tuple[PostingKind, Decimal]) -> None:
    """The account has moved by these amounts, each once. Nothing is posted of nothing."""
    wanted = {f"{kind.value}/{entry.key}": (kind, amount) for kind, amount in moves if amount}
    if not wanted:
        return
    last = stored_customer_accounts.lock_account(
        session, entry.organization_id, entry.customer_id, entry.currency
    )
    posted = stored_customer_accounts.find_posted(session, entry.organization_id, wanted)
    owed = ZERO
    for key, (kind, amount) in wanted.items():
        if key in posted:
            continue
        before = last.balance_after if last else ZERO
        last = AccountPosting(
            organization_id=entry.organization_id,
            customer_id=entry.customer_id,
            currency=entry.currency,
            sequence=last.sequence + 1 if last else 1,
            follows=last.sequence if last else None,
            key=key,
            kind=kind,
            amount=amount,
            balance_before=before,
            balance_after=before + amount,
            invoice_id=entry.invoice_id,
            credit_note_id=entry.credit_note_id,
            payment_id=entry.payment_id,
            refund_id=entry.refund_id,
            at=entry.at,
            created_at=entry.now,
        )
        session.add(last)
        owed += amount if kind in OF_SPENT_CREDIT else ZERO
    session.flush()
    if owed != ZERO:
        account = (entry.organization_id, entry.customer_id, entry.currency)
        stored_customer_accounts.add_owed(session, account, owed, at=entry.at)


@exactly
def _settle_owed(session: Session, entry: _Entry, because: PostingKind, credit: Decimal) -> None:
    """Credit that just came is taken for what the customer owes. Idempotent by what brought it."""
    if credit == ZERO:
        return
    key = (entry.organization_id, entry.customer_id, entry.currency)
    owed = stored_customer_accounts.get_owed(session, key)
    settled = replace(entry, key=f"{because.value}/{entry.key}")
    _move(session, settled, (PostingKind.SETTLED, -min(owed, credit)))
