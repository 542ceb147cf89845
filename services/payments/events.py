"""Webhooks of gateways become events, once each; what they say is not believed yet.

Source: CONTRACT 29, FAULTS (inbound provider calls).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlmodel import Session

from billing.payments.gateways import (
    GatewayAccount,
    GatewayEvent,
    GatewayPayment,
    Gateways,
    WebhookRefused,
)
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

PAYMENT_FOUND: Final = "payment.found"
REFUND_GIVEN_UP: Final = "refund.given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A request that says it is of a gateway, and whose connection it names."""

    organization_id: UUID
    connection_id: UUID
    provider: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that no webhook told: money that was found, or what a gateway will not do.

    ``key`` never names two of them at a connection.
    """

    key: str
    type: str
    reference: str | None
    amount: Decimal
    currency: str


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
        **_money_of(event),
        status=EventStatus.RECEIVED if is_about_money else EventStatus.IGNORED,
        reason=None if is_about_money else "It is about no payment, refund or dispute.",
        received_at=now,
        processed_at=None if is_about_money else now,
    )
    if stored_events.insert_event(session, row) and is_about_money:
        about = Subject(organization_id=row.organization_id, connection_id=connection.id, id=row.id)
        tasks.queue(session, TaskKind.EVENT, [about], now=now)


def notice(
    session: Session, key: tuple[UUID, UUID], what: Notice, verdict: Verdict, *, now: datetime
) -> None:
    """What no webhook told is listed with what was told. ``key`` is of the connection.

    Idempotent by the notice's key: who sees it again has no effect.
    """
    row = GatewayEventRow(
        organization_id=key[0],
        id=new_id(),
        connection_id=key[1],
        event_id=f"{tasks.NOTICES}{what.type}/{what.key}"[:LONGEST_EVENT_ID],
        type=what.type,
        status=verdict.status,
        reason=None if verdict.reason is None else verdict.reason[:LONGEST_REASON],
        reference=what.reference,
        amount=what.amount,
        currency=what.currency,
        invoice_id=verdict.invoice_id,
        payment_id=verdict.payment_id,
        received_at=now,
        processed_at=now,
    )
    session.flush()
    stored_events.insert_event(session, row)


def payment_found(told: GatewayPayment) -> Notice:
    """Money that was found by looking, not told."""
    return Notice(
        key=told.references[0],
        type=PAYMENT_FOUND,
        reference=told.references[0],
        amount=told.amount,
        currency=told.currency.upper(),
    )


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


def _money_of(event: GatewayEvent) -> dict[str, Any]:
    """What stays of an event when its body goes: which money it was about, as it was told."""
    about = event.payment or event.refund or event.dispute
    if about is None:
        return {}
    reference = about.references[0] if isinstance(about, GatewayPayment) else about.reference
    return {"reference": reference, "amount": about.amount, "currency": about.currency.upper()}


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
