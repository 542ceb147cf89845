"""Payment links: a row before the gateway is asked, one at most on which an invoice can be paid.

Source: CONTRACT 29, 60.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import InvoiceStatus
from billing.money import ZERO
from billing.payments import gateways
from billing.payments.gateways import PaymentRequest
from billing.payments.states import WATCHED_AFTER, LinkStatus, TaskKind
from models.base import new_id
from models.invoicing.invoices import Invoice
from models.payments.connections import Connection
from models.payments.links import PaymentLink
from repositories import customers as stored_customers
from repositories.invoicing.invoices import InvoiceKey
from repositories.notifications import emails as stored_emails
from repositories.payments import connections as stored_connections
from repositories.payments import links as stored_links
from repositories.payments import payments as stored_payments
from services.documents.locks import lock_invoice
from services.payments import tasks
from services.payments.tasks import Subject

ASKED_FOR: Final = frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE})
"""Of these customers are asked to pay what is due; what is written off can still be paid."""

MAILS_WAIT: Final = timedelta(seconds=30)

_CONNECTED: Final = "newest_connections"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLink:
    """A link that is to be made, and at which connection."""

    connection: Connection
    request: PaymentRequest


def prepare_links(session: Session, invoices: Sequence[Invoice], *, now: datetime) -> None:
    """Invoices that just became final have a link in the making, where a gateway is connected.

    Their mails wait for it. It costs three statements for all of them, and one where none has any.
    """
    payable = [one for one in invoices if amount_to_pay(one) > ZERO]
    connections = _connections_of(session, {one.organization_id for one in payable})
    made = [
        _new_link(invoice, connection, sequence=1, now=now)
        for invoice in payable
        if (connection := connections[invoice.organization_id]) is not None
    ]
    if made:
        session.add_all(made)
        tasks.queue(session, TaskKind.OPEN_LINK, [_subject(one) for one in made], now=now)
        hold_mails(session, [(one.organization_id, one.invoice_id) for one in made], now=now)


def follow_due(session: Session, invoice: Invoice, *, now: datetime) -> None:
    """The invoice's link is of just what is due; one that is not is closed, and another made.

    While a saved method is charged there is none, for both might take the money. The invoice is
    locked. Idempotent: a link of the right amount stays.
    """
    connection = _connection_of(session, invoice.organization_id)
    if connection is None and invoice.payment_link is None:
        return
    session.flush()
    key = (invoice.organization_id, invoice.id)
    live = stored_links.find_live(session, *key)
    wanted = amount_to_pay(invoice)
    if wanted > ZERO and stored_payments.find_charge(session, *key) is not None:
        wanted = ZERO
    if live is not None and live.amount == wanted:
        return
    if live is not None:
        close_link(session, invoice, live, now=now)
    if connection is not None and wanted > ZERO:
        prepare_link(session, invoice, connection, now=now)


def amount_to_pay(invoice: Invoice) -> Decimal:
    """What a link of the invoice would be of: nothing where nothing can be paid."""
    return invoice.amount_due if invoice.status in ASKED_FOR else ZERO


def hold_mails(session: Session, invoices: Sequence[InvoiceKey], *, now: datetime) -> None:
    """Mails about the invoices that wait to be sent wait for links, for half a minute at most."""
    stored_emails.reschedule(session, invoices, at=now + MAILS_WAIT, is_sooner=False)


def is_making(session: Session, invoice: Invoice) -> bool:
    """Whether the invoice is about to have a link."""
    if invoice.payment_link is not None or amount_to_pay(invoice) <= ZERO:
        return False
    if _connection_of(session, invoice.organization_id) is None:
        return False
    return stored_links.find_live(session, invoice.organization_id, invoice.id) is not None


def prepare_link(
    session: Session, invoice: Invoice, connection: Connection, *, now: datetime
) -> None:
    """The next link of the invoice is a row, and its gateway is asked once that is stored."""
    last = stored_links.find_last_sequence(session, invoice.organization_id, invoice.id)
    link = _new_link(invoice, connection, sequence=last + 1, now=now)
    session.add(link)
    tasks.queue(session, TaskKind.OPEN_LINK, [_subject(link)], now=now)


def ask_for_link(
    session: Session, organization_id: UUID, link_id: UUID, *, return_url: str, now: datetime
) -> AskedLink | None:
    """What the gateway is to be asked for the link, None if it is not to be made (any more)."""
    invoice, link = _lock(session, organization_id, link_id)
    if link.status == LinkStatus.CLOSED:
        # One that was refused, and is asked for again, has a successor.
        follow_due(session, invoice, now=now)
    if link.status != LinkStatus.MAKING:
        return None
    connection = stored_connections.find_connection(session, organization_id, link.connection_id)
    assert connection is not None
    if connection.deleted_at is not None or link.amount != amount_to_pay(invoice):
        close_link(session, invoice, link, now=now)
        return None
    customer = stored_customers.find_customer(session, organization_id, invoice.customer_id)
    request = PaymentRequest(
        organization_id=organization_id,
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        invoice_number=invoice.invoice_number or "",
        amount=link.amount,
        currency=link.currency,
        idempotency_key=f"{invoice.id}/link/{link.sequence}",
        customer_name=customer.name if customer else "",
        customer_email=customer.email if customer else None,
        return_url=return_url,
    )
    return AskedLink(connection=connection, request=request)


def open_link(
    session: Session,
    organization_id: UUID,
    link_id: UUID,
    told: gateways.PaymentLink,
    *,
    now: datetime,
) -> str | None:
    """The invoice can be paid on the page that the gateway made; where, None if it cannot.

    A page that nobody needs any more is closed again. Idempotent: an open link stays as it is.
    """
    invoice, link = _lock(session, organization_id, link_id)
    if link.status == LinkStatus.OPEN:
        return link.url
    link.reference, link.url, link.expires_at = told.reference, told.url, told.expires_at
    session.add(link)
    if link.status == LinkStatus.CLOSED or link.amount != amount_to_pay(invoice):
        close_link(session, invoice, link, now=now)
        return None
    link.status = LinkStatus.OPEN
    invoice.payment_link = link.url
    session.add(invoice)
    stored_emails.reschedule(session, [(organization_id, invoice.id)], at=now, is_sooner=True)
    looked_at = link.expires_at or now + WATCHED_AFTER
    tasks.queue(session, TaskKind.RENEW_LINK, [_subject(link)], due_at=looked_at, now=now)
    session.flush()
    return link.url


def give_up_link(session: Session, organization_id: UUID, link_id: UUID, *, now: datetime) -> None:
    """The gateway makes no such page: the invoice has no link, until somebody asks for another."""
    invoice, link = _lock(session, organization_id, link_id)
    if link.status == LinkStatus.MAKING:
        close_link(session, invoice, link, now=now)


def renew_link(session: Session, organization_id: UUID, link_id: UUID, *, now: datetime) -> bool:
    """A page that closed by itself has a successor, if the invoice is still due.

    Whether the page is over.
    """
    invoice, link = _lock(session, organization_id, link_id)
    if link.status != LinkStatus.OPEN:
        return True
    if link.expires_at is None or now < link.expires_at:
        return False
    close_link(session, invoice, link, now=now)
    follow_due(session, invoice, now=now)
    return True


def close_link(session: Session, invoice: Invoice, link: PaymentLink, *, now: datetime) -> None:
    """Nobody is shown the link any more, and its gateway is told once this is stored."""
    if link.status != LinkStatus.CLOSED:
        link.status, link.closed_at = LinkStatus.CLOSED, now
        invoice.payment_link = None
        session.add(invoice)
        session.add(link)
    if link.reference is not None:
        tasks.queue(session, TaskKind.CLOSE_LINK, [_subject(link)], now=now)
    session.flush()


def _new_link(
    invoice: Invoice, connection: Connection, *, sequence: int, now: datetime
) -> PaymentLink:
    return PaymentLink(
        organization_id=invoice.organization_id,
        id=new_id(),
        invoice_id=invoice.id,
        connection_id=connection.id,
        sequence=sequence,
        amount=invoice.amount_due,
        currency=invoice.currency,
        status=LinkStatus.MAKING,
        created_at=now,
    )


def _subject(link: PaymentLink) -> Subject:
    return Subject(
        organization_id=link.organization_id, connection_id=link.connection_id, id=link.id
    )


def _lock(session: Session, organization_id: UUID, link_id: UUID) -> tuple[Invoice, PaymentLink]:
    """The link with its invoice, the invoice locked first."""
    found = stored_links.find_link(session, organization_id, link_id)
    assert found is not None, "links are never deleted"
    invoice, _ = lock_invoice(session, organization_id, found.invoice_id)
    link = stored_links.lock_link(session, organization_id, link_id)
    assert link is not None
    return invoice, link


def _connections_of(
    session: Session, organization_ids: Collection[UUID]
) -> Mapping[UUID, Connection | None]:
    """The connections that make links; asked once in a transaction."""
    known: dict[UUID, Connection | None] = session.info.setdefault(_CONNECTED, {})
    if unknown := set(organization_ids) - known.keys():
        found = stored_connections.find_newest(session, unknown)
        known.update(dict.fromkeys(unknown))
        known.update({one.organization_id: one for one in found})
    return known


def _connection_of(session: Session, organization_id: UUID) -> Connection | None:
    return _connections_of(session, [organization_id])[organization_id]
