"""Credit that no bill will take any more goes back on the invoices that it came from."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.kinds import CreditNoteKind
from billing.invoicing.own_words import CARRIED_REASON
from billing.money import ZERO, exactly
from billing.rating.lines import LineType
from billing.timeline import Happening
from models.invoicing.invoices import Invoice
from repositories import customer_accounts as stored_accounts
from repositories import customers as stored_customers
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from services import customer_accounts
from services.corrections.credit_notes import CreditedLine, credit_invoice
from services.corrections.creditable import CreditableLines
from services.documents.locks import lock_invoice
from services.required import require_subscription
from services.subscriptions import clocks


def return_credit(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """What bills left on the accounts of the subscription's customer has become credit notes.

    Newest invoices first, since the oldest credit is granted first. Idempotent: nothing is left
    afterwards, and nothing happens while a subscription of the customer is live or for 30 days
    after the last one ended. Source: CONTRACT 81.
    """
    found = require_subscription(
        stored_subscriptions.find_subscription(session, organization_id, subscription_id),
        may_be_deleted=True,
    )
    at = clocks.acting_instant(session, found, due_at, now=now)
    return_customer_credit(session, organization_id, found.customer_id, at=at, now=now)


def return_customer_credit(
    session: Session, organization_id: UUID, customer_id: UUID, *, at: datetime, now: datetime
) -> bool:
    """As :func:`return_credit` for one customer at an instant; whether anything went back."""
    # Nobody subscribes meanwhile; the customer is locked before its subscriptions.
    stored_customers.lock_customer(session, organization_id, customer_id)
    due_since = customer_accounts.find_return_due(session, organization_id, customer_id)
    if due_since is None or due_since > at:
        return False
    # Accounts are locked after every other row, and one account gives back on many invoices.
    stored_subscriptions.lock_subscriptions_of(session, organization_id, customer_id)
    left = stored_accounts.list_left_by_bills(session, organization_id, customer_id)
    for currency in left:
        _lock_manual_invoices(session, organization_id, customer_id, currency)
    for currency, amount in left.items():
        _return(session, organization_id, customer_id, currency, amount, at=at, now=now)
    session.flush()
    return True


def _lock_manual_invoices(
    session: Session, organization_id: UUID, customer_id: UUID, currency: str
) -> None:
    carrying = stored_accounts.list_carrying_invoices(
        session, organization_id, customer_id, currency
    )
    for invoice_id in sorted(one.id for one in carrying if one.subscription_id is None):
        lock_invoice(session, organization_id, invoice_id)


@exactly
def _return(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    currency: str,
    left: Decimal,
    *,
    at: datetime,
    now: datetime,
) -> None:
    for invoice in stored_accounts.list_carrying_invoices(
        session, organization_id, customer_id, currency
    ):
        rows = stored_invoices.list_lines(session, organization_id, [invoice.id])
        creditable = CreditableLines(session, invoice, rows)
        carry = next((row for row in rows if row.type == LineType.ADJUSTMENT), None)
        amount = min(left, creditable.left_of(carry)) if carry else ZERO
        if carry is None or amount <= ZERO:
            continue
        credit_invoice(
            session,
            organization_id,
            invoice.id,
            [CreditedLine(line_id=carry.id, amount=amount)],
            reason=CARRIED_REASON,
            at=at,
            now=now,
            kind=CreditNoteKind.CARRIED_CREDIT,
        )
        _note_down(session, invoice, at=at, now=now)
        left -= amount


def _note_down(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    if invoice.subscription_id is None:
        return
    subscription = stored_subscriptions.find_subscription(
        session, invoice.organization_id, invoice.subscription_id
    )
    if subscription is not None:
        stored_actions.insert_action(
            session,
            subscription,
            Happening.CREDIT_RETURNED,
            at=at,
            recorded_at=now,
            invoice_id=invoice.id,
        )
