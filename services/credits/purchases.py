"""Grants that are sold: they begin as their invoice is paid, or end where it never will be.

The invoice is made and corrected above this. Source: CREDITS 6 and 18.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.expiry import cost_of_rest
from billing.credits.ledger import CreditPostingKind, key_of_end, key_of_grant
from billing.invoicing.kinds import InvoiceKind
from billing.money import ZERO, exactly, find_currency
from billing.notifications.events import WebhookEvent
from models.credits.grants import CreditGrant
from models.invoicing.invoices import Invoice
from repositories.credits import grants as stored_grants
from repositories.credits import postings as stored_postings
from services.announcements import announce_top_up
from services.audit_log import record
from services.credits import posting, top_ups
from services.credits.grants import begin, put_into_ledger
from services.credits.posting import Movement


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What of a grant was taken back, in its unit, and what that had cost, in money."""

    amount: Decimal
    cost: Decimal


def lock_sold(
    session: Session, invoice: Invoice, *, at: datetime, now: datetime
) -> CreditGrant | None:
    """The grant that the invoice sells, with its wallet locked; None where it sells none.

    The invoice is locked. Whoever moves the customer's account as well locks the wallet before it.
    """
    if invoice.kind != InvoiceKind.PURCHASE:
        return None
    row = stored_grants.find_of_invoice(session, invoice.organization_id, invoice.id)
    if row is not None:
        posting.lock_wallet(session, posting.wallet_of(row), at=at, now=now)
    return row


def begin_paid(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """The credit that the invoice sells can be spent: its money is there.

    One that began before, or ended before it was paid, stays as it is. Idempotent by the grant.
    """
    row = lock_sold(session, invoice, at=at, now=now)
    if row is None or posting.is_ended(session, row):
        return
    begin(session, row, at=max(row.effective_at, at), now=now)
    made = top_ups.succeed(session, invoice.organization_id, invoice.id, at=at)
    if made is not None:
        announce_top_up(session, made, WebhookEvent.TOP_UP_SUCCEEDED, at=at, now=now)


def has_begun(session: Session, row: CreditGrant) -> bool:
    """Whether a posting granted it, so that it can be spent, or could be."""
    key = key_of_grant(row.id)
    return stored_postings.is_posted(session, row.organization_id, key)


def has_lapsed(session: Session, row: CreditGrant, *, at: datetime) -> bool:
    """Whether its time was over before anybody paid, so that nobody is to pay for it any more."""
    by_time = row.expires_at is not None and row.expires_at <= at
    return by_time and not has_begun(session, row)


@exactly
def take_back(session: Session, row: CreditGrant, *, at: datetime, now: datetime) -> TakenBack:
    """What is left of a grant that was sold is the seller's again; what is held stays held.

    The wallet is locked. One that never began is over before anything of it can be spent.
    Idempotent by the grant: what ended before, or by its time, gives nothing.
    """
    is_too_late = not has_lapsed(session, row, at=at) and posting.is_over(session, row, at=at)
    if is_too_late or posting.is_ended(session, row):
        return TakenBack(amount=ZERO, cost=ZERO)
    put_into_ledger(session, row, at=at, now=now)
    [facts] = stored_grants.list_facts(session, row.organization_id, [row.id])
    assert facts.begins_at is not None, "it began above, if not before"
    cost = cost_of_part(session, row, facts.rest)
    refunded = Movement(
        grant=row,
        kind=CreditPostingKind.REFUNDED,
        amount=-facts.rest,
        key=key_of_end(row.id),
        at=max(at, facts.begins_at),
    )
    posting.post(session, [refunded], now=now)
    record(session, row.organization_id, "grant.ended", "grant", row.id, now=now)
    if row.invoice_id is not None:
        fail_top_up(session, row.organization_id, row.invoice_id, at=at, now=now)
    return TakenBack(amount=facts.rest, cost=cost)


def fail_top_up(
    session: Session, organization_id: UUID, invoice_id: UUID, *, at: datetime, now: datetime
) -> bool:
    """The try to top credit up that the invoice is of has failed; False if it is of no open one."""
    made = top_ups.fail(session, organization_id, invoice_id, at=at, now=now)
    if made is not None:
        announce_top_up(session, made, WebhookEvent.TOP_UP_FAILED, at=at, now=now)
    return made is not None


@exactly
def cost_of_part(session: Session, row: CreditGrant, amount: Decimal) -> Decimal:
    """What a part of a grant had cost that is about to leave it, to the cent; 0 if nobody paid.

    What is held is still there. Source: rule 18.
    """
    if row.cost_currency is None:
        return ZERO
    places = find_currency(row.cost_currency).exponent
    had = stored_postings.get_owned(session, row.organization_id, row.id)
    before, after = (
        cost_of_rest(row.cost_amount, rest, granted=row.amount, places=places)
        for rest in (had, had - amount)
    )
    return before - after
