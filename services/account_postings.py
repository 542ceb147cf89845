"""How an account is moved: postings, each once, in the order of its lock.

What moves it and why is said in :mod:`services.customer_accounts`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.books.chart import OF_BAD_DEBT, OF_SPENT_CREDIT, PostingKind
from billing.money import ZERO, exactly
from models.customer_accounts import AccountPosting
from models.invoicing.invoices import Invoice
from models.payments.payments import Payment, Refund
from repositories import customer_accounts as stored_customer_accounts
from repositories.payments import owed as stored_owed


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """On whose account something is posted, and what it is about."""

    organization_id: UUID
    customer_id: UUID
    currency: str
    key: str
    """What no other posting of a kind has."""
    invoice_id: UUID | None
    credit_note_id: UUID | None = None
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    at: datetime
    now: datetime

    @property
    def account(self) -> stored_customer_accounts.AccountKey:
        """Whose it is, in which currency."""
        return self.organization_id, self.customer_id, self.currency

    @classmethod
    def of_invoice(
        cls,
        invoice: Invoice,
        key: str,
        *,
        at: datetime,
        now: datetime,
        credit_note_id: UUID | None = None,
    ) -> Entry:
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
    ) -> Entry:
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
def move(session: Session, entry: Entry, *moves: tuple[PostingKind, Decimal]) -> None:
    """The account has moved by these amounts, each once. Nothing is posted of nothing."""
    wanted = {f"{kind.value}/{entry.key}": (kind, amount) for kind, amount in moves if amount}
    if not wanted:
        return
    last = stored_customer_accounts.lock_account(
        session, entry.organization_id, entry.customer_id, entry.currency
    )
    posted = stored_customer_accounts.find_posted(session, entry.organization_id, wanted)
    owed = written_off = ZERO
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
        is_of_no_invoice = kind in OF_BAD_DEBT and entry.invoice_id is None
        written_off += amount if is_of_no_invoice else ZERO
    session.flush()
    if owed != ZERO:
        stored_owed.add_owed(session, entry.account, owed, at=entry.at)
    if written_off != ZERO:
        stored_owed.add_written_off(session, entry.account, written_off)


@exactly
def settle_owed(session: Session, entry: Entry, because: PostingKind, credit: Decimal) -> None:
    """Credit that just came is taken for what the customer owes, and then for what was given up.

    That is a recovery, and of no invoice. Idempotent by what brought it.
    """
    if credit == ZERO:
        return
    owed = stored_owed.get_owed(session, entry.account)
    taken = replace(entry, key=f"{because.value}/{entry.key}")
    settled = min(owed.amount, credit)
    move(session, taken, (PostingKind.SETTLED, -settled))
    recovered = min(owed.written_off, credit - settled)
    move(session, replace(taken, invoice_id=None), (PostingKind.RECOVERED, -recovered))


def key_of(refund: Refund) -> str:
    """What no other turn of a refund has: it may go, come back, and go again."""
    return str(refund.id) if refund.turn == 1 else f"{refund.id}/{refund.turn}"
