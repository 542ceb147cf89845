"""The events that an invoice counted, exactly, for whoever computes it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.receipts import Document, instant_text
from billing.metering.aggregations import MeterTerms
from billing.metering.tallies import Level
from billing.money import plain_text
from billing.rating.frozen_usage import FrozenUsage
from billing.rating.terms import PlanTerms
from repositories.invoicing import invoices as stored_invoices
from repositories.usage.counted_rows import CountedEvent, CountedSpan, find_newest, list_counted
from repositories.usage.period_usage import BEGINNING
from services.documents.contents import is_computed_bill
from services.rating import steps
from services.rating.records import USAGE, BillKey, find_runs
from services.required import require_invoice

PAGE: Final = 2_000
"""How many events are read at once."""

FIRST: Final = UUID(int=0)
"""Before every id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The spans whose events an invoice counts; of ``newest_of`` only the newest event."""

    newest_of: tuple[CountedSpan, ...] = ()
    spans: tuple[CountedSpan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some events, and what comes after them, if anything does."""

    events: tuple[CountedEvent, ...]
    rest: Counted | None
    after_id: UUID


def find_counted_spans(session: Session, organization_id: UUID, invoice_id: UUID) -> Counted:
    """What an invoice counts: nothing for one that people wrote or edited. Raises NotFound.

    A meter that carries its level on also counts what was before: its newest event, or for a sum
    over time all of them.
    """
    invoice = require_invoice(stored_invoices.find_invoice(session, organization_id, invoice_id))
    if not is_computed_bill(invoice):
        return Counted()
    bill = BillKey.of_invoice(invoice)
    if USAGE not in find_runs(session, bill):
        return Counted()
    frozen, terms = steps.load_frozen(session, bill)
    newest, spans = [], []
    for meter, starts_at, ends_at in _metered(frozen, terms):
        span = CountedSpan(
            organization_id=organization_id,
            customer_id=invoice.customer_id,
            meter_id=meter.meter_id,
            starts_at=starts_at,
            ends_at=ends_at,
            watermark=frozen.watermark,
            properties=_properties_of(terms, meter),
        )
        if meter.carry_forward and meter.aggregation.definition.level is Level.NEWEST:
            newest.append(replace(span, starts_at=BEGINNING, ends_at=starts_at))
        elif meter.carry_forward:
            span = replace(span, starts_at=BEGINNING)
        spans.append(span)
    return Counted(newest_of=tuple(newest), spans=tuple(spans))


def read_page(
    session: Session, counted: Counted, *, after_id: UUID = FIRST, limit: int = PAGE
) -> Page:
    """The next events, in order within each meter, and what comes after them."""
    if counted.newest_of:
        found = (find_newest(session, span) for span in counted.newest_of)
        rest = replace(counted, newest_of=())
        return Page(
            events=tuple(one for one in found if one is not None), rest=rest, after_id=after_id
        )
    if not counted.spans:
        return Page(events=(), rest=None, after_id=after_id)
    span, *others = counted.spans
    events = tuple(list_counted(session, span, after_id=after_id, limit=limit))
    if len(events) < limit:
        rest = Counted(spans=tuple(others))
        return Page(events=events, rest=rest if others else None, after_id=FIRST)
    last = events[-1]
    further = replace(span, starts_at=last.timestamp)
    return Page(events=events, rest=Counted(spans=(further, *others)), after_id=last.id)


def walk(session: Session, counted: Counted) -> Iterator[CountedEvent]:
    """Every event, page by page, in one transaction."""
    rest: Counted | None = counted
    after_id = FIRST
    while rest is not None:
        page = read_page(session, rest, after_id=after_id)
        yield from page.events
        rest, after_id = page.rest, page.after_id


def describe_event(event: CountedEvent) -> dict[str, Document]:
    """An event as it is exported: all that its invoice depends on, and the key it came with.

    Properties are there only of a meter that the invoice prices by some.
    """
    said = dict(zip(event.properties, event.said, strict=True))
    properties: dict[str, Document] = {"properties": {**said}} if said else {}
    return {
        "id": str(event.id),
        "meter_id": str(event.meter_id),
        "timestamp": instant_text(event.timestamp),
        "sequence": event.sequence,
        "quantity": plain_text(event.quantity),
        "distinct": event.distinct,
        "idempotency_key": event.idempotency_key,
        **properties,
    }


def _properties_of(terms: PlanTerms, meter: MeterTerms) -> tuple[str, ...]:
    """Every property by which a charge on the meter prices, each once."""
    named = [
        name
        for one in terms.charges
        if one.meter is not None and one.meter.meter_id == meter.meter_id and one.grouping
        for name in one.grouping.properties
    ]
    return tuple(dict.fromkeys(named))


def _metered(
    frozen: FrozenUsage, terms: PlanTerms
) -> Iterable[tuple[MeterTerms, datetime, datetime]]:
    """Each meter with the time that its windows, which touch, cover together."""
    meters = {one.meter.meter_id: one.meter for one in terms.charges if one.meter is not None}
    for meter_id, meter in meters.items():
        windows = [one.window for one in frozen.usage if one.window.meter_id == meter_id]
        if windows:
            starts = min(one.starts_at for one in windows)
            yield meter, starts, max(one.ends_at for one in windows)
