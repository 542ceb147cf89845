"""Whether one event is in a bill, proved against the receipt that its customer holds.

A receipt has a digest of the hours of its period: how many events of a meter counted in each, and
their sum. Whoever shows all hours, and all events of one, shows that the bill was made of those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, NotFound
from billing.metering.hours import HOUR, floor_hour
from models.invoicing.invoices import Invoice
from models.usage.event_ids import moment_of
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import receipts as stored_receipts
from repositories.invoicing import steps as stored_steps
from repositories.invoicing.receipts import Basis
from repositories.usage.counted_rows import CountedEvent, CountedSpan, list_counted
from repositories.usage.hour_leaves import (
    HoursAsked,
    HoursDigest,
    digest_hours,
    list_hour_lines,
)
from services.catalog import versions
from services.documents.evidence import as_shown
from services.receipts.export import describe_event
from services.required import require_invoice

MOST_EVENTS: Final = 100_000
"""Of a larger bill the export has them all."""

MOST_EVENTS_OF_AN_HOUR: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """The receipt, all hours of its period, and all counted events of the hour that is asked for.

    ``event`` is None where the event is not among them.
    """

    receipt: Mapping[str, object]
    hours: Sequence[str]
    events: Sequence[CountedEvent]
    event: CountedEvent | None


def seal_hours(
    session: Session, invoices: Sequence[Invoice], bases: Mapping[UUID, Basis]
) -> dict[UUID, HoursDigest]:
    """The digest of the hours of each invoice that was computed from usage, by its id."""
    computed = [one for one in invoices if one.id in bases]
    asked = [hours_of(one, bases[one.id]) for one in computed]
    if not any(one.meter_ids for one in asked):
        return {}
    found = digest_hours(session, asked)
    return {
        invoice.id: digest
        for invoice, digest in zip(computed, found, strict=True)
        if digest is not None
    }


def hours_of(invoice: Invoice, basis: Basis) -> HoursAsked:
    """The hours of the meters that an invoice charges, in its period."""
    charges = versions.parse_terms(basis.terms).charges
    return HoursAsked(
        organization_id=invoice.organization_id,
        customer_id=invoice.customer_id,
        meter_ids=sorted({one.meter.meter_id for one in charges if one.meter is not None}),
        starts_at=basis.period_start,
        ends_at=basis.period_end,
    )


def prove_event(
    session: Session, organization_id: UUID, invoice_id: UUID, event_id: UUID
) -> Inclusion:
    """Whether an event is in the bill, with what anybody can check it by.

    Raises NotFound for an invoice without hours in its receipt and for an event whose time is
    outside of its period, Conflict ``too_many_events``.
    """
    invoice = require_invoice(stored_invoices.find_invoice(session, organization_id, invoice_id))
    signed = stored_receipts.find_of_invoice(session, organization_id, invoice_id)
    basis = stored_receipts.list_bases(session, [invoice]).get(invoice_id)
    if signed is None or basis is None or signed.content.get("hours_watermark") is None:
        raise NotFound("The invoice has no receipt with hours.", code="receipt_not_found")
    if stored_steps.count_events(session, invoice) > MOST_EVENTS:
        raise _too_many()
    asked = hours_of(invoice, basis)
    watermark = signed.content["hours_watermark"]
    earliest, latest = moment_of(event_id)
    if latest <= asked.starts_at or earliest >= asked.ends_at:
        raise NotFound("The event is not of the invoice's period.", code="event_not_found")
    hour = floor_hour(max(earliest, asked.starts_at))
    spans = [
        CountedSpan(
            organization_id=organization_id,
            customer_id=invoice.customer_id,
            meter_id=meter_id,
            starts_at=max(hour, asked.starts_at),
            ends_at=min(hour + HOUR, asked.ends_at),
            watermark=watermark,
        )
        for meter_id in asked.meter_ids
    ]
    events = [one for span in spans for one in _events_of(session, span)]
    return Inclusion(
        receipt=as_shown(signed),
        hours=list_hour_lines(session, asked, watermark=watermark),
        events=events,
        event=next((one for one in events if one.id == event_id), None),
    )


def describe_inclusion(inclusion: Inclusion) -> dict[str, object]:
    """The proof as it is shown, and as a stranger's script checks it."""
    event = inclusion.event
    return {
        "included": event is not None,
        "event": None if event is None else describe_event(event),
        "events": [describe_event(one) for one in inclusion.events],
        "hours": list(inclusion.hours),
        "receipt": dict(inclusion.receipt),
    }


def _events_of(session: Session, span: CountedSpan) -> list[CountedEvent]:
    events = list_counted(session, span, limit=MOST_EVENTS_OF_AN_HOUR + 1)
    if len(events) > MOST_EVENTS_OF_AN_HOUR:
        raise _too_many()
    return events


def _too_many() -> Conflict:
    return Conflict(
        "The invoice counts too many events for a proof of one; events.ndjson has them all.",
        code="too_many_events",
    )
