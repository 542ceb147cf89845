"""Which invoices are collected: each has a row, made as it becomes final, and a workflow.

Source: CONTRACT 60, section 6 (Payments).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import InvoiceStatus
from billing.subscriptions import SubscriptionStatus
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription
from repositories.payments import collections as stored_collections
from services.subscriptions import clocks
from services.subscriptions.turns import wake_collections

_KNOWS: Final = "collection_that_knows"


def open_collections(session: Session, invoices: Sequence[Invoice], *, now: datetime) -> None:
    """Invoices that just became final are collected, where there is a gateway or reminders.

    It costs a statement for all of them, and a second one where any is. Idempotent by invoice.
    """
    keys = [(one.organization_id, one.id) for one in invoices if one.status == InvoiceStatus.OPEN]
    if keys:
        wake_collections(
            session, stored_collections.open_collections(session, keys, now=now), now=now
        )


def let_know(session: Session, invoice_id: UUID) -> None:
    """No message of this transaction wakes what collects the invoice: it is told what came of it.

    One that ended by it would be begun again to find nothing.
    """
    session.info[_KNOWS] = invoice_id


def follow(session: Session, invoice: Invoice, *, now: datetime) -> None:
    """What collects the invoice looks at it again."""
    key = (invoice.organization_id, invoice.id)
    if session.info.get(_KNOWS) != invoice.id and stored_collections.is_active(session, *key):
        wake_collections(session, [key], now=now)


def begin_again(session: Session, invoice: Invoice, *, now: datetime) -> None:
    """A try to pay failed: more follow, also of an invoice that was not, or no more, collected."""
    key = (invoice.organization_id, invoice.id)
    stored_collections.open_collections(session, [key], now=now)
    stored_collections.reopen(session, *key)
    follow(session, invoice, now=now)


def plan_resumption(
    session: Session, subscription: Subscription, invoice: Invoice, *, now: datetime
) -> None:
    """A pause that followed the last try to collect ends now, if it has no reason any more."""
    if subscription.status != SubscriptionStatus.PAUSED or subscription.resume_at is not None:
        return
    key = (invoice.organization_id, subscription.id)
    paused_at = stored_collections.find_settled_pause(session, *key)
    if paused_at is None:
        return
    present = clocks.present_of(
        session, invoice.organization_id, subscription.test_clock_id, now=now
    )
    subscription.resume_at = max(invoice.paid_at or invoice.voided_at or present, paused_at)
    session.add(subscription)
    session.flush()
