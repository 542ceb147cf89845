"""What can be wrong with a receipt or its invoice, and whether a receipt is what was signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from billing.invoicing.receipts import canonical_bytes
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
