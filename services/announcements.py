"""What happened is queued for whoever asked to be told, in the transaction that makes it true.

Source: CONTRACT 4.14, 30, 68. An organization without endpoints queues nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import InvoiceStatus
from billing.notifications.events import WebhookEvent
from models.credits.grants import CreditGrant
from models.credits.top_ups import CreditTopUp
from models.invoicing.invoices import Invoice
from models.notifications.alerts import Alert, AlertCrossing
from models.payments.payments import Payment
from models.subscriptions.subscriptions import Subscription
from repositories import customers as stored_customers
from repositories import outbox as stored_outbox
from repositories.notifications import endpoints as stored_endpoints
from repositories.outbox import NewMessage

_LISTENERS = "organizations_with_webhooks"

_OfCustomer = Invoice | Subscription | CreditGrant | CreditTopUp | Alert
"""What is a customer's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceNews:
    """What happened to an invoice, and when."""

    invoice: Invoice
    event: WebhookEvent
    at: datetime


def announce_invoices(session: Session, news: Sequence[InvoiceNews], *, now: datetime) -> None:
    """Each is told of its invoice as that is now. Idempotent by event and invoice."""
    heard = [one for one in news if _is_listening(session, one.invoice.organization_id)]
    external_ids = _external_ids(session, [one.invoice for one in heard])
    _queue(session, [_invoice_message(one, external_ids) for one in heard], now=now)


def _invoice_message(
    news: InvoiceNews, external_ids: Mapping[tuple[UUID, UUID], str | None]
) -> NewMessage:
    invoice = news.invoice
    data = {
        "invoice_id": invoice.id,
        "invoice_number": invoice.invoice_number,
        "customer_id": invoice.customer_id,
        "customer_external_id": external_ids[invoice.organization_id, invoice.customer_id],
        "subscription_id": invoice.subscription_id,
        "total": invoice.total,
        "amount_due": invoice.amount_due,
        "currency": invoice.currency,
        "status": invoice.status,
    }
    return _message(invoice.organization_id, news.event, invoice.id, data, at=news.at)


def announce_invoice(
    session: Session, invoice: Invoice, event: WebhookEvent, *, at: datetime, now: datetime
) -> None:
    """As :func:`announce_invoices`, of one."""
    announce_invoices(session, [InvoiceNews(invoice=invoice, event=event, at=at)], now=now)


def announce_drafts(session: Session, invoices: Sequence[Invoice], *, now: datetime) -> None:
    """It is told which drafts were made; one that is final from the start is told of as that."""
    created = WebhookEvent.INVOICE_CREATED
    news = [
        InvoiceNews(invoice=one, event=created, at=one.issue_date)
        for one in invoices
        if one.status == InvoiceStatus.DRAFT
    ]
    announce_invoices(session, news, now=now)


def announce_final_invoices(
    session: Session, finals: Sequence[tuple[Invoice, datetime]], *, now: datetime
) -> None:
    """It is told that invoices became final, and which are paid because nothing is owed."""
    news = []
    for invoice, at in finals:
        news.append(InvoiceNews(invoice=invoice, event=WebhookEvent.INVOICE_FINALIZED, at=at))
        if invoice.status == InvoiceStatus.PAID:
            news.append(InvoiceNews(invoice=invoice, event=WebhookEvent.INVOICE_PAID, at=at))
    announce_invoices(session, news, now=now)


def announce_failed_payment(
    session: Session, invoice: Invoice, payment: Payment, *, at: datetime, now: datetime
) -> None:
    """It is told that an attempt to pay an invoice failed, and why. Idempotent by payment."""
    if not _is_listening(session, invoice.organization_id):
        return
    data = {
        "invoice_id": invoice.id,
        "invoice_number": invoice.invoice_number,
        "customer_id": invoice.customer_id,
        "customer_external_id": _external_id(session, invoice),
        "subscription_id": invoice.subscription_id,
        "payment_id": payment.id,
        "attempt": payment.attempt,
        "amount": payment.amount,
        "amount_due": invoice.amount_due,
        "currency": payment.currency,
        "error_code": payment.error_code,
        "error": payment.error,
        "status": invoice.status,
    }
    event = WebhookEvent.INVOICE_PAYMENT_FAILED
    _queue(
        session,
        [_message(invoice.organization_id, event, payment.id, data, at=at)],
        now=now,
    )


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
        "customer_external_id": _external_id(session, subscription),
        "plan_id": subscription.plan_id,
        "status": subscription.status,
        "current_period_start": subscription.current_period_start,
        "current_period_end": subscription.current_period_end,
    }
    organization_id = subscription.organization_id
    _queue(session, [_message(organization_id, event, subscription.id, data, at=at)], now=now)


def announce_credit(
    session: Session,
    grant: CreditGrant,
    event: WebhookEvent,
    amount: Decimal,
    *,
    at: datetime,
    now: datetime,
) -> None:
    """It is told that credit was granted, or that what was left of it expired, and how much.

    Idempotent by event and grant.
    """
    if not _is_listening(session, grant.organization_id):
        return
    data = {
        "grant_id": grant.id,
        "customer_id": grant.customer_id,
        "customer_external_id": _external_id(session, grant),
        "unit": grant.unit,
        "amount": amount,
        "kind": grant.kind,
        "expires_at": grant.expires_at,
        "invoice_id": grant.invoice_id,
    }
    _queue(session, [_message(grant.organization_id, event, grant.id, data, at=at)], now=now)


def announce_top_up(
    session: Session, made: CreditTopUp, event: WebhookEvent, *, at: datetime, now: datetime
) -> None:
    """It is told what became of a try to top credit up. Idempotent by event and try."""
    if not _is_listening(session, made.organization_id):
        return
    data = {
        "top_up_id": made.id,
        "rule_id": made.rule_id,
        "customer_id": made.customer_id,
        "customer_external_id": _external_id(session, made),
        "unit": made.unit,
        "amount": made.amount,
        "status": made.status,
        "grant_id": made.grant_id,
        "invoice_id": made.invoice_id,
    }
    _queue(session, [_message(made.organization_id, event, made.id, data, at=at)], now=now)


def announce_alert(
    session: Session, alert: Alert, crossing: AlertCrossing, *, at: datetime, now: datetime
) -> None:
    """It is told that a threshold was reached. Idempotent by the crossing."""
    if not _is_listening(session, alert.organization_id):
        return
    data = {
        "alert_id": alert.id,
        "customer_id": alert.customer_id,
        "customer_external_id": _external_id(session, alert),
        "subscription_id": alert.subscription_id,
        "meter_id": alert.meter_id,
        "on": alert.on,
        "unit": alert.unit,
        "action": alert.action,
        "threshold": crossing.threshold,
        "value": crossing.value,
        "number": crossing.number,
        "watermark": crossing.watermark,
    }
    event = WebhookEvent.ALERT_TRIGGERED
    _queue(session, [_message(alert.organization_id, event, crossing.id, data, at=at)], now=now)


def _is_listening(session: Session, organization_id: UUID) -> bool:
    """Whether anybody is told; asked once in a transaction."""
    known: dict[UUID, bool] = session.info.setdefault(_LISTENERS, {})
    if organization_id not in known:
        known[organization_id] = stored_endpoints.has_listening(session, organization_id)
    return known[organization_id]


def _external_ids(
    session: Session, things: Sequence[_OfCustomer]
) -> Mapping[tuple[UUID, UUID], str | None]:
    """What their customers are called by the organizations themselves, in one statement."""
    keys = {(one.organization_id, one.customer_id) for one in things}
    found = stored_customers.list_by_key(session, keys) if keys else {}
    return {key: customer.external_id for key, customer in found.items()}


def _external_id(session: Session, thing: _OfCustomer) -> str | None:
    return _external_ids(session, [thing])[thing.organization_id, thing.customer_id]


def _message(
    organization_id: UUID,
    event: WebhookEvent,
    told_of: UUID,
    data: Mapping[str, object],
    *,
    at: datetime,
) -> NewMessage:
    return NewMessage(
        organization_id=organization_id,
        key=f"{event}:{told_of}",
        payload={"event": event, "timestamp": at, "data": data},
    )


def _queue(session: Session, messages: Sequence[NewMessage], *, now: datetime) -> None:
    stored_outbox.insert_messages(session, stored_outbox.WEBHOOK_MESSAGE, messages, now=now)
