"""What can be wrong with a receipt or its invoice, and whether a receipt is what was signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from billing.invoicing.invoices import InvoiceLine, round_line
from billing.invoicing.receipts import canonical_bytes
from billing.money import ZERO, find_currency, plain_text
from models.invoicing.invoices import Invoice, InvoiceTax
from models.invoicing.receipts import ReceiptKey, SignedReceipt
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
    COUPONS_CHANGED = "coupons_changed"
    CREDITS_CHANGED = "credits_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is wrong, with a sentence for people."""

    fault: Fault
    detail: str
    sequence: int | None = None
    invoice_id: UUID | None = None
    invoice_number: str | None = None


def flaw_of(receipt: SignedReceipt, fault: Fault, detail: str) -> Flaw:
    """What is wrong with a receipt or with its invoice."""
    return Flaw(
        fault=fault,
        detail=detail,
        sequence=receipt.sequence,
        invoice_id=receipt.invoice_id,
        invoice_number=content_of(receipt).get("invoice_number"),
    )


def content_of(receipt: SignedReceipt) -> Mapping[str, Any]:
    """What a receipt says; nothing if what is stored is no object."""
    return receipt.content if isinstance(receipt.content, Mapping) else {}


def broken_seal(receipt: SignedReceipt, key: ReceiptKey | None) -> Flaw | None:
    """What is wrong with digest or signature, by the key that the receipt names.

    That a receipt was never signed is for the caller to say: it hides nothing else.
    """
    content = content_of(receipt)
    message = canonical_bytes(content)
    is_same = sha256(message).hexdigest() == receipt.digest and (
        content.get("previous_digest") == receipt.previous_digest
        and content.get("sequence") == receipt.sequence
        and content.get("key_id") == receipt.key_id
        and content.get("invoice_id") == str(receipt.invoice_id)
    )
    if not is_same:
        return flaw_of(receipt, Fault.RECEIPT_CHANGED, "The receipt does not have its digest.")
    if receipt.key_id is None or receipt.signature is None:
        return None
    if key is None or not is_signed(message, receipt.signature, key.public_key):
        return flaw_of(receipt, Fault.SIGNATURE_WRONG, "The signature is not of this receipt.")
    return None


def flaws_of_amounts(receipt: SignedReceipt, invoice: Invoice) -> Iterator[Flaw]:
    """Where the row of an invoice says another thing than its receipt."""
    for name in ("invoice_number", "kind", "currency", "subtotal", "tax", "total"):
        held, said = getattr(invoice, name), content_of(receipt).get(name)
        if said != (held if isinstance(held, str) or held is None else plain_text(held)):
            detail = f"{name} is {held}, and was {said} when it was issued."
            yield flaw_of(receipt, Fault.INVOICE_CHANGED, detail)


def flaws_of_sums(
    receipt: SignedReceipt,
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    taxes: Sequence[InvoiceTax],
) -> Iterator[Flaw]:
    """Whether each line is its exact amount, rounded, and all are what the invoice says."""
    currency = find_currency(invoice.currency)
    for place, one in enumerate(lines, 1):
        if one != round_line(one.line, currency):
            detail = f"Line {place} comes to {one.line_total}, and is {one.line.exact_amount}."
            yield flaw_of(receipt, Fault.LINES_CHANGED, detail)
    contained = sum((one.amount for one in taxes if one.is_inclusive), ZERO)
    billed = sum((one.line_total for one in lines), ZERO)
    if billed != invoice.subtotal + contained:
        owed = plain_text(invoice.subtotal + contained)
        detail = f"The lines come to {plain_text(billed)}, and the invoice to {owed}."
        yield flaw_of(receipt, Fault.LINES_CHANGED, detail)
    tax = sum((one.amount for one in taxes), ZERO)
    if tax != invoice.tax:
        said = plain_text(invoice.tax)
        detail = f"Its taxes come to {plain_text(tax)}, and the invoice's tax is {said}."
        yield flaw_of(receipt, Fault.INVOICE_CHANGED, detail)
