"""Webhooks of gateways become events, once each; what they say is not believed yet.

Source: CONTRACT 29, FAULTS (inbound provider calls).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from sqlmodel import Session

from billing.payments.gateways import GatewayAccount, GatewayEvent, Gateways, WebhookRefused
from billing.payments.states import EventStatus, TaskKind
from models.base import new_id
from models.payments.events import GatewayEventRow
from repositories.payments import connections as stored_connections
from repositories.payments import events as stored_events
from services.accounts.credentials import Sealing
from services.payments import tasks
from services.payments.connections import open_accounts
from services.payments.tasks import Subject

LONGEST_EVENT_ID = 255
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A request that says it is of a gateway, and whose connection it names."""

    organization_id: UUID
    connection_id: UUID
    provider: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of an event, and what it was found to be about."""

    status: EventStatus
    reason: str | None = None
    invoice_id: UUID | None = None
    payment_id: UUID | None = None


def receive(
    session: Session,
    webhook: Webhook,
    *,
    gateways: Gateways,
    sealing: Sealing,
    public_url: str,
    now: datetime,
) -> None:
    """The webhook is an event, stored before it is answered, if its signature is right.

    Idempotent by the gateway's id of the event: one that is told again has no effect. Raises
    WebhookRefused, in the same words for a connection that there is not.
    """
    connection = stored_connections.find_connection(
        session, webhook.organization_id, webhook.connection_id
    )
    if connection is None or connection.provider != webhook.provider:
        raise refused()
    accounts = open_accounts(connection, sealing, public_url=public_url, now=now)
    event = _read(webhook, accounts, gateways, now=now)
    is_about_money = any((event.payment, event.refund, event.dispute))
    row = GatewayEventRow(
        organization_id=webhook.organization_id,
        id=new_id(),
        connection_id=connection.id,
        event_id=event.id[:LONGEST_EVENT_ID],
        type=event.type,
        body=webhook.body,
        content=msgspec.to_builtins(event),
        status=EventStatus.RECEIVED if is_about_money else EventStatus.IGNORED,
        reason=None if is_about_money else "It is about no payment, refund or dispute.",
        received_at=now,
        processed_at=None if is_about_money else now,
    )
    if stored_events.insert_event(session, row) and is_about_money:
        about = Subject(organization_id=row.organization_id, connection_id=connection.id, id=row.id)
        tasks.queue(session, TaskKind.EVENT, [about], now=now)


def content_of(row: GatewayEventRow) -> GatewayEvent:
    """What the event says, as its adapter read it."""
    return msgspec.convert(row.content, GatewayEvent)


def settle(session: Session, row: GatewayEventRow, verdict: Verdict, *, now: datetime) -> None:
    """The event says what became of it. Idempotent: the first verdict stays."""
    if row.status != EventStatus.RECEIVED:
        return
    row.status = verdict.status
    row.reason = None if verdict.reason is None else verdict.reason[:LONGEST_REASON]
    row.invoice_id, row.payment_id = verdict.invoice_id, verdict.payment_id
    row.processed_at = now
    session.add(row)
    session.flush()


def refused() -> WebhookRefused:
    """The one answer to whatever is not known to be of the gateway: it says nothing of why."""
    return WebhookRefused("This is no webhook of a gateway that is connected here.")


def _read(
    webhook: Webhook, accounts: Sequence[GatewayAccount], gateways: Gateways, *, now: datetime
) -> GatewayEvent:
    """What it says, by the first of the secrets that signed it."""
    for account in accounts:
        try:
            gateway = gateways.gateway_of(account)
            return gateway.read_webhook(webhook.headers, webhook.body, now=now)
        except WebhookRefused:
            continue
    raise refused()
