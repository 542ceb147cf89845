"""What is due for how long, why payments failed, and what is tried next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session

from billing.payments.dunning import CollectionEntry, entries_of
from models.invoicing.invoices import Invoice
from repositories.books import receivables as stored_receivables
from repositories.books.receivables import FailedPayments
from repositories.invoicing import invoices as stored_invoices
from repositories.payments import scheduled as stored_scheduled
from services.books.journal import find_range


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """What is due in one currency: not yet, and since how many days.

    ``owed`` of it is of no invoice: credit that was spent, and whose money went back.
    """

    currency: str
    invoices: int
    total: Decimal
    owed: Decimal
    current: Decimal
    to_30: Decimal
    to_60: Decimal
    to_90: Decimal
    over_90: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AgedCustomer:
    """What a customer is due in one currency."""

    customer_id: UUID
    name: str
    external_id: str | None
    aged: Aged


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivables:
    """What is due: by currency, and of a page of customers with the most due first."""

    totals: Sequence[Aged]
    customers: Sequence[AgedCustomer]
    customer_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """An invoice that is collected, how often that failed, and what happens to it next."""

    invoice: Invoice
    failed_tries: int
    next: CollectionEntry


def read_receivables(
    session: Session, organization_id: UUID, *, now: datetime, offset: int, limit: int
) -> Receivables:
    """What open invoices are due, and paid ones of which something was refunded.

    By age at the present of each customer. Written off invoices are bad debt.
    """
    totals, customers, count = stored_receivables.read_receivables(
        session, organization_id, now=now, offset=offset, limit=limit
    )
    return Receivables(
        totals=[_aged(one) for one in totals],
        customers=[
            AgedCustomer(
                customer_id=UUID(one["customer_id"]),
                name=one["name"],
                external_id=one["external_id"],
                aged=_aged(one),
            )
            for one in customers
        ],
        customer_count=count,
    )


def list_failed_payments(
    session: Session, organization_id: UUID, first_day: date | None, last_day: date | None
) -> Sequence[FailedPayments]:
    """Why payments failed on these local days of the organization, both included."""
    part = find_range(session, organization_id, first_day, last_day)
    return stored_receivables.list_failed(
        session, organization_id, since=part.after.at, until=part.until
    )


def list_scheduled(
    session: Session, organization_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Scheduled]:
    """What happens next by itself to each open invoice that is collected, the soonest first."""
    found = stored_scheduled.list_scheduled(session, organization_id, after=after, limit=limit)
    keys = [(organization_id, one.invoice_id) for one in found]
    invoices = stored_invoices.find_invoices(session, keys)
    return [
        Scheduled(
            invoice=invoices[key],
            failed_tries=one.tries,
            next=entries_of(one.facts)[0],
        )
        for key, one in zip(keys, found, strict=True)
    ]


def _aged(row: dict[str, Any]) -> Aged:
    amounts = ("total", "owed", "current", "to_30", "to_60", "to_90", "over_90")
    return Aged(
        currency=row["currency"],
        invoices=row["invoices"],
        **{name: Decimal(row[name]) for name in amounts},
    )
