"""From queued messages to deliveries, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
import structlog
from sqlmodel import Session

from billing.errors import Conflict
from billing.notifications import signatures
from billing.notifications.deliveries import Answer, Room
from billing.notifications.events import is_wanted
from billing.notifications.schedule import DeliveryStatus, is_given_up
from models.base import new_id
from models.notifications.webhooks import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEventRow,
)
from models.subscriptions.subscriptions import OutboxMessage
from repositories import outbox as stored_outbox
from repositories.notifications import deliveries as stored_deliveries
from repositories.notifications import due as stored_due
from repositories.notifications import endpoints as stored_endpoints
from repositories.notifications.deliveries import ShownDelivery, TakenDelivery
from repositories.notifications.due import WEBHOOKS
from repositories.transactions import Transactions, name_organizations
from services.accounts.credentials import Sealing, SecretKeyMissing
from services.audit_log import record
from services.notifications import endpoints
from services.notifications.endpoints import place_of
from services.required import not_found

log = structlog.get_logger(__name__)

BATCH: Final = 200

REPEATED: Final = timedelta(minutes=1)
"""How long the same replay counts as a repeat, not as another one."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A delivery that is this process's to send: the bytes, where to, and what proves them."""

    organization_id: UUID
    delivery_id: UUID
    endpoint_id: UUID
    attempts: int
    url: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def receiver_id(self) -> UUID:
        """Who is to have it: the endpoint."""
        return self.endpoint_id

    @property
    def invoice_id(self) -> UUID | None:
        """The invoice that it tells of, None if it tells of something else."""
        told = msgspec.json.decode(self.body)
        is_invoice = str(told["event"]).startswith("invoice.")
        data = told["data"]
        found = data.get("invoice_id") or (data.get("id") if is_invoice else None)
        return None if found is None else UUID(found)


def spread_events(transactions: Transactions, *, now: datetime) -> bool:
    """A batch of queued messages are events, each with a delivery to every endpoint that asked.

    Whether there may be more. Messages become events, or stay, in one transaction: no crash loses
    or doubles one. Idempotent by the keys of events.
    """
    with transactions.looking_up(stored_outbox.LOOKUP, stored_outbox.WEBHOOK_MESSAGE) as session:
        due = stored_outbox.lock_due_messages(
            session, stored_outbox.WEBHOOK_MESSAGE, now=now, limit=BATCH
        )
        if not due:
            return False
        organizations = sorted({message.organization_id for message in due})
        name_organizations(session, organizations)
        listening = stored_endpoints.list_listening(session, organizations)
        _spread(session, due, listening, now=now)
        for message in due:
            session.delete(message)
    return len(due) == BATCH


def _spread(
    session: Session,
    due: Sequence[OutboxMessage],
    listening: Sequence[WebhookEndpoint],
    *,
    now: datetime,
) -> None:
    wanted = {
        message.id: [
            one
            for one in listening
            if one.organization_id == message.organization_id
            and is_wanted(message.payload["event"], one.events)
        ]
        for message in due
    }
    events = [_event_of(message) for message in due if wanted[message.id]]
    fresh = stored_deliveries.insert_events(session, events)
    stored_deliveries.insert_deliveries(
        session,
        [
            _new_delivery(event, endpoint.id, now=now)
            for event in events
            if event.id in fresh
            for endpoint in wanted[event.id]
        ],
    )


def _event_of(message: OutboxMessage) -> WebhookEventRow:
    told = message.payload
    happened_at = told.get("timestamp") or message.created_at.astimezone(UTC)
    body = {"event": told["event"], "timestamp": happened_at, "data": told["data"]}
    return WebhookEventRow(
        organization_id=message.organization_id,
        id=message.id,
        event=told["event"],
        key=message.key,
        body=_encode(body).decode(),
        created_at=message.created_at,
    )


def _new_delivery(
    event: WebhookEventRow | WebhookDelivery,
    endpoint_id: UUID,
    *,
    replay_of: UUID | None = None,
    now: datetime,
) -> WebhookDelivery:
    return WebhookDelivery(
        organization_id=event.organization_id,
        id=new_id(),
        endpoint_id=endpoint_id,
        event_id=event.id if isinstance(event, WebhookEventRow) else event.event_id,
        event=event.event,
        status=DeliveryStatus.PENDING,
        next_attempt_at=now,
        replay_of=replay_of,
        created_at=now,
    )


def take_due(
    transactions: Transactions, sealing: Sealing, room: Room, *, now: datetime
) -> list[Letter]:
    """Deliveries that are due, signed; for a minute nobody else sends them."""
    taken = stored_due.take_due(transactions, WEBHOOKS, stored_deliveries.take, room, now=now)
    return [letter for one in taken if (letter := _sign(one, sealing, now=now)) is not None]


def _sign(taken: TakenDelivery, sealing: Sealing, *, now: datetime) -> Letter | None:
    """The delivery with its signatures; None, and it waits, while the key to its secret is away."""
    try:
        return _letter(taken, sealing, now=now)
    except SecretKeyMissing:
        log.exception("webhook_secret_unreadable", endpoint_id=str(taken.endpoint_id))
        return None


def _letter(taken: TakenDelivery, sealing: Sealing, *, now: datetime) -> Letter:
    place = place_of(taken.organization_id, taken.endpoint_id)
    secrets = [sealing.open(taken.sealed_secret, place=place)]
    if taken.former_secret and taken.former_until and now < taken.former_until:
        secrets.append(sealing.open(taken.former_secret, place=place))
    body = taken.body.encode()
    return Letter(
        organization_id=taken.organization_id,
        delivery_id=taken.id,
        endpoint_id=taken.endpoint_id,
        attempts=taken.attempts,
        url=taken.url,
        body=body,
        headers=signatures.sign(body, message_id=str(taken.event_id), at=now, secrets=secrets),
    )


def settle(session: Session, letter: Letter, answer: Answer, *, now: datetime) -> None:
    """The delivery succeeded, or is due again, or has failed for good.

    Idempotent by the number of tries: who sent it later than somebody else changes nothing. An
    endpoint of which everything failed for days is disabled. Its row is locked before the
    delivery's, as by whoever deletes it: the other way around the two would wait for each other.
    """
    look = (
        stored_endpoints.lock_failing_endpoint
        if answer.is_success
        else stored_endpoints.lock_endpoint
    )
    endpoint = look(session, letter.organization_id, letter.endpoint_id)
    delivery = stored_deliveries.lock_delivery(session, letter.organization_id, letter.delivery_id)
    if (
        delivery is None
        or delivery.status != DeliveryStatus.PENDING
        or delivery.attempts != letter.attempts
    ):
        return
    delivery.attempts += 1
    delivery.response_code, delivery.error = answer.response_code, answer.error
    delivery.next_attempt_at = answer.next_try_at(delivery.attempts, at=now)
    if delivery.next_attempt_at is None:
        delivery.status = DeliveryStatus.SUCCEEDED if answer.is_success else DeliveryStatus.FAILED
        delivery.completed_at = now
    session.add_all([delivery, _attempt_of(delivery, answer, at=now)])
    session.flush()
    if endpoint is None:
        return
    if answer.is_success:
        endpoint.failing_since = None
        session.add(endpoint)
    else:
        _count_failure(session, endpoint, now=now)


def _attempt_of(delivery: WebhookDelivery, answer: Answer, *, at: datetime) -> WebhookAttempt:
    return WebhookAttempt(
        organization_id=delivery.organization_id,
        delivery_id=delivery.id,
        number=delivery.attempts,
        at=at,
        response_code=answer.response_code,
        error=answer.error,
        answer=answer.beginning,
    )


def _count_failure(session: Session, endpoint: WebhookEndpoint, *, now: datetime) -> None:
    if not endpoint.enabled:
        return
    if endpoint.failing_since is None:
        endpoint.failing_since = now
        session.add(endpoint)
    elif is_given_up(endpoint.failing_since, at=now):
        endpoints.disable(session, endpoint, now=now)


def get_delivery(session: Session, organization_id: UUID, delivery_id: UUID) -> ShownDelivery:
    """A delivery with the bytes that are sent and each of its tries. Raises NotFound."""
    shown = stored_deliveries.find_shown(session, organization_id, delivery_id)
    if shown is None:
        raise not_found("Delivery")
    return shown


def replay(
    session: Session, organization_id: UUID, delivery_id: UUID, *, now: datetime
) -> WebhookDelivery:
    """A new delivery of the same event to the same endpoint, with the event's id.

    Asked for again within a minute it is the one that was made: a repeat has one effect. Raises
    NotFound, Conflict ``endpoint_disabled``. Source: CONTRACT 68.
    """
    former = stored_deliveries.lock_delivery(session, organization_id, delivery_id)
    if former is None:
        raise not_found("Delivery")
    endpoint = stored_endpoints.find_endpoint(session, organization_id, former.endpoint_id)
    if endpoint is None or not endpoint.enabled:
        raise Conflict("The endpoint is disabled or deleted.", code="endpoint_disabled")
    made = stored_deliveries.find_replay(session, organization_id, former.id, since=now - REPEATED)
    if made is not None:
        return made
    again = _new_delivery(former, former.endpoint_id, replay_of=former.id, now=now)
    stored_deliveries.insert_deliveries(session, [again])
    stored_deliveries.tell_of_replay(session)
    record(
        session,
        organization_id,
        "webhook_delivery.replayed",
        "webhook_delivery",
        former.id,
        after={"delivery_id": again.id},
        now=now,
    )
    return again
