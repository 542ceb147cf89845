"""Webhooks of the sandbox gateway: queued with what they tell, sent until they arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from billing.notifications.deliveries import Answer, Room
from billing.payments.gateways import GatewayStatus
from integrations.gateways.sandbox import signatures
from integrations.gateways.sandbox.faults import Faults
from integrations.gateways.sandbox.ledger.books import new_reference
from integrations.gateways.sandbox.ledger.tables import account, webhook
from integrations.gateways.sandbox.wire import (
    DisputeTold,
    EventTold,
    EventType,
    PaymentTold,
    RefundTold,
    encode,
)

TAKEN_FOR: Final = timedelta(seconds=60)
"""After that a webhook of which nobody says what became of it is sent again."""

LONGEST_WAIT_SECONDS: Final = 300
GIVEN_UP_AFTER: Final = timedelta(days=3)

_OPPOSITES: Final = {
    EventType.PAYMENT_SUCCEEDED: (EventType.PAYMENT_FAILED, GatewayStatus.FAILED),
    EventType.PAYMENT_FAILED: (EventType.PAYMENT_SUCCEEDED, GatewayStatus.SUCCEEDED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxLetter:
    """A webhook that is this process's to send."""

    id: UUID
    account_id: UUID
    attempts: int
    created_at: datetime
    url: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def receiver_id(self) -> UUID:
        """Who is to have it: the account."""
        return self.account_id


def queue(
    connection: Connection,
    account_id: UUID,
    type: EventType,
    *,
    faults: Faults,
    now: datetime,
    payment: PaymentTold | None = None,
    refund: RefundTold | None = None,
    dispute: DisputeTold | None = None,
) -> None:
    """The account is told, once this transaction is committed, and as wrongly as the plan says."""
    told = EventTold(
        id=new_reference("evt"),
        type=type,
        account=account_id,
        created_at=now,
        payment=payment,
        refund=refund,
        dispute=dispute,
    )
    # References are random, so what strikes depends on what is told and not on its name.
    subject = f"{type} {_subject_of(told)}"
    late = now + faults.webhook_delay(subject)
    _insert(connection, told, due_at=late if faults.strikes("webhook_delay", subject) else now)
    if faults.strikes("webhook_repeat", subject):
        _insert(connection, told, due_at=late)
    if payment is None:
        return
    if faults.strikes("webhook_forge", subject):
        _insert(connection, _forged(told, payment), due_at=now, is_forged=True)
    if type in _OPPOSITES and faults.strikes("webhook_contradict", subject):
        _insert(connection, _contradicting(told, payment), due_at=late)


def _subject_of(told: EventTold) -> str:
    payment = told.payment
    if payment is not None:
        return payment.key or f"{payment.invoice_id} {payment.amount_minor}"
    if told.refund is not None:
        return told.refund.key
    return told.id


def _forged(told: EventTold, payment: PaymentTold) -> EventTold:
    """What somebody else might say: that much was paid that never was."""
    return msgspec.structs.replace(
        told,
        id=new_reference("evt"),
        type=EventType.PAYMENT_SUCCEEDED,
        payment=msgspec.structs.replace(
            payment, id=new_reference("pay"), status=GatewayStatus.SUCCEEDED, key=None
        ),
    )


def _contradicting(told: EventTold, payment: PaymentTold) -> EventTold:
    opposite, status = _OPPOSITES[told.type]
    return msgspec.structs.replace(
        told,
        id=new_reference("evt"),
        type=opposite,
        payment=msgspec.structs.replace(payment, status=status),
    )


def _insert(
    connection: Connection, told: EventTold, *, due_at: datetime, is_forged: bool = False
) -> None:
    connection.execute(
        insert(webhook).values(
            id=uuid4(),
            account_id=told.account,
            event_id=told.id,
            body=encode(told).decode(),
            is_forged=is_forged,
            due_at=due_at,
            created_at=told.created_at,
        )
    )


def take_due(connection: Connection, room: Room, *, now: datetime) -> list[SandboxLetter]:
    """Webhooks that are due, signed; for a minute nobody else sends them."""
    full = [one for one, left in room.of_busy.items() if left <= 0]
    rows = connection.execute(
        select(webhook, account.c.webhook_url, account.c.webhook_secret)
        .join(account, account.c.id == webhook.c.account_id)
        .where(webhook.c.due_at <= now, webhook.c.account_id.not_in(full))
        .order_by(webhook.c.due_at, webhook.c.created_at)
        .limit(room.total)
        .with_for_update(of=webhook, skip_locked=True)
    ).all()
    taken: Counter[UUID] = Counter()
    letters = []
    for row in rows:
        if taken[row.account_id] < room.of_busy.get(row.account_id, room.of_each):
            taken[row.account_id] += 1
            letters.append(_letter(row, now=now))
    if letters:
        connection.execute(
            update(webhook)
            .where(webhook.c.id.in_([one.id for one in letters]))
            .values(due_at=now + TAKEN_FOR)
        )
    return letters


def _letter(row: Row[Any], *, now: datetime) -> SandboxLetter:
    body = str(row.body).encode()
    secret = f"not {row.webhook_secret}" if row.is_forged else row.webhook_secret
    return SandboxLetter(
        id=row.id,
        account_id=row.account_id,
        attempts=row.attempts,
        created_at=row.created_at,
        url=row.webhook_url,
        body=body,
        headers={signatures.HEADER: signatures.sign(body, secret=secret, at=now)},
    )


def find_next_due(connection: Connection) -> datetime | None:
    """When the first webhook is due, None if none waits."""
    found: datetime | None = connection.execute(select(func.min(webhook.c.due_at))).scalar_one()
    return found


def settle(
    connection: Connection, letter: SandboxLetter, answered: Answer, *, now: datetime
) -> None:
    """It arrived, or is due again: after a second, and each time twice as long, for three days.

    What is forged is sent once. Idempotent by the number of tries.
    """
    attempts = letter.attempts + 1
    waits = timedelta(seconds=min(2**letter.attempts, LONGEST_WAIT_SECONDS))
    is_over = answered.is_success or now - letter.created_at > GIVEN_UP_AFTER
    connection.execute(
        update(webhook)
        .where(webhook.c.id == letter.id, webhook.c.attempts == letter.attempts)
        .values(attempts=attempts, due_at=None if is_over else now + waits)
    )
    connection.execute(
        update(webhook).where(webhook.c.id == letter.id, webhook.c.is_forged).values(due_at=None)
    )
