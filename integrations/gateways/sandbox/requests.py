"""What an account may ask of the sandbox gateway, each as one transaction of its ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import Connection

from billing.errors import InvalidInput
from integrations.gateways.sandbox.faults import FaultsAsked, find_plan, save_plan
from integrations.gateways.sandbox.ledger import customers, links, outbox, payments, refunds
from integrations.gateways.sandbox.ledger.books import answer_once
from integrations.gateways.sandbox.ledger.tables import payment
from integrations.gateways.sandbox.ledger.tables import refund as refund_row
from integrations.gateways.sandbox.wire import (
    ChargeAsked,
    Done,
    EventType,
    LinkAsked,
    LinkTold,
    RefundAsked,
    decode,
    encode,
)

LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request of an account that brought its key."""

    account_id: UUID
    body: bytes
    names: Mapping[str, str]
    """What stands in the path and in the query."""
    key: str
    page_of: Callable[[str], str]
    """The address of the page of a link's token."""
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The answer, and whether it is to be lost."""

    body: bytes
    is_lost: bool = False


class Verb(Protocol):
    """What may be asked."""

    def __call__(self, connection: Connection, asked: Asked) -> Told:
        """The answer."""


def create_link(connection: Connection, asked: Asked) -> Told:
    """``POST /links``: idempotent by its key."""
    wanted = decode(asked.body, LinkAsked)

    def create() -> bytes:
        reference, token = links.create_link(connection, asked.account_id, wanted, now=asked.now)
        return encode(LinkTold(id=reference, url=asked.page_of(token)))

    return Told(body=_once(connection, asked, b"link" + encode(wanted), create))


def charge(connection: Connection, asked: Asked) -> Told:
    """``POST /charges``: idempotent by its key, and only its first answer is lost."""
    wanted = decode(asked.body, ChargeAsked)
    is_lost = False

    def try_once() -> bytes:
        nonlocal is_lost
        tried = payments.charge(connection, asked.account_id, wanted, key=asked.key, now=asked.now)
        is_lost = tried.is_answer_lost
        return encode(tried.payment)

    body = _once(connection, asked, b"charge" + encode(wanted), try_once)
    return Told(body=body, is_lost=is_lost)


def find_payment(connection: Connection, asked: Asked) -> Told:
    """``GET /payments?reference=`` or ``?key=``: one or none."""
    payments.resolve_due(connection, now=asked.now)
    reference, key = asked.names.get("reference"), asked.names.get("key")
    if (reference is None) == (key is None):
        raise InvalidInput("One of reference and key.", field="reference")
    is_it = payment.c.key == key if reference is None else payment.c.id == reference
    found = payments.list_payments(connection, asked.account_id, is_it)
    return Told(body=encode(found))


def list_payments(connection: Connection, asked: Asked) -> Told:
    """``GET /links/{link}/payments``: the newest last."""
    payments.resolve_due(connection, now=asked.now)
    found = links.require_link(connection, asked.account_id, asked.names["link"])
    is_its = payment.c.link_id == found.id
    return Told(body=encode(payments.list_payments(connection, asked.account_id, is_its)))


def expire_link(connection: Connection, asked: Asked) -> Told:
    """``POST /links/{link}/expire``: idempotent."""
    found = links.require_link(connection, asked.account_id, asked.names["link"])
    if found.expired_at is None:
        links.expire(connection, found.id, now=asked.now)
        faults = find_plan(connection, asked.account_id, found.customer_id)
        outbox.queue(
            connection, asked.account_id, EventType.LINK_EXPIRED, faults=faults, now=asked.now
        )
    return Told(body=encode(Done()))


def forget_method(connection: Connection, asked: Asked) -> Told:
    """``POST /methods/{method}/forget``: idempotent."""
    customers.forget(connection, asked.account_id, asked.names["method"])
    return Told(body=encode(Done()))


def refund(connection: Connection, asked: Asked) -> Told:
    """``POST /refunds``: idempotent by its key."""
    wanted = decode(asked.body, RefundAsked)

    def make() -> bytes:
        return encode(
            refunds.make_refund(connection, asked.account_id, wanted, key=asked.key, now=asked.now)
        )

    return Told(body=_once(connection, asked, b"refund" + encode(wanted), make))


def find_refund(connection: Connection, asked: Asked) -> Told:
    """``GET /refunds?payment=&key=`` or ``&reference=``: one or none."""
    reference = asked.names.get("reference")
    is_it = refund_row.c.key == asked.names.get("key", "")
    found = refunds.find_refund(
        connection,
        asked.account_id,
        refund_row.c.payment_id == asked.names.get("payment", ""),
        is_it if reference is None else refund_row.c.id == reference,
    )
    return Told(body=encode([] if found is None else [found]))


def find_dispute(connection: Connection, asked: Asked) -> Told:
    """``GET /disputes?reference=``: one or none."""
    reference = asked.names.get("reference", "")
    found = refunds.find_dispute(connection, asked.account_id, reference)
    return Told(body=encode([] if found is None else [found]))


def set_dispute(connection: Connection, asked: Asked) -> Told:
    """``POST /disputes``: what a customer's bank would say; idempotent."""
    wanted = decode(asked.body, refunds.DisputeAsked)
    told = refunds.set_dispute(connection, asked.account_id, wanted, now=asked.now)
    return Told(body=encode(told))


def set_faults(connection: Connection, asked: Asked) -> Told:
    """``POST /faults``: the plan is in force; idempotent, and never struck itself."""
    save_plan(connection, asked.account_id, decode(asked.body, FaultsAsked))
    return Told(body=encode(Done()))


def _once(connection: Connection, asked: Asked, request: bytes, do: Callable[[], bytes]) -> bytes:
    if not 0 < len(asked.key) <= LONGEST_KEY:
        raise InvalidInput("The request needs an Idempotency-Key.", field="Idempotency-Key")
    return answer_once(
        connection, asked.account_id, key=asked.key, request=request, do=do, now=asked.now
    )
