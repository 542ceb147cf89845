"""What happened is queued for whoever asked to be told, in the transaction that makes it true.

Source: CONTRACT 4.14, 30, 68. An organization without endpoints queues nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import InvoiceStatus
from billing.notifications.events import WebhookEvent
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription
from repositories import outbox as stored_outbox
from repositories.notifications import endpoints as stored_endpoints

_LISTENERS = "organizations_with_webhooks"


def announce_invoice(
    session: Session, invoice: Invoice, event: WebhookEvent, *, at: datetime, now: datetime
) -> None:
    """The event is told of the invoice as it is now. Idempotent by both."""
    if not _is_listening(session, invoice.organization_id):
        return
    data = {
        "invoice_id": invoice.id,
        "invoice_number": invoice.invoice_number,
        "customer_id": invoice.customer_id,
        "subscription_id": invoice.subscription_id,
        "total": invoice.total,
        "currency": invoice.currency,
        "status": invoice.status,
    }
    _queue(session, invoice.organization_id, event, invoice.id, data, at=at, now=now)


def announce_if_draft(session: Session, invoice: Invoice) -> None:
    """It is told that a draft was made; one that is final from the start is told of as that."""
    if invoice.status == InvoiceStatus.DRAFT:
        event = WebhookEvent.INVOICE_CREATED
        announce_invoice(session, invoice, event, at=invoice.issue_date, now=invoice.created_at)


def announce_final_invoice(
    session: Session, invoice: Invoice, *, at: datetime, now: datetime
) -> None:
    """It is told that the invoice became final, and that it is paid if nothing is owed."""
    announce_invoice(session, invoice, WebhookEvent.INVOICE_FINALIZED, at=at, now=now)
    if invoice.status == InvoiceStatus.PAID:
        announce_invoice(session, invoice, WebhookEvent.INVOICE_PAID, at=at, now=now)


def announce_subscription(
    session: Session,
    subscription: Subscription,
    event: WebhookEvent,
    *,
    at: datetime,
    now: datetime,
) -> None:
    """The event is told of the subscription as it is now. Idempotent by both."""
    if not _is_listening(session, subscription.organization_id):
        return
    data = {
        "subscription_id": subscription.id,
        "customer_id": subscription.customer_id,
        "plan_id": subscription.plan_id,
        "status": subscription.status,
        "current_period_start": subscription.current_period_start,
        "current_period_end": subscription.current_period_end,
    }
    _queue(session, subscription.organization_id, event, subscription.id, data, at=at, now=now)


def _is_listening(session: Session, organization_id: UUID) -> bool:
    """Whether anybody is told; asked once in a transaction."""
    known: dict[UUID, bool] = session.info.setdefault(_LISTENERS, {})
    if organization_id not in known:
        known[organization_id] = stored_endpoints.has_listening(session, organization_id)
    return known[organization_id]


def _queue(
    session: Session,
    organization_id: UUID,
    event: WebhookEvent,
    told_of: UUID,
    data: Mapping[str, object],
    *,
    at: datetime,
    now: datetime,
) -> None:
    stored_outbox.insert_message(
        session,
        organization_id,
        kind=stored_outbox.WEBHOOK_MESSAGE,
        key=f"{event}:{told_of}",
        payload={"event": event, "timestamp": at, "data": data},
        now=now,
    )
