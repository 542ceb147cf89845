"""The journal: every invoice, note, void and posting is an entry, made from facts when read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from billing.books import entries
from billing.books.chart import PostingKind, Rate
from billing.books.entries import Billed, Entry, Matter
from billing.errors import InvalidInput
from billing.identifiers import TaxRateId
from billing.invoicing.credit_notes import taxes_of_note
from billing.invoicing.taxes import TaxAmount
from billing.money import ZERO, exactly, find_currency
from billing.periods import local_date, start_of_day
from repositories.accounts import organizations as stored_organizations
from repositories.books import journal as stored_journal
from repositories.books import prepaid as stored_prepaid
from repositories.books.journal import InvoiceFacts, NoteFacts, Place, PostingFacts, Source
from repositories.books.prepaid import CreditMove
from services.books import prepaid
from services.books.prepaid import Costs

PAGE: Final = 500
"""How many entries are read at once."""

BEGINNING: Final = datetime(1900, 1, 1, tzinfo=UTC)
END: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRange:
    """What of a journal is left to read: behind a place, before an instant, in a local calendar."""

    after: Place
    until: datetime
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalPage:
    """Some entries, and what comes after them, if anything may."""

    entries: tuple[Entry, ...]
    rest: JournalRange | None


def find_range(
    session: Session, organization_id: UUID, first_day: date | None, last_day: date | None
) -> JournalRange:
    """The journal from one local day of the organization to another, both included.

    Raises InvalidInput ``empty_span``.
    """
    if first_day is not None and last_day is not None and last_day < first_day:
        raise InvalidInput("`to` must not lie before `from`.", code="empty_span", field="to")
    timezone = stored_organizations.get_organization(session, organization_id).timezone
    since, until = BEGINNING, END
    if first_day is not None and first_day > BEGINNING.date():
        since = start_of_day(first_day, timezone)
    if last_day is not None and last_day < END.date():
        until = start_of_day(last_day + timedelta(days=1), timezone)
    return JournalRange(after=Place(since, -1, ""), until=until, timezone=timezone)


def read_page(
    session: Session, organization_id: UUID, part: JournalRange, *, limit: int = PAGE
) -> JournalPage:
    """The next entries, by their instants; documents before what is posted of them."""
    places = stored_journal.list_places(
        session, organization_id, after=part.after, until=part.until, limit=limit
    )
    facts = _Facts.read(session, organization_id, places)
    made = tuple(facts.enter(place, part.timezone) for place in places)
    is_last = len(places) < limit
    return JournalPage(entries=made, rest=None if is_last else replace(part, after=places[-1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What stands at some places of a journal."""

    invoices: dict[UUID, InvoiceFacts]
    notes: Sequence[NoteFacts]
    postings: dict[str, PostingFacts]
    moves: dict[str, CreditMove]
    costs: Costs

    @classmethod
    def read(cls, session: Session, organization_id: UUID, places: Sequence[Place]) -> _Facts:
        """A few statements for all places."""
        keys = {source: [one.key for one in places if one.source == source] for source in Source}
        credited = stored_journal.list_invoices_of_notes(
            session, organization_id, keys[Source.CREDIT_NOTE]
        )
        with_notes = credited | {*keys[Source.VOID]}
        documents = with_notes | {*keys[Source.INVOICE]}
        moves = stored_prepaid.list_moves(
            session,
            organization_id,
            invoice_ids=[UUID(one) for one in documents],
            keys=keys[Source.CREDIT],
        )
        invoices = documents | {str(one.invoice_id) for one in moves if one.invoice_id is not None}
        return cls(
            invoices=stored_journal.list_invoice_facts(session, organization_id, invoices),
            notes=stored_journal.list_note_facts(session, organization_id, with_notes),
            postings=stored_journal.list_posting_facts(
                session, organization_id, keys[Source.POSTING]
            ),
            moves={one.key: one for one in moves},
            costs=Costs(moves=moves),
        )

    def enter(self, place: Place, timezone: str) -> Entry:
        """The entry of a place."""
        on = local_date(place.at, timezone)
        match Source(place.source):
            case Source.INVOICE:
                invoice = self.invoices[UUID(place.key)]
                billed = _billed(invoice, self.costs.drawn_by(invoice.id))
                return entries.bill(_matter_of(invoice, "invoice", on), billed)
            case Source.CREDIT_NOTE:
                [note] = [one for one in self.notes if str(one.id) == place.key]
                invoice = self.invoices[note.invoice_id]
                matter = _matter_of(invoice, "credit_note", on, note=note)
                return entries.give_back(matter, self._given(invoice, note))
            case Source.VOID:
                invoice = self.invoices[UUID(place.key)]
                notes = [one for one in self.notes if one.invoice_id == invoice.id]
                given = [self._given(invoice, one) for one in notes]
                return entries.void(
                    _matter_of(invoice, "void", on), self._voided(invoice, given), given
                )
            case Source.POSTING:
                return _post(self.postings[place.key], on)
            case Source.CREDIT:
                move = self.moves[place.key]
                its = None if move.invoice_id is None else self.invoices[move.invoice_id]
                return prepaid.enter(move, () if its is None else _rates_of(its), on)

    def _given(self, invoice: InvoiceFacts, note: NoteFacts) -> Billed:
        return _given(invoice, note, self.costs.given_back_by(note.id))

    @exactly
    def _voided(self, invoice: InvoiceFacts, given: Sequence[Billed]) -> Billed:
        """What was billed, so that it comes without the notes to the credit that comes back."""
        noted = sum((one.prepaid_cost for one in given), ZERO)
        return _billed(invoice, self.costs.given_back_by_void(invoice.id) + noted)


def _matter_of(
    invoice: InvoiceFacts, kind: str, on: date, *, note: NoteFacts | None = None
) -> Matter:
    return Matter(
        key=f"{kind}/{invoice.id if note is None else note.id}",
        kind=kind,
        on=on,
        currency=invoice.currency,
        customer=invoice.customer,
        customer_id=str(invoice.customer_id),
        documents=(invoice.number,) if note is None else (note.number, invoice.number),
    )


def _post(posting: PostingFacts, on: date) -> Entry:
    numbers = (posting.note_number, posting.invoice_number)
    matter = Matter(
        key=posting.key,
        kind=posting.kind,
        on=on,
        currency=posting.currency,
        customer=posting.customer,
        customer_id=str(posting.customer_id),
        documents=tuple(number for number in numbers if number is not None),
        reference=posting.reference,
    )
    return entries.post(matter, PostingKind(posting.kind), posting.amount, posting.provider)


def _billed(invoice: InvoiceFacts, prepaid_cost: Decimal) -> Billed:
    return Billed(
        total=invoice.total,
        rates=_rates_of(invoice),
        taxes=tuple(Decimal(one["amount"]) for one in invoice.rates),
        prepaid=invoice.prepaid,
        prepaid_cost=prepaid_cost,
        sells_credit=invoice.sells_credit,
    )


@exactly
def _given(invoice: InvoiceFacts, note: NoteFacts, prepaid_cost: Decimal) -> Billed:
    """What a note gave back of lines; tax that was on top is given back on top of them."""
    given = taxes_of_note(
        tax=note.tax,
        amount=note.amount,
        credited_before=note.credited_before,
        rates=[_tax_of(one) for one in invoice.rates],
        currency=find_currency(invoice.currency),
    )
    taxes = {one.tax_rate_id: one for one in given}
    amounts = []
    on_top = ZERO
    for one in invoice.rates:
        tax = taxes.get(TaxRateId(UUID(one["tax_rate_id"])))
        amounts.append(ZERO if tax is None else tax.amount)
        on_top += ZERO if tax is None or tax.is_inclusive else tax.amount
    return Billed(
        total=note.amount + on_top,
        rates=_rates_of(invoice),
        taxes=tuple(amounts),
        prepaid=note.prepaid,
        prepaid_cost=prepaid_cost,
        sells_credit=invoice.sells_credit,
    )


def _rates_of(invoice: InvoiceFacts) -> tuple[Rate, ...]:
    return tuple(
        Rate(
            name=one["name"],
            percentage=Decimal(one["percentage"]),
            country=one["country"],
            state=one["state"],
        )
        for one in invoice.rates
    )


def _tax_of(rate: dict[str, Any]) -> TaxAmount:
    return TaxAmount(
        tax_rate_id=TaxRateId(UUID(rate["tax_rate_id"])),
        name=rate["name"],
        percentage=Decimal(rate["percentage"]),
        is_inclusive=rate["is_inclusive"],
        taxable=Decimal(rate["taxable"]),
        amount=Decimal(rate["amount"]),
    )
