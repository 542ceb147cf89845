"""Whether issued invoices are what their receipts say, and still come out of what they counted.

Everything is asked again: the chain, digests and signatures, the rows that the invoice stands on,
its events, and its lines by the code at hand. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from sqlmodel import Session

from billing.errors import BillingError
from billing.invoicing.explanations import first_difference
from billing.invoicing.invoices import InvoiceLine as BilledLine
from billing.invoicing.invoices import round_line
from billing.invoicing.receipts import canonical_bytes, digest
from billing.money import find_currency, plain_text
from billing.rating.frozen import rate
from billing.rating.lines import LineType
from models.invoicing.invoices import Invoice, InvoiceLine
from models.invoicing.receipts import ReceiptKey, SignedReceipt
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import receipt_keys as stored_keys
from repositories.invoicing import receipts as stored_receipts
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.documents.contents import priced_line_of
from services.invoicing.proofs import recompute_usage_of
from services.rating import steps
from services.rating.steps import BillKey
from services.receipts.signing import is_signed


class Fault(StrEnum):
    """What is wrong with a receipt or with its invoice."""

    RECEIPT_MISSING = "receipt_missing"
    RECEIPT_CHANGED = "receipt_changed"
    UNSIGNED = "unsigned"
    SIGNATURE_WRONG = "signature_wrong"
    INVOICE_CHANGED = "invoice_changed"
    PLAN_CHANGED = "plan_changed"
    INPUTS_CHANGED = "inputs_changed"
    EVENTS_CHANGED = "events_changed"
    LINES_CHANGED = "lines_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong, with a sentence for people."""

    fault: Fault
    detail: str
    sequence: int | None = None
    invoice_id: UUID | None = None
    invoice_number: str | None = None


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
        flaw = next(bills.flaws_of(receipt), None)
        if flaw is not None:
            flaws.append(flaw)
        place = Place(sequence=receipt.sequence, digest=receipt.digest)
    return CheckedPage(count=len(receipts), flaws=tuple(flaws), place=place)


def count_receipts(session: Session, organization_id: UUID) -> int:
    """How many receipts the chain of an organization has."""
    chain = stored_receipts.find_chain(session, organization_id)
    return 0 if chain is None else chain.last_sequence


def find_place(session: Session, organization_id: UUID, sequence: int) -> Place:
    """The place of a receipt, behind which others are looked at; the beginning for 0."""
    if sequence == 0:
        return Place()
    found = stored_receipts.list_after(session, organization_id, sequence - 1, limit=1)
    return Place(sequence=sequence, digest=found[0].digest if found else None)


def check_end(session: Session, organization_id: UUID, place: Place) -> list[Flaw]:
    """Whether a chain, followed to its last receipt, is all that there was."""
    chain = stored_receipts.find_chain(session, organization_id)
    flaws = [
        Flaw(
            fault=Fault.RECEIPT_MISSING,
            detail="The invoice was issued, and has no receipt.",
            invoice_id=invoice_id,
            invoice_number=number,
        )
        for invoice_id, number in stored_receipts.list_without(session, organization_id)
    ]
    if chain is not None and (chain.last_sequence, chain.last_digest) != (
        place.sequence,
        place.digest,
    ):
        detail = f"The chain has {chain.last_sequence} receipts, and ends at {place.sequence}."
        flaws.append(Flaw(fault=Fault.RECEIPT_MISSING, detail=detail, sequence=place.sequence))
    return flaws


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """The most basic thing that is wrong with a receipt, and whether its events were read again."""

    flaw: Flaw | None
    has_recomputed: bool


def judge(session: Session, receipt: SignedReceipt, *, most_events: int) -> Judgment:
    """Look at one receipt and its link to the one before.

    The events of a bill of more than ``most_events`` are not read again.
    """
    bills = _Bills(session, receipt.organization_id, [receipt], most_events=most_events)
    flaw = _broken_link(session, receipt) or next(bills.flaws_of(receipt), None)
    return Judgment(flaw=flaw, has_recomputed=bills.has_recomputed)


def _broken_link(session: Session, receipt: SignedReceipt) -> Flaw | None:
    before = receipt.previous_digest
    if before is None:
        return None
    found = stored_receipts.find_by_digest(session, receipt.organization_id, before)
    if found is not None and found.sequence == receipt.sequence - 1:
        return None
    return _missing_before(receipt)


def _missing_before(receipt: SignedReceipt) -> Flaw:
    return _flaw(
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
        ids = [one.invoice_id for one in receipts]
        keys = [(organization_id, one) for one in ids]
        self._invoices = stored_invoices.find_invoices(session, keys)
        self._keys: dict[str, ReceiptKey | None] = {}
        self._lines: dict[UUID, list[InvoiceLine]] = {}
        for row in stored_invoices.list_lines(session, organization_id, ids):
            self._lines.setdefault(row.invoice_id, []).append(row)
        bills = [BillKey.of_invoice(one) for one in self._invoices.values() if _is_computed(one)]
        steps.read_runs(session, bills)
        # The session keeps them: whoever asks for one of them asks nobody.
        stored_subscriptions.list_by_key(session, {one.key[:2] for one in bills})
        stored_subscriptions.list_periods_by_key(session, [one.key[:3] for one in bills])

    def flaws_of(self, receipt: SignedReceipt) -> Iterator[Flaw]:
        """What is wrong, the most basic first."""
        yield from self._flaws_of_signature(receipt)
        invoice = self._invoices.get((receipt.organization_id, receipt.invoice_id))
        if invoice is None:
            yield _flaw(receipt, Fault.INVOICE_CHANGED, "The invoice is gone.")
            return
        yield from self._flaws_of_amounts(receipt, invoice)
        if receipt.content["inputs_digest"] is None or not _is_computed(invoice):
            return
        yield from self._flaws_of_bill(receipt, invoice)

    def _flaws_of_signature(self, receipt: SignedReceipt) -> Iterator[Flaw]:
        message = canonical_bytes(receipt.content)
        is_same = sha256(message).hexdigest() == receipt.digest and (
            receipt.content["previous_digest"] == receipt.previous_digest
            and receipt.content["sequence"] == receipt.sequence
            and receipt.content["key_id"] == receipt.key_id
        )
        if not is_same:
            yield _flaw(receipt, Fault.RECEIPT_CHANGED, "The receipt does not have its digest.")
        if receipt.key_id is None or receipt.signature is None:
            yield _flaw(receipt, Fault.UNSIGNED, "The receipt was not signed.")
            return
        if receipt.key_id not in self._keys:
            found = stored_keys.find_key(self._session, receipt.organization_id, receipt.key_id)
            self._keys[receipt.key_id] = found
        key = self._keys[receipt.key_id]
        if key is None or not is_signed(message, receipt.signature, key.public_key):
            yield _flaw(receipt, Fault.SIGNATURE_WRONG, "The signature is not of this receipt.")

    def _flaws_of_amounts(self, receipt: SignedReceipt, invoice: Invoice) -> Iterator[Flaw]:
        for name in ("invoice_number", "kind", "currency", "subtotal", "tax", "total"):
            held = getattr(invoice, name)
            said = receipt.content[name]
            if said != (held if isinstance(held, str) or held is None else plain_text(held)):
                detail = f"{name} is {held}, and was {said} when it was issued."
                yield _flaw(receipt, Fault.INVOICE_CHANGED, detail)
        if receipt.content["inputs_digest"] is None:
            rows = self._lines.get(invoice.id, [])
            written = digest(tuple(priced_line_of(row) for row in rows))
            if written != receipt.content["lines_digest"]:
                yield _flaw(receipt, Fault.LINES_CHANGED, "The lines are not those issued.")

    def _flaws_of_bill(self, receipt: SignedReceipt, invoice: Invoice) -> Iterator[Flaw]:
        try:
            frozen, terms = steps.load_frozen(self._session, BillKey.of_invoice(invoice))
        except BillingError as error:
            yield _flaw(receipt, Fault.INPUTS_CHANGED, f"What it counted is gone: {error.detail}")
            return
        if digest(frozen) != receipt.content["inputs_digest"]:
            yield _flaw(receipt, Fault.INPUTS_CHANGED, "What it was computed from was changed.")
        if digest(terms) != receipt.content["terms_digest"]:
            detail = f"Version {terms.version} of the plan was changed."
            yield _flaw(receipt, Fault.PLAN_CHANGED, detail)
        usage = frozen.usage
        event_count = sum(one.event_count for one in usage)
        if self._most_events is None or event_count <= self._most_events:
            self.has_recomputed = True
            usage = recompute_usage_of(self._session, invoice, frozen, terms)
            for one, again in zip(frozen.usage, usage, strict=True):
                if one != again:
                    yield _flaw(
                        receipt,
                        Fault.EVENTS_CHANGED,
                        f"Usage was {one.aggregate} by {one.event_count} events, and is"
                        f" {again.aggregate} by {again.event_count}.",
                    )
        currency = find_currency(invoice.currency)
        recomputed = [round_line(line, currency) for line in rate(terms, frozen, usage)]
        difference = first_difference(self._billed(invoice), recomputed)
        if difference is not None:
            detail = (
                f"Line {difference.place + 1}: {difference.field} is {difference.billed},"
                f" and comes out as {difference.recomputed}."
            )
            yield _flaw(receipt, Fault.LINES_CHANGED, detail)

    def _billed(self, invoice: Invoice) -> list[BilledLine]:
        return [
            BilledLine(line=priced_line_of(row), line_total=row.line_total)
            for row in self._lines.get(invoice.id, [])
            if row.charge_id is not None and row.type != LineType.LATE_USAGE
        ]


def _is_computed(invoice: Invoice) -> bool:
    return (
        not invoice.is_edited
        and invoice.subscription_id is not None
        and invoice.period_index is not None
    )


def _flaw(receipt: SignedReceipt, fault: Fault, detail: str) -> Flaw:
    return Flaw(
        fault=fault,
        detail=detail,
        sequence=receipt.sequence,
        invoice_id=receipt.invoice_id,
        invoice_number=receipt.content.get("invoice_number"),
    )
