"""Whether issued invoices are what their receipts say, and still come out of what they counted.

Everything is asked again: the chain, digests and signatures, the rows that the invoice stands on,
its events, and its lines by the code at hand. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from billing.errors import BillingError
from billing.invoicing.explanations import first_difference
from billing.invoicing.invoices import InvoiceLine as BilledLine
from billing.invoicing.invoices import InvoiceStatus, round_line
from billing.invoicing.receipts import digest
from billing.metering.tallies import Level
from billing.money import find_currency
from billing.rating.frozen_usage import rate
from billing.rating.lines import as_computed, paid_as
from billing.rating.terms import PlanTerms
from models.invoicing.invoices import Invoice, InvoiceLine, InvoiceTax
from models.invoicing.receipts import ReceiptKey, SignedReceipt
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import receipt_keys as stored_keys
from repositories.invoicing import receipts as stored_receipts
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.documents.contents import is_computed_bill, priced_line_of
from services.invoicing.prepaid.deduction_checks import flaws_of_deductions
from services.invoicing.proofs import is_computed, recompute_usage_of
from services.rating import steps
from services.rating.frozen_usage import Rated
from services.rating.steps import BillKey
from services.receipts.flaws import (
    Fault,
    Flaw,
    broken_seal,
    content_of,
    flaw_of,
    flaws_of_amounts,
    flaws_of_sums,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a chain was followed: the last receipt's place and digest."""

    sequence: int = 0
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPage:
    """How many receipts were looked at, what is wrong with them, and where the next page begins."""

    count: int
    flaws: tuple[Flaw, ...]
    place: Place


def check_page(session: Session, organization_id: UUID, place: Place, *, limit: int) -> CheckedPage:
    """Look at the receipts that follow a place; at most one flaw of each, the most basic."""
    receipts = stored_receipts.list_after(session, organization_id, place.sequence, limit=limit)
    bills = _Bills(session, organization_id, receipts)
    flaws = []
    for receipt in receipts:
        if (receipt.sequence, receipt.previous_digest) != (place.sequence + 1, place.digest):
            flaws.append(_missing_before(receipt))
        flaw = bills.find_flaw(receipt)
        if flaw is not None:
            flaws.append(flaw)
        place = Place(sequence=receipt.sequence, digest=receipt.digest)
    return CheckedPage(count=len(receipts), flaws=tuple(flaws), place=place)


def find_end(session: Session, organization_id: UUID) -> Place:
    """Where a chain ends: whoever follows it afterwards gets as far at least."""
    chain = stored_receipts.find_chain(session, organization_id)
    if chain is None:
        return Place()
    return Place(sequence=chain.last_sequence, digest=chain.last_digest)


def find_place(session: Session, organization_id: UUID, sequence: int) -> Place:
    """The place of a receipt, behind which others are looked at; the beginning for 0."""
    if sequence == 0:
        return Place()
    found = stored_receipts.list_after(session, organization_id, sequence - 1, limit=1)
    return Place(sequence=sequence, digest=found[0].digest if found else None)


def check_end(session: Session, organization_id: UUID, place: Place, end: Place) -> list[Flaw]:
    """Whether a chain, followed to its last receipt, is all that there was.

    ``end`` is where it ended before that was read: meanwhile others may have been added.
    """
    flaws = []
    if place.sequence <= end.sequence and place != end:
        detail = f"The chain has {end.sequence} receipts, and ends at {place.sequence}."
        flaws.append(Flaw(fault=Fault.RECEIPT_MISSING, detail=detail, sequence=place.sequence))
    for invoice_id, number in stored_receipts.list_without(session, organization_id):
        flaw = Flaw(
            fault=Fault.RECEIPT_MISSING,
            detail="The invoice was issued, and has no receipt.",
            invoice_id=invoice_id,
            invoice_number=number,
        )
        flaws.append(flaw)
    return flaws


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """The most basic thing that is wrong with a receipt, and whether its events were read again.

    A void invoice can be all that its receipt says: nobody owes it.
    """

    flaw: Flaw | None
    has_recomputed: bool
    is_void: bool


def judge(session: Session, receipt: SignedReceipt, *, most_events: int) -> Judgment:
    """Look at one receipt and its link to the one before.

    The events of a bill of more than ``most_events`` are not read again, nor is what a total that
    is carried on stands on, which nobody has counted.
    """
    bills = _Bills(session, receipt.organization_id, [receipt], most_events=most_events)
    flaw = _broken_link(session, receipt) or bills.find_flaw(receipt)
    return Judgment(flaw=flaw, has_recomputed=bills.has_recomputed, is_void=bills.is_void(receipt))


def _broken_link(session: Session, receipt: SignedReceipt) -> Flaw | None:
    before = receipt.previous_digest
    if before is None:
        return None
    found = stored_receipts.find_by_digest(session, receipt.organization_id, before)
    if found is not None and found.sequence == receipt.sequence - 1:
        return None
    return _missing_before(receipt)


def _missing_before(receipt: SignedReceipt) -> Flaw:
    return flaw_of(
        receipt, Fault.RECEIPT_MISSING, "What comes before it in the chain was taken away."
    )


class _Bills:
    """Receipts of one organization beside the rows that they are about, read at once."""

    def __init__(
        self,
        session: Session,
        organization_id: UUID,
        receipts: Sequence[SignedReceipt],
        *,
        most_events: int | None = None,
    ) -> None:
        self.has_recomputed = False
        self._session = session
        self._most_events = most_events
        self._rated: dict[UUID, Rated] = {}
        ids = [one.invoice_id for one in receipts]
        keys = [(organization_id, one) for one in ids]
        self._invoices = stored_invoices.find_invoices(session, keys)
        self._keys: dict[str, ReceiptKey | None] = {}
        self._lines: dict[UUID, list[InvoiceLine]] = {}
        for row in stored_invoices.list_lines(session, organization_id, ids):
            self._lines.setdefault(row.invoice_id, []).append(row)
        self._taxes: dict[UUID, list[InvoiceTax]] = {}
        for tax in stored_invoices.list_taxes(session, organization_id, ids):
            self._taxes.setdefault(tax.invoice_id, []).append(tax)
        bills = [
            BillKey.of_invoice(one) for one in self._invoices.values() if is_computed_bill(one)
        ]
        steps.read_runs(session, bills)
        # The session keeps them: whoever asks for one of them asks nobody.
        stored_subscriptions.list_by_key(session, {one.key[:2] for one in bills})
        stored_subscriptions.list_periods_by_key(session, [one.key[:3] for one in bills])

    def find_flaw(self, receipt: SignedReceipt) -> Flaw | None:
        """The most basic thing that is wrong, if anything is."""
        return broken_seal(receipt, self._key_of(receipt)) or next(self._flaws_of(receipt), None)

    def is_void(self, receipt: SignedReceipt) -> bool:
        """Whether the invoice was taken back."""
        invoice = self._invoices.get((receipt.organization_id, receipt.invoice_id))
        return invoice is not None and invoice.status == InvoiceStatus.VOID

    def _flaws_of(self, receipt: SignedReceipt) -> Iterator[Flaw]:
        """What is wrong beside the seal, the most basic first; not to be signed hides nothing."""
        invoice = self._invoices.get((receipt.organization_id, receipt.invoice_id))
        if invoice is None:
            yield flaw_of(receipt, Fault.INVOICE_CHANGED, "The invoice is gone.")
            return
        yield from flaws_of_amounts(receipt, invoice)
        try:
            lines = [_billed(row) for row in self._lines.get(invoice.id, [])]
        except BillingError as error:
            detail = f"A line is none that was written: {error.detail}"
            yield flaw_of(receipt, Fault.LINES_CHANGED, detail)
            return
        own = [one for one in lines if is_computed(one.line)]
        # The receipt says whether usage was computed: the row could have been changed to say not.
        if content_of(receipt).get("inputs_digest") is None:
            own = lines
        elif is_computed_bill(invoice):
            yield from self._flaws_of_bill(receipt, invoice, own)
        else:
            detail = "It was computed from usage when it was issued, and its row says it was not."
            yield flaw_of(receipt, Fault.INVOICE_CHANGED, detail)
        if digest(as_computed(one.line for one in own)) != content_of(receipt).get("lines_digest"):
            yield flaw_of(receipt, Fault.LINES_CHANGED, "The lines are not those issued.")
        yield from flaws_of_sums(receipt, invoice, lines, self._taxes.get(invoice.id, []))
        rows, rated = self._lines.get(invoice.id, []), self._rated.get(invoice.id)
        yield from flaws_of_deductions(self._session, receipt, invoice, rows, rated)
        if receipt.key_id is None or receipt.signature is None:
            yield flaw_of(receipt, Fault.UNSIGNED, "The receipt was not signed.")

    def _key_of(self, receipt: SignedReceipt) -> ReceiptKey | None:
        name = receipt.key_id
        if name is not None and name not in self._keys:
            self._keys[name] = stored_keys.find_key(self._session, receipt.organization_id, name)
        return None if name is None else self._keys[name]

    def _flaws_of_bill(
        self, receipt: SignedReceipt, invoice: Invoice, own: Sequence[BilledLine]
    ) -> Iterator[Flaw]:
        try:
            frozen, terms = steps.load_frozen(self._session, BillKey.of_invoice(invoice))
        except BillingError as error:
            yield flaw_of(receipt, Fault.INPUTS_CHANGED, f"What it counted is gone: {error.detail}")
            return
        if digest(frozen) != content_of(receipt).get("inputs_digest"):
            yield flaw_of(receipt, Fault.INPUTS_CHANGED, "What it was computed from was changed.")
        if digest(terms) != content_of(receipt).get("terms_digest"):
            detail = f"Version {terms.version} of the plan was changed."
            yield flaw_of(receipt, Fault.PLAN_CHANGED, detail)
        usage = frozen.usage
        event_count = sum(one.event_count for one in usage)
        most = self._most_events
        if most is None or (event_count <= most and not _reads_history(terms)):
            self.has_recomputed = True
            usage = recompute_usage_of(self._session, invoice, frozen, terms)
            for one, again in zip(frozen.usage, usage, strict=True):
                if one != again:
                    yield flaw_of(
                        receipt,
                        Fault.EVENTS_CHANGED,
                        f"Usage was {one.aggregate} by {one.event_count} events, and is"
                        f" {again.aggregate} by {again.event_count}.",
                    )
        currency = find_currency(invoice.currency)
        rated = Rated(terms=terms, frozen=frozen, lines=rate(terms, frozen, usage))
        if usage is not frozen.usage:
            self._rated[invoice.id] = rated
        computed = paid_as(rated.lines, [one.line for one in own])
        recomputed = [round_line(line, currency) for line in computed]
        difference = first_difference(own, recomputed)
        if difference is not None:
            detail = (
                f"Line {difference.place + 1}: {difference.field} is {difference.billed},"
                f" and comes out as {difference.recomputed}."
            )
            yield flaw_of(receipt, Fault.LINES_CHANGED, detail)


def _billed(row: InvoiceLine) -> BilledLine:
    return BilledLine(line=priced_line_of(row), line_total=row.line_total)


def _reads_history(terms: PlanTerms) -> bool:
    """Whether the usage of a period takes every event since the beginning."""
    meters = (one.meter for one in terms.charges if one.meter is not None)
    return any(
        one.carry_forward and one.aggregation.definition.level is Level.TOTAL for one in meters
    )
