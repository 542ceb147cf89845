"""A customer is erased: what the law wants kept stays as it was issued, the rest names nobody."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvalidInput
from billing.invoicing.receipts import to_document
from models.customers import Customer, CustomerErasure
from models.invoicing.invoices import InvoiceParties
from repositories import customers as stored_customers
from repositories.personal_data import erasures as stored_erasures
from repositories.usage.arrival_locks import lock_arrivals
from services import customers
from services.audit_log import ACTOR, SYSTEM, record
from services.customers import CustomerDetails
from services.documents.parties import read_parties
from services.payments.methods import forget_methods
from services.personal_data.endings import require_ended
from services.required import require_customer

ERASED_NAME: Final = "Erased customer"

AT_ONCE: Final = 2_000
"""So many events are erased in the transaction that asks for it; of more, that is a job's. Of these
a busy machine erases a thousand in half a second, and a request has two seconds."""

SEARCHED_AT_ONCE: Final = 2_000
"""So many rows of a table are searched there for what names a customer."""

BATCH: Final = 2_000
SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseCustomer:
    """``confirm`` names the customer once more; the law keeps documents for so many years."""

    confirm: str
    document_years: int


class ErasureStatus(StrEnum):
    """Whether anything of an erasure is left to be done."""

    ERASING = "erasing"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """How far an erasure has come, and what stays."""

    row: CustomerErasure
    invoice_count: int
    method_count: int
    """How many saved methods gateways are still to forget."""

    @property
    def status(self) -> ErasureStatus:
        """Events and methods together."""
        is_done = self.row.completed_at is not None and self.method_count == 0
        return ErasureStatus.COMPLETED if is_done else ErasureStatus.ERASING


def erase_customer(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    command: EraseCustomer,
    *,
    now: datetime,
) -> Erasure:
    """The customer is deleted, and nothing names them but what was issued to them.

    Idempotent by the customer: asked for again it says how far it has come, and confirms nothing.
    Raises NotFound, InvalidInput ``confirmation_differs``, Conflict ``customer_not_ended`` or while
    the customer's test clock advances.
    """
    customer = require_customer(
        stored_customers.find_customer(session, organization_id, customer_id), may_be_deleted=True
    )
    erasure = stored_erasures.find_erasure(session, organization_id, customer_id)
    if erasure is None:
        _require_confirmed(customer, command.confirm)
        if customer.deleted_at is None:
            require_ended(session, organization_id, customer_id)
            customers.delete_customer(session, organization_id, customer_id, now=now)
        erasure = _begin(session, organization_id, customer_id, command, now=now)
        if _is_small(session, organization_id, customer_id):
            while advance(session, erasure, now=now):
                pass
        else:
            stored_erasures.tell_of_unfinished(session)
    return read_erasure(session, erasure)


def read_erasure(session: Session, erasure: CustomerErasure) -> Erasure:
    """How far it has come."""
    whose = (erasure.organization_id, erasure.customer_id)
    return Erasure(
        row=erasure,
        invoice_count=stored_erasures.read_issued(session, *whose).count,
        method_count=stored_erasures.count_methods(session, *whose),
    )


def advance(session: Session, erasure: CustomerErasure, *, now: datetime) -> bool:
    """A batch of the customer's events names nobody any more; whether any are left.

    With the last of them goes what has to be searched for, and what unique values are counted by,
    in events and roll-ups alike, so that a bill is the same whenever it is computed again. Done
    once more, it is for what was on its way: who found the customer before they were gone may have
    stored an event after it.
    """
    if stored_erasures.erase_events(session, erasure, at_most=BATCH):
        return True
    stored_erasures.empty_searched_rows(session, erasure.organization_id, erasure.customer_id)
    stored_erasures.erase_distinct(session, erasure, os.urandom(SALT_BYTES))
    erasure.names = None
    erasure.after_meter_id = erasure.after_timestamp = erasure.after_event_id = None
    if erasure.completed_at is None:
        erasure.completed_at = now
    else:
        erasure.checked_at = now
    session.add(erasure)
    session.flush()
    return False


def _is_small(session: Session, organization_id: UUID, customer_id: UUID) -> bool:
    count = stored_erasures.count_events(session, organization_id, customer_id)
    return count <= AT_ONCE and stored_erasures.is_short(
        session, organization_id, at_most=SEARCHED_AT_ONCE
    )


def _begin(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    command: EraseCustomer,
    *,
    now: datetime,
) -> CustomerErasure:
    # Whoever asks at the same time waits here, and finds what the first one did.
    customer = stored_customers.lock_customer(session, organization_id, customer_id)
    assert customer is not None
    found = stored_erasures.find_erasure(session, organization_id, customer_id)
    if found is not None:
        return found
    require_ended(session, organization_id, customer_id)
    lock_arrivals(session, [(organization_id, customer_id)])
    kept = stored_erasures.read_issued(session, organization_id, customer_id)
    erasure = CustomerErasure(
        organization_id=organization_id,
        customer_id=customer_id,
        requested_by=session.info.get(ACTOR, SYSTEM),
        requested_at=now,
        names=[one for one in (customer.email, customer.external_id) if one],
        documents_kept_until=end_of_period(kept.last_issued_at, command.document_years),
    )
    stored_erasures.insert_erasure(session, erasure)
    _keep_former_parties(session, organization_id, customer_id)
    stored_erasures.empty_rows(session, organization_id, customer_id)
    forget_methods(session, organization_id, customer_id, now=now)
    _replace_details(customer, now=now)
    session.add(customer)
    session.flush()
    record(
        session,
        organization_id,
        "customer.erased",
        "customer",
        customer_id,
        after={"invoices": kept.count, "documents_kept_until": erasure.documents_kept_until},
        now=now,
    )
    return erasure


def _keep_former_parties(session: Session, organization_id: UUID, customer_id: UUID) -> None:
    """Issued invoices that are older than kept parties name the present ones from here on.

    Else they would name whatever becomes of the customer.
    """
    for invoice in stored_erasures.list_without_parties(session, organization_id, customer_id):
        session.add(
            InvoiceParties(
                organization_id=organization_id,
                invoice_id=invoice.id,
                parties=to_document(read_parties(session, invoice)),
            )
        )
    session.flush()


def end_of_period(last_issued_at: datetime | None, years: int) -> datetime | None:
    """When the law no longer wants documents: so many years after the one of the last ends.

    Source: the German rule (section 147 of the Abgabenordnung, 4). Worked example: issued on 31
    March 2026, kept for ten years: until 1 January 2037.
    """
    if last_issued_at is None:
        return None
    return datetime(last_issued_at.astimezone(UTC).year + 1 + years, 1, 1, tzinfo=UTC)


def _replace_details(customer: Customer, *, now: datetime) -> None:
    for name in CustomerDetails.__slots__:
        setattr(customer, name, None)
    customer.name = ERASED_NAME
    customer.erased_at = customer.updated_at = now


def _require_confirmed(customer: Customer, confirm: str) -> None:
    """Return if whoever asks names the customer: typing it, people notice whom they erase."""
    names = {str(customer.id), customer.external_id, customer.email}
    if confirm not in names:
        raise InvalidInput(
            "Confirm with the customer's external_id, email or id.",
            code="confirmation_differs",
            field="confirm",
        )
